// Q8_0: 32 values as 8-bit levels, for weights and for the activations that meet Q4_0, Q5_0 and Q8_0 rows.
// 34 bytes, 8.5 bits per value.
//
//   byte  0         2                                       34
//         ├─ d: f16 ┼─ qs[0] … qs[31]: int8 ────────────────┤
//
//   value = qs · d
//
// Facts: llama.cpp build 803, quantize_row_q8_0_reference and the portable ggml_vec_dot_q8_0_q8_0. Its vector builds round
// activations to even instead; this is the portable rounding, away from zero.

import type { BlockFormat } from "./block-format.ts";
import { largestMagnitude } from "./extremes.ts";
import { roundToInt8 } from "./rounding.ts";
import { readF16, readI8, writeF16 } from "./unaligned.ts";

const QK8_0 = 32;

/** Bytes of a Q8_0 block, for the types whose activations it holds. */
export const Q8_0_BYTES = 34;

function pack(values: Float32Array, out: Uint8Array): void {
  for (let v = 0, o = 0; v < values.length; v += QK8_0, o += Q8_0_BYTES) {
    const d = Math.fround(Math.abs(largestMagnitude(values, v, QK8_0)) / 127);
    const inverse = d === 0 ? 0 : Math.fround(1 / d);
    writeF16(out, o, d);
    for (let j = 0; j < QK8_0; j++) out[o + 2 + j] = roundToInt8(Math.fround(values[v + j]! * inverse));
  }
}

function unpack(bytes: Uint8Array, out: Float32Array): void {
  for (let o = 0, v = 0; o < bytes.length; o += Q8_0_BYTES, v += QK8_0) {
    const d = readF16(bytes, o);
    for (let j = 0; j < QK8_0; j++) out[v + j] = readI8(bytes, o + 2 + j) * d;
  }
}

/** Q8_0 · Q8_0: the two scales are multiplied first, then the integer sum of the block. */
function dot(weights: Uint8Array, activations: Uint8Array): number {
  let sum = 0;
  for (let o = 0; o < weights.length; o += Q8_0_BYTES) {
    let levels = 0;
    for (let j = o + 2; j < o + Q8_0_BYTES; j++) levels = (levels + readI8(weights, j) * readI8(activations, j)) | 0;
    const d = Math.fround(readF16(weights, o) * readF16(activations, o));
    sum = Math.fround(sum + Math.fround(levels * d));
  }
  return sum;
}

/** Bin = level / 16, cut towards zero, + 8: bin 8 takes -15 … 15, bin 0 nothing. */
function countLevels(bytes: Uint8Array, counts: Float64Array): void {
  for (let o = 0; o < bytes.length; o += Q8_0_BYTES) {
    for (let j = o + 2; j < o + Q8_0_BYTES; j++) counts[((readI8(bytes, j) / 16) | 0) + 8]! += 1;
  }
}

export const q8_0: BlockFormat = {
  type: "q8_0",
  blockValues: QK8_0,
  blockBytes: Q8_0_BYTES,
  activationType: "q8_0",
  floatFields: { f16: [0], f32: [] },
  pack,
  unpack,
  dot,
  countLevels,
};
