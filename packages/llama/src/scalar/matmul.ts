// Products of a weight matrix with the rows of a batch.

import { rowOf, type ScalarRun } from "../ops/op.ts";
import { matrixRow, type Tensor } from "../weights.ts";

/**
 * out[i] = rows `firstRow` … of the matrix · x[i] for each of `n` rows. The rows of `x` are packed to the type that meets the matrix's
 * type; sums run in the order of the arithmetic, whatever the number of rows.
 */
export async function matmul(
  out: Float32Array, // (n, nRows)
  matrix: Tensor,
  firstRow: number,
  nRows: number,
  x: Float32Array, // (n, matrix.columns)
  n: number,
  { arithmetic, pace }: Pick<ScalarRun, "arithmetic" | "pace">,
): Promise<void> {
  const { type, columns } = matrix;
  const packed = Array.from({ length: n }, (_, i) => arithmetic.pack(type, rowOf(x, i, columns))); // (n)
  for (let r = 0; r < nRows; r++) {
    const row = matrixRow(matrix, firstRow + r);
    for (let i = 0; i < n; i++) out[i * nRows + r] = arithmetic.dot(type, row, packed[i]!);
    if (pace.spend(n * columns)) await pace.turn();
  }
}
