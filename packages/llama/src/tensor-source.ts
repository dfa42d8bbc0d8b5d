// What weights are loaded from: a shape that file readers have without knowing this package, and that a test can make by hand.

import type { Blob } from "@ll/bytes";

/**
 * Where the bytes of a tensor are, for workers that can read them there themselves: `offset` bytes into a file. `stamp` is that of the
 * origin of a byte source: with it, another file at the path is refused.
 */
export type TensorLocation =
  | { readonly path: string; readonly stamp?: string; readonly offset: number }
  | { readonly blob: Blob; readonly offset: number };

/** A tensor that is somewhere. */
export interface SourceTensor {
  readonly name: string;
  /** As llama.cpp build 803 prints it: "f32", "f16", "q4_0", "q6_K", … */
  readonly type: string;
  /** Slowest dimension first: [rows, columns] or [n]. */
  readonly shape: readonly number[];
  readonly byteLength: number;
  /** Fills all of `target` with the bytes from `offset` of the tensor. */
  read(offset: number, target: Uint8Array): Promise<void>;
  /** Optional: lets an engine with workers read the file in all of them at once, instead of calling `read`. */
  readonly location?: TensorLocation | undefined;
}

/** Named tensors, such as an open model file. */
export interface TensorSource {
  names(): Iterable<string>;
  tensor(name: string): SourceTensor | undefined;
  /** Called when all weights are loaded. @throws IoError `E_CHANGED` if they are not all of one state of the file */
  readonly assertUnchanged?: (() => Promise<void>) | undefined;
}
