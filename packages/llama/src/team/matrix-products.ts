// Products of a shard's matrices with a packed input, a piece of their rows at a time.

import type { Weight } from "@ll/architectures";
import type { Kernels, MatrixKernels } from "@ll/quant";
import type { PlacedWeight, ScratchSizes } from "../ops/op.ts";
import { MATRIX_PIECE_PRODUCTS, type Pieces } from "./pieces.ts";
import { aligned, sizeOf } from "./ranges.ts";

/** A matrix with the kernels and the packed input that it meets. */
export interface Product {
  readonly matrix: PlacedWeight;
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

/** Products of one input with matrices. @param packed start of `packedBytes` */
export class Products {
  readonly products: readonly Product[];
  readonly #packs = new Map<string, { readonly kernels: MatrixKernels; readonly packed: number }>(); // by type

  constructor(kernels: Kernels, packed: number, sliceTokens: number, matrices: readonly PlacedWeight[]) {
    let next = packed;
    this.products = matrices.map((matrix): Product => {
      let pack = this.#packs.get(matrix.type);
      if (pack === undefined) {
        pack = { kernels: kernels.matrix(matrix.type), packed: next };
        this.#packs.set(matrix.type, pack);
        next += aligned(pack.kernels.activationBytes(sliceTokens, matrix.columns));
      }
      return { matrix, ...pack };
    });
  }

  /** Packs `n` vectors at `input` for all matrices. */
  pack(input: number, n: number): void {
    const { columns } = this.products[0]!.matrix;
    for (const { kernels, packed } of this.#packs.values()) kernels.packActivations(input, packed, n, columns);
  }
}

/** (n, own rows) products at `out`, with the matrix of an expert if there are several. */
export function* multiply({ matrix, kernels, packed }: Product, out: number, n: number, expert = 0): Pieces {
  const nRows = sizeOf(matrix.rows);
  const rows = pieceRows(matrix.columns, n);
  const address = matrix.address + expert * matrix.expertBytes;
  for (let row = 0; row < nRows; row += rows) {
    if (row > 0) yield "piece";
    const end = Math.min(nRows, row + rows);
    kernels.multiply(address, packed, out, row, end, matrix.columns, n, nRows);
  }
}

/** Rows of a piece; a multiple of 8. */
export function pieceRows(columns: number, n: number): number {
  return Math.max(8, Math.floor(MATRIX_PIECE_PRODUCTS / (columns * n) / 8) * 8);
}
