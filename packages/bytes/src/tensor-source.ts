// Tensors that are somewhere: what every reader of the toolchain yields and every consumer takes.

import type { SourceOrigin } from "./byte-source.ts";

/** Where a worker can read the bytes of a tensor itself: `offset` bytes into a file or Blob. */
export type TensorLocation = SourceOrigin & { readonly offset: number };

/** A tensor: bytes, their meaning, their shape. Nothing is read until it is asked for, and nothing is kept. */
export interface SourceTensor {
  readonly name: string;
  /** As llama.cpp prints it: "f32", "f16", "q4_0", "q6_K", …; in checkpoints also types of plain elements, such as "i32". */
  readonly type: string;
  /** Slowest dimension first: [rows, columns] or [n]. */
  readonly shape: readonly number[];
  readonly byteLength: number;
  /** Fills all of `target` with the tensor's bytes from `offset`. @throws RangeError outside the tensor; IoError */
  read(offset: number, target: Uint8Array): Promise<void>;
  /** Optional: lets an engine with workers read the file in all of them at once, instead of calling `read`. */
  readonly location?: TensorLocation | undefined;
}

/** Tensors by name, in the order of their file: such as an open model file. */
export interface TensorSource {
  names(): Iterable<string>;
  tensor(name: string): SourceTensor | undefined;
  /** Called when all tensors were read. @throws IoError `E_CHANGED` if they are not all of one state of the file */
  readonly assertUnchanged?: (() => Promise<void>) | undefined;
}
