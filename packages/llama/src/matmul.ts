// Products of a weight matrix with the rows of a batch.

import { dot, packActivation } from "@ll/quant";
import { rowOf } from "./activations.ts";
import type { Pace } from "./pace.ts";
import { type Matrix, matrixRow } from "./weights.ts";

/**
 * out[i] = matrix · x[i] for each of `nTokens` rows. The rows of `x` are packed to the type that meets the matrix's type;
 * sums run in the order of the portable scalar build, whatever the number of rows.
 */
export async function matmul(
  out: Float32Array, // (nTokens, matrix.rows)
  matrix: Matrix,
  x: Float32Array, // (nTokens, matrix.columns)
  nTokens: number,
  pace: Pace,
): Promise<void> {
  const { type, rows, columns } = matrix;
  const activations: Uint8Array[] = []; // (nTokens): packed rows
  for (let i = 0; i < nTokens; i++) activations.push(packActivation(type, rowOf(x, i, columns)));

  for (let r = 0; r < rows; r++) {
    const row = matrixRow(matrix, r);
    for (let i = 0; i < nTokens; i++) out[i * rows + r] = dot(type, row, activations[i]!);
    if (pace.spend(nTokens * columns)) await pace.turn();
  }
}
