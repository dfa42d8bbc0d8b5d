// Just enough of the ggjt layout to take a model file apart and put it together again with other tensor types. Written for
// these tests and independent of @ll/ggml-format.

import { rowBytes } from "../src/index.ts";

/** ggml type ids. */
const TYPE_IDS = new Map([
  ["f32", 0],
  ["f16", 1],
  ["q4_0", 2],
  ["q4_1", 3],
  ["q5_0", 6],
  ["q5_1", 7],
  ["q8_0", 8],
  ["q2_K", 10],
  ["q3_K", 11],
  ["q4_K", 12],
  ["q5_K", 13],
  ["q6_K", 14],
]);

const HEADER_BYTES = 36; // magic, version, 7 hyper-parameters
const FTYPE_OFFSET = 32;

export interface GgjtTensor {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[]; // slowest dimension first
  readonly data: Uint8Array;
}

export interface GgjtFile {
  readonly header: Uint8Array; // (36)
  readonly vocabulary: Uint8Array;
  readonly tensors: readonly GgjtTensor[];
}

export function parseGgjt(bytes: Uint8Array): GgjtFile {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const u32 = (offset: number): number => view.getUint32(offset, true);
  let offset = HEADER_BYTES;
  for (let id = 0; id < u32(8); id++) offset += 8 + u32(offset);
  const vocabulary = bytes.subarray(HEADER_BYTES, offset);
  const tensors: GgjtTensor[] = [];
  while (offset < bytes.length) {
    const nDims = u32(offset);
    const nameLength = u32(offset + 4);
    const typeId = u32(offset + 8);
    const type = [...TYPE_IDS].find(([, id]) => id === typeId)![0];
    const ne = Array.from({ length: nDims }, (_, i) => u32(offset + 12 + 4 * i));
    offset += 12 + 4 * nDims;
    const name = new TextDecoder().decode(bytes.subarray(offset, offset + nameLength));
    offset = Math.ceil((offset + nameLength) / 32) * 32;
    const size = rowBytes(
      type,
      ne.reduce((product, n) => product * n, 1),
    );
    tensors.push({ name, type, shape: ne.toReversed(), data: bytes.subarray(offset, offset + size) });
    offset += size;
  }
  return { header: bytes.subarray(0, HEADER_BYTES), vocabulary, tensors };
}

/** A version 3 file with the given file type. */
export function assembleGgjt(source: GgjtFile, ftype: number, tensors: readonly GgjtTensor[]): Uint8Array {
  const parts: Uint8Array[] = [];
  let length = 0;
  const push = (bytes: Uint8Array): void => {
    parts.push(bytes);
    length += bytes.length;
  };
  const u32s = (...numbers: number[]): Uint8Array => new Uint8Array(Uint32Array.from(numbers).buffer);

  const header = source.header.slice();
  header.set(u32s(3), 4);
  header.set(u32s(ftype), FTYPE_OFFSET);
  push(header);
  push(source.vocabulary);
  for (const { name, type, shape, data } of tensors) {
    const nameBytes = new TextEncoder().encode(name);
    push(u32s(shape.length, nameBytes.length, TYPE_IDS.get(type)!, ...shape.toReversed()));
    push(nameBytes);
    push(new Uint8Array(Math.ceil(length / 32) * 32 - length));
    push(data);
  }
  const all = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}
