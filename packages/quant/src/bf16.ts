// bfloat16 values, little-endian: the upper half of binary32, a block of one value. Vectors are rounded to bfloat16, ties to
// even, before they meet such rows.
//
// Facts: ggml (ggml-impl.h, ggml_compute_fp32_to_bf16, 2026): a NaN stays one and becomes quiet.

import type { BlockFormat } from "./block-format.ts";
import { laneDot } from "./lane-sums.ts";

const float = new Float32Array(1); // (1): one number, seen as a float …
const floatBits = new Uint32Array(float.buffer); // (1): … and as its bits

function pack(values: Float32Array, out: Uint8Array): void {
  for (let i = 0; i < values.length; i++) {
    float[0] = values[i]!;
    const bits = floatBits[0]!;
    const isNoNumber = (bits & 0x7fffffff) > 0x7f800000;
    const rounded = isNoNumber ? (bits >>> 16) | 64 : (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
    out[2 * i] = rounded; // a byte array keeps the low 8 bits
    out[2 * i + 1] = rounded >> 8;
  }
}

function unpack(bytes: Uint8Array, out: Float32Array): void {
  for (let i = 0; i < out.length; i++) out[i] = readBf16(bytes, 2 * i);
}

/** @param offset of its first byte */
export function readBf16(bytes: Uint8Array, offset: number): number {
  floatBits[0] = ((bytes[offset]! | (bytes[offset + 1]! << 8)) << 16) >>> 0;
  return float[0]!;
}

/** Products, exact in binary32, are summed in double, in order, as those of f16; the sum is rounded to binary32 at the end. */
function dot(weights: Uint8Array, activations: Uint8Array): number {
  let sum = 0;
  for (let o = 0; o < weights.length; o += 2) sum += readBf16(weights, o) * readBf16(activations, o);
  return Math.fround(sum);
}

export const bf16: BlockFormat = {
  type: "bf16",
  blockValues: 1,
  blockBytes: 2,
  activationType: "bf16",
  floatFields: { f16: [], f32: [], bf16: [0] },
  pack,
  unpack,
  dot,
  laneDot: (weights, activations) =>
    laneDot(
      weights.length / 2,
      (i) => readBf16(weights, 2 * i),
      (i) => readBf16(activations, 2 * i),
    ),
};
