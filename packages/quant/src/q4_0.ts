// Q4_0: 32 values as 4-bit levels around a common scale. 18 bytes, 4.5 bits per value; docs/q4_0.md works one by hand.
//
//   byte  0         2                                       18
//         ├─ d: f16 ┼─ qs[0] … qs[15] ──────────────────────┤
//                     qs[j]: low nibble value j, high nibble value j + 16
//
//   value = (nibble - 8) · d
//
// Facts: llama.cpp build 803, quantize_row_q4_0_reference, dequantize_row_q4_0 and the portable ggml_vec_dot_q4_0_q8_0.

import type { BlockFormat } from "./block-format.ts";
import { largestMagnitude } from "./extremes.ts";
import { countNibbles } from "./level-counts.ts";
import { Q8_0_BYTES } from "./q8_0.ts";
import { readF16, readI8, writeF16 } from "./unaligned.ts";

const QK4_0 = 32;
const BLOCK_BYTES = 18;

function pack(values: Float32Array, out: Uint8Array): void {
  for (let v = 0, o = 0; v < values.length; v += QK4_0, o += BLOCK_BYTES) {
    // the value of largest magnitude becomes level -8, the only end of the range that reaches 8
    const d = Math.fround(largestMagnitude(values, v, QK4_0) / -8);
    // levels come from the scale before it is rounded to binary16
    const inverse = d === 0 ? 0 : Math.fround(1 / d);
    writeF16(out, o, d);
    for (let j = 0; j < 16; j++) {
      out[o + 2 + j] = nibble(values[v + j]!, inverse) | (nibble(values[v + 16 + j]!, inverse) << 4);
    }
  }
}

/** Ties go up: the level is floor(v + 8.5). A second value of the largest magnitude, but of other sign, would need 16. */
function nibble(value: number, inverse: number): number {
  const level = Math.fround(Math.fround(value * inverse) + 8.5) | 0;
  return Math.min(15, level);
}

function unpack(bytes: Uint8Array, out: Float32Array): void {
  for (let o = 0, v = 0; o < bytes.length; o += BLOCK_BYTES, v += QK4_0) {
    const d = readF16(bytes, o);
    for (let j = 0; j < 16; j++) {
      const pair = bytes[o + 2 + j]!;
      out[v + j] = ((pair & 15) - 8) * d;
      out[v + 16 + j] = ((pair >> 4) - 8) * d;
    }
  }
}

/** Q4_0 · Q8_0: an exact integer sum per block, scaled by one factor after the other, blocks in order. */
function dot(weights: Uint8Array, activations: Uint8Array): number {
  let sum = 0;
  for (let o = 0, a = 0; o < weights.length; o += BLOCK_BYTES, a += Q8_0_BYTES) {
    let levels = 0;
    for (let j = 2; j < 18; j++) {
      const pair = weights[o + j]!;
      // one product per statement stays in integer registers: 2.3× over one expression for Q4_1 in bench/rows.ts
      const low = ((pair & 15) - 8) * readI8(activations, a + j);
      const high = ((pair >> 4) - 8) * readI8(activations, a + 16 + j);
      levels = (levels + low + high) | 0;
    }
    const scaled = Math.fround(Math.fround(levels * readF16(weights, o)) * readF16(activations, a));
    sum = Math.fround(sum + scaled);
  }
  return sum;
}

export const q4_0: BlockFormat = {
  type: "q4_0",
  blockValues: QK4_0,
  blockBytes: BLOCK_BYTES,
  activationType: "q8_0",
  floatFields: { f16: [0], f32: [] },
  pack,
  unpack,
  dot,
  countLevels: (bytes, counts) => countNibbles(bytes, BLOCK_BYTES, 2, counts),
};
