// Q5_0: 32 values as 5-bit levels around a common scale. 22 bytes, 5.5 bits per value.
//
//   byte  0         2             6                                       22
//         ├─ d: f16 ┼─ qh: 32 bits ┼─ qs[0] … qs[15] ─────────────────────┤
//                     bit j: fifth    qs[j]: low nibble value j, high nibble value j + 16
//                     bit of value j  (their low 4 bits)
//
//   value = (level - 16) · d
//
// Facts: llama.cpp build 803, quantize_row_q5_0_reference and the portable ggml_vec_dot_q5_0_q8_0.

import type { BlockFormat } from "./block-format.ts";
import { largestMagnitude } from "./extremes.ts";
import { countFiveBits, countFiveBitsAsPrinted } from "./level-counts.ts";
import { Q8_0_BYTES } from "./q8_0.ts";
import { readF16, readI8, readI32, writeF16, writeI32 } from "./unaligned.ts";

const QK5_0 = 32;
const BLOCK_BYTES = 22;

function pack(values: Float32Array, out: Uint8Array): void {
  for (let v = 0, o = 0; v < values.length; v += QK5_0, o += BLOCK_BYTES) {
    const d = Math.fround(largestMagnitude(values, v, QK5_0) / -16);
    const inverse = d === 0 ? 0 : Math.fround(1 / d);
    writeF16(out, o, d);
    let fifthBits = 0;
    for (let j = 0; j < 16; j++) {
      const low = level(values[v + j]!, inverse);
      const high = level(values[v + 16 + j]!, inverse);
      out[o + 6 + j] = (low & 15) | ((high & 15) << 4);
      fifthBits |= ((low >> 4) << j) | ((high >> 4) << (j + 16));
    }
    writeI32(out, o + 2, fifthBits);
  }
}

function level(value: number, inverse: number): number {
  const rounded = Math.fround(Math.fround(value * inverse) + 16.5) | 0;
  return Math.min(31, rounded);
}

function unpack(bytes: Uint8Array, out: Float32Array): void {
  for (let o = 0, v = 0; o < bytes.length; o += BLOCK_BYTES, v += QK5_0) {
    const d = readF16(bytes, o);
    const fifthBits = readI32(bytes, o + 2);
    for (let j = 0; j < 16; j++) {
      const pair = bytes[o + 6 + j]!;
      out[v + j] = (((pair & 15) | (((fifthBits >> j) & 1) << 4)) - 16) * d;
      out[v + 16 + j] = (((pair >> 4) | (((fifthBits >> (j + 16)) & 1) << 4)) - 16) * d;
    }
  }
}

/** Q5_0 · Q8_0: the two scales are multiplied first, then the integer sum of the block. */
function dot(weights: Uint8Array, activations: Uint8Array): number {
  let sum = 0;
  for (let o = 0, a = 0; o < weights.length; o += BLOCK_BYTES, a += Q8_0_BYTES) {
    const fifthBits = readI32(weights, o + 2);
    let levels = 0;
    for (let j = 0; j < 16; j++) {
      const pair = weights[o + 6 + j]!;
      const low = ((pair & 15) | (((fifthBits >> j) & 1) << 4)) - 16;
      const high = ((pair >> 4) | (((fifthBits >> (j + 16)) & 1) << 4)) - 16;
      const lowProduct = low * readI8(activations, a + 2 + j);
      const highProduct = high * readI8(activations, a + 18 + j);
      levels = (levels + lowProduct + highProduct) | 0;
    }
    const d = Math.fround(readF16(weights, o) * readF16(activations, a));
    sum = Math.fround(sum + Math.fround(d * levels));
  }
  return sum;
}

export const q5_0: BlockFormat = {
  type: "q5_0",
  blockValues: QK5_0,
  blockBytes: BLOCK_BYTES,
  activationType: "q8_0",
  floatFields: { f16: [0], f32: [] },
  pack,
  unpack,
  dot,
  countLevels: (bytes, counts) => countFiveBits(bytes, BLOCK_BYTES, 2, counts),
  countLevelsAsPrinted: (bytes, counts) => countFiveBitsAsPrinted(bytes, BLOCK_BYTES, 2, counts),
};
