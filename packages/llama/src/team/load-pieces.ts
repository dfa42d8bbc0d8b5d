// The weights of a shard as a list of pieces: which bytes of which tensor go where in its memory. Whoever can read the tensors
// walks through the list: the worker itself, or the main thread for it.

import { GROUP_ROWS, type Kernels, rowBytes } from "@ll/quant";
import type { ArenaLayout, PlacedMatrix, PlacedVector } from "./arena.ts";
import { sizeOf } from "./ranges.ts";

export interface LoadPiece {
  /** The tensor, and where in it the piece begins. */
  readonly name: string;
  readonly offset: number;
  readonly bytes: number;
  /** Where the bytes go. */
  readonly address: number;
  /** How to go on with them; undefined for norms and embeddings, which are used as they are. */
  readonly repack: RepackOrder | undefined;
}

export interface RepackOrder {
  readonly type: string;
  readonly columns: number;
  /** First row, of those in the shard; a multiple of 8. */
  readonly row: number;
  readonly nRows: number;
  /** Start of the shard's rows of the matrix. */
  readonly matrixAddress: number;
}

/** In the order of the file that build 803 writes, so that shards which load at the same time read the same parts of it. */
export function* loadPieces(layout: ArenaLayout): Generator<LoadPiece, void, void> {
  const staging = layout.work.staging;
  yield* rawPieces(layout.tokEmbeddings, staging.bytes);
  yield vectorPiece(layout.norm);
  yield* matrixPieces(layout.output, staging);
  for (const layer of layout.layers) {
    yield vectorPiece(layer.attentionNorm);
    for (const matrix of [layer.wq, layer.wk, layer.wv, layer.wo]) yield* matrixPieces(matrix, staging);
    yield vectorPiece(layer.ffnNorm);
    for (const matrix of [layer.w1, layer.w2, layer.w3]) yield* matrixPieces(matrix, staging);
  }
}

/**
 * Brings the bytes of a piece, which are at its address, into the form in which they are used.
 * @returns the number of blocks with a scale that is infinite or NaN
 */
export function finishPiece(kernels: Kernels, { name, address, bytes, repack }: LoadPiece): number {
  if (repack === undefined) return 0;
  const { type, columns, row, nRows, matrixAddress } = repack;
  const matrix = kernels.matrix(type);
  const target = matrixAddress + matrix.weightBytes(row, columns);
  kernels.checkSpan(name, address, bytes);
  kernels.checkSpan(name, target, matrix.weightBytes(nRows, columns));
  return matrix.repack(address, target, nRows, columns);
}

function vectorPiece({ name, address, length }: PlacedVector): LoadPiece {
  return { name, offset: 0, bytes: 4 * length, address, repack: undefined };
}

function* rawPieces({ name, type, rows, columns, address, bytes }: PlacedMatrix, most: number): Generator<LoadPiece> {
  const start = rows.start * rowBytes(type, columns);
  for (let done = 0; done < bytes; done += most) {
    const pieceBytes = Math.min(most, bytes - done);
    yield { name, offset: start + done, bytes: pieceBytes, address: address + done, repack: undefined };
  }
}

function* matrixPieces(matrix: PlacedMatrix, staging: ArenaLayout["work"]["staging"]): Generator<LoadPiece> {
  const { name, type, columns, rows } = matrix;
  const bytes = rowBytes(type, columns);
  const mostRows = Math.floor(staging.bytes / bytes / GROUP_ROWS) * GROUP_ROWS;
  for (let row = 0; row < sizeOf(rows); row += mostRows) {
    const nRows = Math.min(mostRows, sizeOf(rows) - row);
    const repack = { type, columns, row, nRows, matrixAddress: matrix.address };
    yield { name, offset: (rows.start + row) * bytes, bytes: nRows * bytes, address: staging.address, repack };
  }
}
