// The weights of a shard as a list of pieces: which bytes of which tensor go where in its memory. Whoever can read the tensors
// walks through the list: the worker itself, or the main thread for it.

import { GROUP_ROWS, type Kernels, rowBytes } from "@ll/quant";
import type { PlacedWeight } from "../ops/op.ts";
import type { ShardLayout } from "./layout.ts";
import { sizeOf } from "./ranges.ts";

export interface LoadPiece {
  /** The tensor, and where in it the piece begins. */
  readonly name: string;
  readonly offset: number;
  readonly bytes: number;
  /** Where the bytes go. */
  readonly address: number;
  /** How to go on with them; undefined for plain numbers and embeddings, which are used as they are. */
  readonly repack: RepackOrder | undefined;
}

export interface RepackOrder {
  readonly type: string;
  readonly columns: number;
  /** First row, of those in the shard; a multiple of 8. */
  readonly row: number;
  readonly nRows: number;
  /** Start of the shard's rows of the matrix, or of the expert's. */
  readonly matrixAddress: number;
}

/** In the order of the source. */
export function* loadPieces({ weights, loadOrder, staging }: ShardLayout): Generator<LoadPiece, void, void> {
  for (const id of loadOrder) {
    const weight = weights[id]!;
    for (let expert = 0; expert < weight.nExperts; expert++) {
      const one = ofExpert(weight, expert);
      yield* one.form === "matrix" ? matrixPieces(one, staging) : rawPieces(one, staging.bytes);
    }
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

function ofExpert(weight: PlacedWeight, expert: number): PlacedWeight {
  const { tensorRow, expertRows, address, expertBytes } = weight;
  return { ...weight, tensorRow: tensorRow + expert * expertRows, address: address + expert * expertBytes };
}

function* rawPieces(weight: PlacedWeight, most: number): Generator<LoadPiece> {
  const { name, type, tensorRow, columns, address, bytes } = weight;
  const start = tensorRow * rowBytes(type, columns);
  for (let done = 0; done < bytes; done += most) {
    const pieceBytes = Math.min(most, bytes - done);
    yield { name, offset: start + done, bytes: pieceBytes, address: address + done, repack: undefined };
  }
}

function* matrixPieces(weight: PlacedWeight, staging: ShardLayout["staging"]): Generator<LoadPiece> {
  const { name, type, columns, rows, tensorRow } = weight;
  const bytes = rowBytes(type, columns);
  const mostRows = Math.floor(staging.bytes / bytes / GROUP_ROWS) * GROUP_ROWS;
  for (let row = 0; row < sizeOf(rows); row += mostRows) {
    const nRows = Math.min(mostRows, sizeOf(rows) - row);
    const repack = { type, columns, row, nRows, matrixAddress: weight.address };
    yield { name, offset: (tensorRow + row) * bytes, bytes: nRows * bytes, address: staging.address, repack };
  }
}
