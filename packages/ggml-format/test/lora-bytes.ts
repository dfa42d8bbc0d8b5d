// Builds adapters byte by byte, also impossible ones; shares no code with the package.

import { concat, dataBytes, pattern, type RawTensor, u32, utf8 } from "./ggml-bytes.ts";

export interface RawLora {
  readonly magic?: number;
  readonly version?: number;
  readonly r?: number;
  readonly alpha?: number;
  readonly tensors?: readonly RawTensor[];
  readonly tail?: Uint8Array;
}

export function loraBytes({
  magic = 0x67676c61,
  version = 1,
  r = 2,
  alpha = 4,
  tensors = [],
  tail,
}: RawLora): Uint8Array {
  const parts = [u32(magic, version, r, alpha)];
  let length = 16;
  tensors.forEach((tensor, index) => {
    const name = utf8(tensor.name);
    const type = tensor.type ?? 0;
    const words = u32(tensor.nDims ?? tensor.ne.length, tensor.nameLen ?? name.length, type, ...tensor.ne);
    const padding = new Uint8Array((32 - ((length + words.length + name.length) % 32)) % 32);
    const data = tensor.data ?? pattern(dataBytes(type, tensor.ne), index);
    parts.push(words, name, padding, data);
    length += words.length + name.length + padding.length + data.length;
  });
  return concat(tail === undefined ? parts : [...parts, tail]);
}

/** Both halves of a pair for a matrix of 3 rows of 5 values, rank 2. */
export function rawPair(target: string): RawTensor[] {
  return [
    { name: `${target}.loraA`, ne: [2, 5] },
    { name: `${target}.loraB`, ne: [2, 3] },
  ];
}
