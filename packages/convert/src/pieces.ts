// Tensors in pieces: the only memory that a conversion takes, whatever the size of the model.

import { type SourceTensor, tensorChunks } from "@ll/ggml-format";
import { blockInfo, unpackRows } from "@ll/quant";

/**
 * Values per piece: 1 MiB as binary32, and a multiple of every block length, so that no block straddles pieces. Quantising a
 * model of 0.9 GB to q4_0 took the same CPU time with 2^16 to 2^22 values, within 4 %, but 114 to 219 MiB of memory.
 */
export const PIECE_VALUES: number = 2 ** 18;

/** Packs rows as `packRows` of @ll/quant does, maybe elsewhere; fills and returns `out`. */
export type PackRows = (type: string, values: Float32Array, out: Uint8Array) => Uint8Array | Promise<Uint8Array>;

/** The bytes of a tensor as they are, in whole rows as far as rows are shorter than a piece. */
export function copyPieces(tensor: SourceTensor): AsyncGenerator<Uint8Array, void, void> {
  const rowBytes = tensor.byteLength / rows(tensor);
  const pieceBytes = PIECE_VALUES * Float32Array.BYTES_PER_ELEMENT;
  return tensorChunks(tensor, rowBytes < pieceBytes ? Math.floor(pieceBytes / rowBytes) * rowBytes : pieceBytes);
}

/**
 * The bytes of a tensor packed to another type. All pieces are views of one buffer: each is valid until the next is asked for.
 * @throws what `tensor.read` and `pack` throw; RangeError for an unknown type
 */
export async function* packedPieces(
  tensor: SourceTensor,
  toType: string,
  pack: PackRows,
): AsyncGenerator<Uint8Array, void, void> {
  const from = blockInfo(tensor.type);
  const to = blockInfo(toType);
  const nValues = (tensor.byteLength / from.blockBytes) * from.blockValues;
  const pieceValues = Math.min(PIECE_VALUES, nValues);
  const source = new Uint8Array((pieceValues / from.blockValues) * from.blockBytes);
  const values = new Float32Array(pieceValues); // (pieceValues)
  const packed = new Uint8Array((pieceValues / to.blockValues) * to.blockBytes);
  for (let first = 0; first < nValues; first += pieceValues) {
    const n = Math.min(pieceValues, nValues - first);
    const bytes = source.subarray(0, (n / from.blockValues) * from.blockBytes);
    await tensor.read((first / from.blockValues) * from.blockBytes, bytes);
    unpackRows(tensor.type, bytes, values.subarray(0, n));
    yield await pack(toType, values.subarray(0, n), packed.subarray(0, (n / to.blockValues) * to.blockBytes));
  }
}

function rows(tensor: SourceTensor): number {
  return tensor.shape.slice(0, -1).reduce((product, size) => product * size, 1);
}
