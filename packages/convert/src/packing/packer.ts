// What packs pieces of tensors, seen from those who read them and write the result: this thread (workbench.ts) or workers
// (worker-packer.ts). Where all tensors are written as they are read, a copier takes the place of both.

import type { LostValues } from "../events.ts";

/**
 * Values per piece, a multiple of every block length, so that no block straddles pieces: 1 MiB as binary16, 2 MiB as binary32.
 * A model of 2.2 GB to q4_0 with two workers took 1.66 s; 1.71 s with half as many, 2.16 s with a quarter, 1.49 s with twice as
 * many, but 10 MiB more memory.
 */
export const PIECE_VALUES: number = 2 ** 19;

/** Most bytes of a piece, read or packed. */
export const PIECE_BYTES: number = PIECE_VALUES * Float32Array.BYTES_PER_ELEMENT;

/** From one type, or "bf16", to another, by the names of @ll/quant. */
export interface Packing {
  readonly from: string;
  readonly to: string;
  /** Pack as `packGgufRows` of @ll/quant does, and not as `packRows`. */
  readonly isGguf?: boolean | undefined;
  /** (nColumns) of whole rows; only for GGUF files. */
  readonly importance?: Float32Array | undefined;
}

export interface PackedPiece {
  /** Valid until the slot is used again. */
  readonly bytes: Uint8Array;
  /** (16) what `toolHistogram` of @ll/quant counts in them. */
  readonly histogram: ArrayLike<number>;
  /** Absent if all values of the piece are numbers that its new type can hold. */
  readonly lost?: LostValues | undefined;
}

export interface Packer {
  /** Places for pieces: so many may be read, packed and written at the same time. */
  readonly slots: number;
  /** Where the bytes of a piece of `byteLength`, at most `PIECE_BYTES`, are put to be packed or copied. */
  source(slot: number, byteLength: number): Uint8Array;
  /** Packs the `byteLength` bytes that were put there. @throws WorkerError */
  pack(slot: number, byteLength: number, packing: Packing): PackedPiece | Promise<PackedPiece>;
  /** Ends workers, if there are any. Resolves when they are gone. */
  dispose(): Promise<void>;
}

/** Pieces at a time: one is read while another is written. */
const SLOTS = 2;

export function createCopier(): Packer {
  const places = Array.from({ length: SLOTS }, () => new Uint8Array(PIECE_BYTES));
  return {
    slots: SLOTS,
    source: (slot, byteLength) => (places[slot] as Uint8Array).subarray(0, byteLength),
    pack() {
      throw new Error("a copier was asked to pack");
    },
    async dispose() {},
  };
}
