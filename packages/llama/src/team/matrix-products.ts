// Products of a shard's matrices with a packed input, a piece of their rows at a time.

import type { Kernels, MatrixKernels } from "@ll/quant";
import { aligned, type PlacedMatrix } from "./arena.ts";
import { MATRIX_PIECE_PRODUCTS, type Pieces } from "./pieces.ts";
import { sizeOf } from "./ranges.ts";

/** A matrix with the kernels and the packed input that it meets. */
export interface Product {
  readonly matrix: PlacedMatrix;
  readonly kernels: MatrixKernels;
  readonly packed: number;
}

/** Matrices that share one input, which is packed once for each of their types. */
export interface ProductStep<Products extends readonly Product[] = readonly Product[]> {
  readonly packs: readonly { readonly kernels: MatrixKernels; readonly packed: number }[];
  readonly products: Products;
}

/** @param packed where packed inputs for up to `sliceTokens` tokens have room */
export function productStep<const Matrices extends readonly PlacedMatrix[]>(
  kernels: Kernels,
  packed: number,
  sliceTokens: number,
  matrices: Matrices,
): ProductStep<{ [Index in keyof Matrices]: Product }> {
  const packs = new Map<string, { kernels: MatrixKernels; packed: number }>();
  let next = packed;
  const products = matrices.map((matrix): Product => {
    let pack = packs.get(matrix.type);
    if (pack === undefined) {
      pack = { kernels: kernels.matrix(matrix.type), packed: next };
      packs.set(matrix.type, pack);
      next += aligned(pack.kernels.activationBytes(sliceTokens, matrix.columns));
    }
    return { matrix, ...pack };
  });
  return { packs: [...packs.values()], products: products as { [Index in keyof Matrices]: Product } };
}

/** Packs `n` vectors at `input` for all matrices of a step. */
export function packInput({ packs, products }: ProductStep, input: number, n: number): void {
  const columns = (products[0] as Product).matrix.columns;
  for (const { kernels, packed } of packs) kernels.packActivations(input, packed, n, columns);
}

/** (n, own rows) products at `out`. */
export function* multiply({ matrix, kernels, packed }: Product, out: number, n: number): Pieces {
  const nRows = sizeOf(matrix.rows);
  const rows = pieceRows(matrix.columns, n);
  for (let row = 0; row < nRows; row += rows) {
    if (row > 0) yield "piece";
    const end = Math.min(nRows, row + rows);
    kernels.multiply(matrix.address, packed, out, row, end, matrix.columns, n, nRows);
  }
}

/** Rows of a piece; a multiple of 8. */
export function pieceRows(columns: number, n: number): number {
  return Math.max(8, Math.floor(MATRIX_PIECE_PRODUCTS / (columns * n) / 8) * 8);
}
