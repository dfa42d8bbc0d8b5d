// Products of weight matrices with the rows of a batch: what project, experts and logits have in common, in both engines.

import type { Product, Weight } from "@ll/architectures";
import type { MatrixKernels } from "@ll/quant";
import type { Pieces } from "../pace.ts";
import { aligned, sizeOf } from "../team/ranges.ts";
import { expertRows, matrixRow } from "../weights.ts";
import { addInto, scaleBy } from "./element-wise.ts";
import { type PlacedWeight, rowOf, type ScalarRun, type ScratchSizes, type ShardBinding } from "./op.ts";

/**
 * Products of weights and activations in a piece: about a millisecond, and few enough rows to stay in the L2 cache while the
 * tiles of a slice of tokens take their turns.
 */
const PIECE_PRODUCTS = 2 ** 26;

/** A matrix, and what its products become. */
export type Factors = Omit<Product, "out">;

/**
 * out[i] = matrix · x[i] · scale + bias for each of `n` rows, with the matrix of an expert if there are several. The rows of `x` are packed
 * to the type that meets the matrix's type; sums run in the order of the arithmetic, whatever the number of rows.
 */
export async function multiplied(
  out: Float32Array, // (n, rows of the matrix)
  { weight, scale, bias }: Factors,
  x: Float32Array, // (n, columns of the matrix)
  n: number,
  run: ScalarRun,
  expert = 0,
): Promise<void> {
  const { arithmetic, pace } = run;
  const matrix = run.tensor(weight);
  const { type, columns } = matrix;
  const nRows = weight.shape[0]!;
  const firstRow = expert * expertRows(weight) + weight.firstRow;
  const packed = Array.from({ length: n }, (_, i) => arithmetic.pack(type, rowOf(x, i, columns))); // (n)
  for (let r = 0; r < nRows; r++) {
    const row = matrixRow(matrix, firstRow + r);
    for (let i = 0; i < n; i++) out[i * nRows + r] = arithmetic.dot(type, row, packed[i]!);
    if (pace.spend(n * columns)) await pace.turn();
  }
  if (scale !== undefined) scaleBy(out, run.numbers(scale)[expert]!);
  if (bias === undefined) return;
  for (let i = 0; i < n; i++) addInto(rowOf(out, i, nRows), run.numbers(bias, expert), nRows);
}

/** A shard's part of a matrix, and the packed input that it meets. */
interface PlacedFactors {
  readonly matrix: PlacedWeight;
  readonly scale: PlacedWeight | undefined;
  readonly bias: PlacedWeight | undefined;
  readonly kernels: MatrixKernels;
  readonly packed: number;
}

/** Bytes of one input, packed once for each type of the matrices that meet it. */
export function packedBytes(
  weights: readonly Weight[],
  { sliceTokens, typeOf, activationBytes }: ScratchSizes,
): number {
  const types = new Map(weights.map((weight) => [typeOf(weight), weight.shape[1]!]));
  return [...types].reduce((sum, [type, columns]) => sum + aligned(activationBytes(type, sliceTokens, columns)), 0);
}

/** Products of one input with a shard's parts of matrices. */
export class Products {
  readonly #shard: ShardBinding;
  readonly #factors: readonly PlacedFactors[];
  readonly #packs = new Map<string, { readonly kernels: MatrixKernels; readonly packed: number }>(); // by type

  /** @param packed start of `packedBytes` */
  constructor(shard: ShardBinding, packed: number, factors: readonly Factors[]) {
    let next = packed;
    this.#shard = shard;
    this.#factors = factors.map(({ weight, scale, bias }) => {
      const matrix = shard.weight(weight);
      let pack = this.#packs.get(matrix.type);
      if (pack === undefined) {
        pack = { kernels: shard.kernels.matrix(matrix.type), packed: next };
        this.#packs.set(matrix.type, pack);
        next += aligned(pack.kernels.activationBytes(shard.sliceTokens, matrix.columns));
      }
      return { matrix, scale: scale && shard.weight(scale), bias: bias && shard.weight(bias), ...pack };
    });
  }

  /** Packs `n` vectors at `input` for all matrices. */
  pack(input: number, n: number): void {
    const { columns } = this.#factors[0]!.matrix;
    for (const { kernels, packed } of this.#packs.values()) kernels.packActivations(input, packed, n, columns);
  }

  /** (n, own rows) products with the `j`-th matrix at `out`; with that of an expert if there are several. */
  *multiply(j: number, out: number, n: number, expert = 0): Pieces {
    const nRows = sizeOf(this.#factors[j]!.matrix.rows);
    const rows = this.pieceRows(j, n);
    for (let row = 0; row < nRows; row += rows) {
      if (row > 0) yield "piece";
      this.#multiply(j, out, row, Math.min(nRows, row + rows), n, nRows, expert);
    }
    this.#finish(j, out, 0, nRows, n, expert);
  }

  /** (n, end - row) products with own rows of the `j`-th matrix at `out`: no more than `pieceRows` of them. */
  multiplyRows(j: number, out: number, row: number, end: number, n: number): void {
    this.#multiply(j, out - 4 * row, row, end, n, end - row, 0); // the kernel writes from `row` on
    this.#finish(j, out, row, end - row, n, 0);
  }

  /** Rows of a piece of the `j`-th matrix; a multiple of 8. */
  pieceRows(j: number, n: number): number {
    return Math.max(8, Math.floor(PIECE_PRODUCTS / (this.#factors[j]!.matrix.columns * n) / 8) * 8);
  }

  #multiply(j: number, out: number, row: number, end: number, n: number, stride: number, expert: number): void {
    const { matrix, kernels, packed } = this.#factors[j]!;
    const address = matrix.address + expert * matrix.expertBytes;
    kernels.multiply(address, packed, out, row, end, matrix.columns, n, stride);
  }

  /** Products of `nRows` rows from `firstRow` on, times the scale and with the bias. */
  #finish(j: number, out: number, firstRow: number, nRows: number, n: number, expert: number): void {
    const { scale, bias } = this.#factors[j]!;
    const { llama, memory } = this.#shard;
    if (scale !== undefined) llama.scale(out, n * nRows, memory.floats(scale.address, expert + 1)[expert]!);
    if (bias === undefined) return;
    const from = bias.address + expert * bias.expertBytes + 4 * firstRow;
    for (let i = 0; i < n; i++) llama.addInto(out + 4 * i * nRows, from, nRows);
  }
}
