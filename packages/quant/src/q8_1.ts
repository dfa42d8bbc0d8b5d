// Q8_1: 32 activations as 8-bit levels with their sum, for Q4_1 and Q5_1 rows. 40 bytes; never in a model file.
//
//   byte  0         4         8                                       40
//         ├─ d: f32 ┼─ s: f32 ┼─ qs[0] … qs[31]: int8 ────────────────┤
//
//   value = qs · d,  s = d · (qs[0] + … + qs[31])
//
// Facts: llama.cpp build 803, quantize_row_q8_1_reference.

import type { BlockFormat } from "./block-format.ts";
import { largestMagnitude } from "./extremes.ts";
import { roundToInt8 } from "./rounding.ts";
import { readF32, readI8, writeF32 } from "./unaligned.ts";

const QK8_1 = 32;

/** Bytes of a Q8_1 block, for the types whose activations it holds. */
export const Q8_1_BYTES = 40;

function pack(values: Float32Array, out: Uint8Array): void {
  for (let v = 0, o = 0; v < values.length; v += QK8_1, o += Q8_1_BYTES) {
    const d = Math.fround(Math.abs(largestMagnitude(values, v, QK8_1)) / 127);
    const inverse = d === 0 ? 0 : Math.fround(1 / d);
    let sum = 0;
    for (let j = 0; j < QK8_1; j++) {
      const level = roundToInt8(Math.fround(values[v + j]! * inverse));
      out[o + 8 + j] = level;
      sum += level;
    }
    writeF32(out, o, d);
    writeF32(out, o + 4, d * sum);
  }
}

function unpack(bytes: Uint8Array, out: Float32Array): void {
  for (let o = 0, v = 0; o < bytes.length; o += Q8_1_BYTES, v += QK8_1) {
    const d = readF32(bytes, o);
    for (let j = 0; j < QK8_1; j++) out[v + j] = readI8(bytes, o + 8 + j) * d;
  }
}

export const q8_1: BlockFormat = {
  type: "q8_1",
  blockValues: QK8_1,
  blockBytes: Q8_1_BYTES,
  activationType: "q8_1",
  floatFields: { f16: [], f32: [0, 4] },
  pack,
  unpack,
};
