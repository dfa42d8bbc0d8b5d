// Tensors in pieces, which are read, packed and written at the same time: the only memory that a conversion takes, whatever
// the size of the model.

import type { SourceTensor } from "@ll/bytes";
import { blockInfo, knowsImportance, packsAlike } from "@ll/quant";
import type { ImportanceEntry } from "./importance.ts";
import { lostInCopy } from "./packing/lost-values.ts";
import { type PackedPiece, type Packer, type Packing, PIECE_BYTES, PIECE_VALUES } from "./packing/packer.ts";
import { product } from "./shapes.ts";

/** A part of a tensor. */
export interface Piece {
  readonly tensor: SourceTensor;
  /** In bytes, from the start of the tensor. */
  readonly offset: number;
  readonly byteLength: number;
  /** Absent for bytes that stay as they are. */
  readonly packing?: Packing;
  /** Reads the importance of the columns of all rows in the piece. */
  readonly importance?: (() => Promise<Float32Array>) | undefined; // (nColumns)
  /** Type of whole blocks in which numbers are looked for that are none, where bytes stay as they are. */
  readonly checkAs?: string;
}

/** The pieces of a tensor that stays as it is and is searched for what is no number. @throws RangeError for an unknown type */
export function* checkedPieces(tensor: SourceTensor): Generator<Piece, void, void> {
  const { blockBytes } = blockInfo(tensor.type);
  for (const piece of cut(tensor, Math.floor(PIECE_BYTES / blockBytes) * blockBytes)) {
    yield { ...piece, checkAs: tensor.type };
  }
}

/** The pieces of a tensor that stays as it is. */
export function copyPieces(tensor: SourceTensor): Generator<Piece, void, void> {
  return cut(tensor, PIECE_BYTES);
}

/** The pieces of a tensor that is packed to another type. @throws RangeError for an unknown type */
export function* packingPieces(tensor: SourceTensor, toType: string): Generator<Piece, void, void> {
  const { blockValues, blockBytes } = blockInfo(tensor.type);
  const packing = { from: tensor.type, to: toType };
  for (const piece of cut(tensor, (PIECE_VALUES / blockValues) * blockBytes)) yield { ...piece, packing };
}

/** Values per piece of types that take long: some 10 ns for each, or without WebAssembly up to a microsecond, and signals are heard between pieces. */
const SLOW_PIECE_VALUES = PIECE_VALUES / 8;

/**
 * The pieces of a tensor that is packed as for GGUF files. With importance, whose columns are those of a matrix, each piece is of one matrix
 * and of whole rows.
 * @throws RangeError for an unknown type
 */
export function* ggufPackingPieces(
  tensor: SourceTensor,
  toType: string,
  importance: ImportanceEntry | undefined,
): Generator<Piece, void, void> {
  const { blockValues, blockBytes } = blockInfo(tensor.type);
  const packing = { from: tensor.type, to: toType, isGguf: true };
  const bytesOf = (nValues: number): number => (nValues / blockValues) * blockBytes;
  if (importance === undefined || !knowsImportance(toType)) {
    const nValues = packsAlike(toType, tensor.type) ? PIECE_VALUES : SLOW_PIECE_VALUES;
    for (const piece of cut(tensor, bytesOf(nValues))) yield { ...piece, packing };
    return;
  }
  const nMatrices = product(tensor.shape.slice(0, -2));
  const matrixBytes = tensor.byteLength / nMatrices;
  const nColumns = importance.length / nMatrices;
  const mostBytes = bytesOf(Math.max(SLOW_PIECE_VALUES, nColumns));
  for (let matrix = 0; matrix < nMatrices; matrix++) {
    const read = (): Promise<Float32Array> => importance.read(matrix * nColumns, nColumns);
    for (const piece of cut(tensor, mostBytes, matrix * matrixBytes, (matrix + 1) * matrixBytes)) {
      yield { ...piece, packing, importance: read };
    }
  }
}

/** Pieces of whole rows as far as rows are shorter, since some checkpoints make their tensors row by row. */
function* cut(
  tensor: SourceTensor,
  mostBytes: number,
  start = 0,
  end: number = tensor.byteLength,
): Generator<Piece, void, void> {
  const rowBytes = tensor.byteLength / product(tensor.shape.slice(0, -1));
  const pieceBytes = rowBytes < mostBytes ? Math.floor(mostBytes / rowBytes) * rowBytes : mostBytes;
  for (let offset = start; offset < end; offset += pieceBytes) {
    yield { tensor, offset, byteLength: Math.min(pieceBytes, end - offset) };
  }
}

const NO_COUNTS: readonly number[] = /* @__PURE__ */ new Array(16).fill(0);

/**
 * The pieces packed, in order. As many are under way as `packer` has slots; they are read one after the other, as checkpoints
 * that are checked while they are read want it. When this ends early, what is under way has come to its end.
 * @throws what reading and packing throw; the signal's reason before the next piece is read
 */
export async function* packedPieces(
  pieces: Iterable<Piece>,
  packer: Packer,
  signal: AbortSignal | undefined,
): AsyncGenerator<PackedPiece, void, void> {
  const waiting = pieces[Symbol.iterator]();
  const underWay: Promise<PackedPiece>[] = []; // the piece with index i in slot i modulo packer.slots
  let lastRead: Promise<unknown> = Promise.resolve();
  let nBegun = 0;

  function begin({ tensor, offset, byteLength, packing, importance, checkAs }: Piece): void {
    const slot = nBegun++ % packer.slots;
    const read = lastRead.then(async () => {
      signal?.throwIfAborted();
      await tensor.read(offset, packer.source(slot, byteLength));
      return importance?.();
    });
    const packed = read.then((weights) => {
      if (packing !== undefined) return packer.pack(slot, byteLength, { ...packing, importance: weights });
      const bytes = packer.source(slot, byteLength);
      const lost = checkAs === undefined ? undefined : lostInCopy(checkAs, bytes);
      return { bytes, histogram: NO_COUNTS, lost };
    });
    packed.catch(() => {}); // it is awaited later, or not at all after another one failed
    lastRead = read;
    underWay.push(packed);
  }

  try {
    for (;;) {
      while (underWay.length < packer.slots) {
        const next = waiting.next();
        if (next.done === true) break;
        begin(next.value);
      }
      const first = underWay.shift();
      if (first === undefined) return;
      yield await first; // its slot is free when the next one is asked for
    }
  } finally {
    await Promise.allSettled(underWay);
  }
}
