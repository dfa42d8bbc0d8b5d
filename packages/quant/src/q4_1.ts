// Q4_1: 32 values as 4-bit levels above a common minimum. 20 bytes, 5 bits per value.
//
//   byte  0         2         4                                       20
//         ├─ d: f16 ┼─ m: f16 ┼─ qs[0] … qs[15] ──────────────────────┤
//                               qs[j]: low nibble value j, high nibble value j + 16
//
//   value = nibble · d + m
//
// Facts: llama.cpp build 803, quantize_row_q4_1_reference and the portable ggml_vec_dot_q4_1_q8_1.

import type { BlockFormat } from "./block-format.ts";
import { largest, smallest } from "./extremes.ts";
import { countNibbles } from "./level-counts.ts";
import { Q8_1_BYTES } from "./q8_1.ts";
import { readF16, readF32, readI8, writeF16 } from "./unaligned.ts";

const QK4_1 = 32;
const BLOCK_BYTES = 20;

function pack(values: Float32Array, out: Uint8Array): void {
  for (let v = 0, o = 0; v < values.length; v += QK4_1, o += BLOCK_BYTES) {
    const min = smallest(values, v, QK4_1);
    const d = Math.fround(Math.fround(largest(values, v, QK4_1) - min) / 15);
    const inverse = d === 0 ? 0 : Math.fround(1 / d);
    writeF16(out, o, d);
    writeF16(out, o + 2, min);
    for (let j = 0; j < 16; j++) {
      const low = nibble(values[v + j]!, min, inverse);
      out[o + 4 + j] = low | (nibble(values[v + 16 + j]!, min, inverse) << 4);
    }
  }
}

function nibble(value: number, min: number, inverse: number): number {
  const level = Math.fround(Math.fround(Math.fround(value - min) * inverse) + 0.5) | 0;
  return Math.min(15, level);
}

function unpack(bytes: Uint8Array, out: Float32Array): void {
  for (let o = 0, v = 0; o < bytes.length; o += BLOCK_BYTES, v += QK4_1) {
    const d = readF16(bytes, o);
    const m = readF16(bytes, o + 2);
    for (let j = 0; j < 16; j++) {
      const pair = bytes[o + 4 + j]!;
      out[v + j] = Math.fround((pair & 15) * d) + m;
      out[v + 16 + j] = Math.fround((pair >> 4) * d) + m;
    }
  }
}

/** Q4_1 · Q8_1: the block's minimum meets the activations' precomputed sum; both parts are added before the running sum. */
function dot(weights: Uint8Array, activations: Uint8Array): number {
  let sum = 0;
  for (let o = 0, a = 0; o < weights.length; o += BLOCK_BYTES, a += Q8_1_BYTES) {
    let levels = 0;
    for (let j = 0; j < 16; j++) {
      const pair = weights[o + 4 + j]!;
      const low = (pair & 15) * readI8(activations, a + 8 + j);
      const high = (pair >> 4) * readI8(activations, a + 24 + j);
      levels = (levels + low + high) | 0;
    }
    const d = Math.fround(readF16(weights, o) * readF32(activations, a));
    const minimum = Math.fround(readF16(weights, o + 2) * readF32(activations, a + 4));
    sum = Math.fround(sum + Math.fround(Math.fround(d * levels) + minimum));
  }
  return sum;
}

export const q4_1: BlockFormat = {
  type: "q4_1",
  blockValues: QK4_1,
  blockBytes: BLOCK_BYTES,
  activationType: "q8_1",
  floatFields: { f16: [0, 2], f32: [] },
  pack,
  unpack,
  dot,
  countLevels: (bytes, counts) => countNibbles(bytes, BLOCK_BYTES, 4, counts),
};
