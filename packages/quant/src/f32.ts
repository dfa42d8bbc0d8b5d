// Plain binary32 values, little-endian: a block of one value.

import type { BlockFormat } from "./block-format.ts";
import { laneDot } from "./lane-sums.ts";
import { readF32, writeF32 } from "./unaligned.ts";

function pack(values: Float32Array, out: Uint8Array): void {
  for (let i = 0; i < values.length; i++) writeF32(out, 4 * i, values[i]!);
}

function unpack(bytes: Uint8Array, out: Float32Array): void {
  for (let i = 0; i < out.length; i++) out[i] = readF32(bytes, 4 * i);
}

/** Products are rounded to binary32 and summed in double, in order; the sum is rounded at the end. */
function dot(weights: Uint8Array, activations: Uint8Array): number {
  let sum = 0;
  for (let o = 0; o < weights.length; o += 4) sum += Math.fround(readF32(weights, o) * readF32(activations, o));
  return Math.fround(sum);
}

export const f32: BlockFormat = {
  type: "f32",
  blockValues: 1,
  blockBytes: 4,
  activationType: "f32",
  floatFields: { f16: [], f32: [0] },
  pack,
  unpack,
  dot,
  laneDot: (weights, activations) =>
    laneDot(
      weights.length / 4,
      (i) => readF32(weights, 4 * i),
      (i) => readF32(activations, 4 * i),
    ),
};
