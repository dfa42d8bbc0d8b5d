// Tensors that are somewhere: what every reader of the toolchain yields and every consumer takes.

import { assertSpan, type ByteSource, type SourceOrigin } from "./byte-source.ts";

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

/** A tensor inside a file: its place and type, and its bytes when they are wanted. */
export class FileTensor implements SourceTensor {
  readonly name: string;
  /** Any type that its format has, such as "iq4_nl": whether it can be used is for its user to say. */
  readonly type: string;
  readonly shape: readonly number[];
  readonly byteLength: number;
  /** First byte of the data, from the start of the file; a multiple of what its format aligns to. */
  readonly dataOffset: number;
  readonly location: SourceTensor["location"];
  readonly #source: ByteSource;

  constructor(source: ByteSource, place: Omit<FileTensor, "read" | "location">) {
    this.name = place.name;
    this.type = place.type;
    this.shape = place.shape;
    this.byteLength = place.byteLength;
    this.dataOffset = place.dataOffset;
    this.location = source.origin && { ...source.origin, offset: place.dataOffset };
    this.#source = source;
  }

  async read(offset: number, target: Uint8Array): Promise<void> {
    assertSpan(offset, target.byteLength, this.byteLength);
    await this.#source.read(this.dataOffset + offset, target);
  }
}

/**
 * The bytes of a tensor in order, in pieces of `chunkBytes` and a shorter last one. All pieces are views of one buffer:
 * each is valid until the next is asked for.
 * @throws RangeError unless `chunkBytes` is a whole number from 1; what `tensor.read` throws
 */
export async function* tensorChunks(tensor: SourceTensor, chunkBytes: number): AsyncGenerator<Uint8Array, void, void> {
  if (!Number.isSafeInteger(chunkBytes) || chunkBytes < 1) {
    throw new RangeError(`"chunkBytes" expected a whole number from 1, got ${chunkBytes}`);
  }
  const buffer = new Uint8Array(Math.min(chunkBytes, tensor.byteLength));
  for (let offset = 0; offset < tensor.byteLength; offset += buffer.byteLength) {
    const chunk = buffer.subarray(0, Math.min(buffer.byteLength, tensor.byteLength - offset));
    await tensor.read(offset, chunk);
    yield chunk;
  }
}
