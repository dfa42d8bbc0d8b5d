// A tensor inside a file: its place and type, and its bytes when they are wanted.

import { assertSpan, type ByteSource, type SourceTensor } from "@ll/bytes";

export class GgmlTensor implements SourceTensor {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  readonly byteLength: number;
  /** First byte of the data, from the start of the file; a multiple of 32 in `ggjt` files. */
  readonly dataOffset: number;
  readonly location: SourceTensor["location"];
  readonly #source: ByteSource;

  constructor(source: ByteSource, place: Omit<GgmlTensor, "read" | "location">) {
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
