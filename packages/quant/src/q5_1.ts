// Q5_1: 32 values as 5-bit levels above a common minimum. 24 bytes, 6 bits per value.
//
//   byte  0         2         4             8                                       24
//         ├─ d: f16 ┼─ m: f16 ┼─ qh: 32 bits ┼─ qs[0] … qs[15] ─────────────────────┤
//                               bit j: fifth    qs[j]: low nibble value j, high nibble value j + 16
//                               bit of value j  (their low 4 bits)
//
//   value = level · d + m
//
// Facts: llama.cpp build 803, quantize_row_q5_1_reference and the portable ggml_vec_dot_q5_1_q8_1.

import type { BlockFormat } from "./block-format.ts";
import { largest, smallest } from "./extremes.ts";
import { countFiveBits, countFiveBitsAsPrinted } from "./level-counts.ts";
import { Q8_1_BYTES } from "./q8_1.ts";
import { readF16, readF32, readI8, readI32, writeF16, writeI32 } from "./unaligned.ts";

const QK5_1 = 32;
const BLOCK_BYTES = 24;

function pack(values: Float32Array, out: Uint8Array): void {
  for (let v = 0, o = 0; v < values.length; v += QK5_1, o += BLOCK_BYTES) {
    const min = smallest(values, v, QK5_1);
    const d = Math.fround(Math.fround(largest(values, v, QK5_1) - min) / 31);
    const inverse = d === 0 ? 0 : Math.fround(1 / d);
    writeF16(out, o, d);
    writeF16(out, o + 2, min);
    let fifthBits = 0;
    for (let j = 0; j < 16; j++) {
      const low = level(values[v + j]!, min, inverse);
      const high = level(values[v + 16 + j]!, min, inverse);
      out[o + 8 + j] = (low & 15) | ((high & 15) << 4);
      fifthBits |= (((low >> 4) & 1) << j) | (((high >> 4) & 1) << (j + 16));
    }
    writeI32(out, o + 4, fifthBits);
  }
}

/** 31 is the largest level there can be without a clamp: `inverse` is at most a few units in the last place too large. */
function level(value: number, min: number, inverse: number): number {
  return Math.fround(Math.fround(Math.fround(value - min) * inverse) + 0.5) | 0;
}

function unpack(bytes: Uint8Array, out: Float32Array): void {
  for (let o = 0, v = 0; o < bytes.length; o += BLOCK_BYTES, v += QK5_1) {
    const d = readF16(bytes, o);
    const m = readF16(bytes, o + 2);
    const fifthBits = readI32(bytes, o + 4);
    for (let j = 0; j < 16; j++) {
      const pair = bytes[o + 8 + j]!;
      out[v + j] = Math.fround(((pair & 15) | (((fifthBits >> j) & 1) << 4)) * d) + m;
      out[v + 16 + j] = Math.fround(((pair >> 4) | (((fifthBits >> (j + 16)) & 1) << 4)) * d) + m;
    }
  }
}

/** Q5_1 · Q8_1: the block's minimum meets the activations' precomputed sum; both parts are added before the running sum. */
function dot(weights: Uint8Array, activations: Uint8Array): number {
  let sum = 0;
  for (let o = 0, a = 0; o < weights.length; o += BLOCK_BYTES, a += Q8_1_BYTES) {
    const fifthBits = readI32(weights, o + 4);
    let levels = 0;
    for (let j = 0; j < 16; j++) {
      const pair = weights[o + 8 + j]!;
      const low = (pair & 15) | (((fifthBits >> j) & 1) << 4);
      const high = (pair >> 4) | (((fifthBits >> (j + 16)) & 1) << 4);
      const lowProduct = low * readI8(activations, a + 8 + j);
      const highProduct = high * readI8(activations, a + 24 + j);
      levels = (levels + lowProduct + highProduct) | 0;
    }
    const d = Math.fround(readF16(weights, o) * readF32(activations, a));
    const minimum = Math.fround(readF16(weights, o + 2) * readF32(activations, a + 4));
    sum = Math.fround(sum + Math.fround(Math.fround(d * levels) + minimum));
  }
  return sum;
}

export const q5_1: BlockFormat = {
  type: "q5_1",
  blockValues: QK5_1,
  blockBytes: BLOCK_BYTES,
  activationType: "q8_1",
  floatFields: { f16: [0, 2], f32: [] },
  pack,
  unpack,
  dot,
  countLevels: (bytes, counts) => countFiveBits(bytes, BLOCK_BYTES, 4, counts),
  countLevelsAsPrinted: (bytes, counts) => countFiveBitsAsPrinted(bytes, BLOCK_BYTES, 4, counts),
};
