// Plain binary16 values, little-endian: a block of one value. Vectors are rounded to binary16 before they meet such rows.

import { f16Values } from "@ll/bytes";
import type { BlockFormat } from "./block-format.ts";
import { laneDot } from "./lane-sums.ts";
import { readF16, writeF16 } from "./unaligned.ts";

function pack(values: Float32Array, out: Uint8Array): void {
  for (let i = 0; i < values.length; i++) writeF16(out, 2 * i, values[i]!);
}

function unpack(bytes: Uint8Array, out: Float32Array): void {
  for (let i = 0; i < out.length; i++) out[i] = readF16(bytes, 2 * i);
}

/**
 * Products are summed in double, in order; the sum is rounded to binary32 at the end. The product of two binary16 numbers
 * has at most 22 significant bits, so rounding it to binary32, as the specification asks, changes nothing and is left out.
 */
function dot(weights: Uint8Array, activations: Uint8Array): number {
  const table = f16Values(); // (65536)
  let sum = 0;
  for (let o = 0; o < weights.length; o += 2) {
    const w = table[weights[o]! | (weights[o + 1]! << 8)]!;
    const x = table[activations[o]! | (activations[o + 1]! << 8)]!;
    sum += w * x;
  }
  return Math.fround(sum);
}

export const f16: BlockFormat = {
  type: "f16",
  blockValues: 1,
  blockBytes: 2,
  activationType: "f16",
  floatFields: { f16: [0], f32: [] },
  pack,
  unpack,
  dot,
  laneDot: (weights, activations) =>
    laneDot(
      weights.length / 2,
      (i) => readF16(weights, 2 * i),
      (i) => readF16(activations, 2 * i),
    ),
};
