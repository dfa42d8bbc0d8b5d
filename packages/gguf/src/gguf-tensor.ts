// A tensor inside a file: its place and type, and its bytes when they are wanted.

import { assertSpan, type ByteSource, type SourceTensor } from "@ll/bytes";

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
