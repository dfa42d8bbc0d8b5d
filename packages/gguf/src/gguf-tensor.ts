// A tensor inside a file: its place and type, and its bytes when they are wanted.

import { assertSpan, type ByteSource, type SourceOrigin } from "@ll/bytes";

/** A tensor that is somewhere: the shape that all readers and consumers of the toolchain share. */
export interface SourceTensor {
  readonly name: string;
  readonly type: string;
  /** Slowest dimension first: [rows, columns] or [n]. */
  readonly shape: readonly number[];
  readonly byteLength: number;
  /** Fills all of `target` with the tensor's bytes from `offset`. @throws RangeError outside the tensor; IoError */
  read(offset: number, target: Uint8Array): Promise<void>;
  /** Where a worker can read the tensor itself, `offset` bytes into a file or Blob. */
  readonly location?: (SourceOrigin & { readonly offset: number }) | undefined;
}

export class GgufTensor implements SourceTensor {
  readonly name: string;
  /** Any type that ggml has, such as "iq4_nl": whether it can be used is for its user to say. */
  readonly type: string;
  readonly shape: readonly number[];
  readonly byteLength: number;
  /** First byte of the data, from the start of the file; its distance from the start of all data is a multiple of the alignment. */
  readonly dataOffset: number;
  readonly location: SourceTensor["location"];
  readonly #source: ByteSource;

  constructor(source: ByteSource, place: Omit<GgufTensor, "read" | "location">) {
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
