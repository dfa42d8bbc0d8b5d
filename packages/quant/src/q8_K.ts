// Q8_K: 256 activations as 8-bit levels with the sums of each 16, for rows of the K types. 292 bytes; never in a model file.
//
//   byte  0         4                                   260                                292
//         ├─ d: f32 ┼─ qs[0] … qs[255]: int8 ───────────┼─ bsums[0] … bsums[15]: int16 ────┤
//
//   value = qs · d
//
// Facts: llama.cpp build 803, quantize_row_q8_K_reference. For a block of zeros it leaves bsums as they were; they meet a
// scale of 0 there, so zeros are stored here.

import type { BlockFormat } from "./block-format.ts";
import { largestMagnitude } from "./extremes.ts";
import { nearestInt } from "./rounding.ts";
import { readF32, readI8, writeF32, writeI16 } from "./unaligned.ts";

const BLOCK_VALUES = 256;

/** Bytes of a Q8_K block, for the types whose activations it holds. */
export const Q8_K_BYTES = 292;
export const Q8_K_LEVELS_OFFSET = 4;
export const Q8_K_SUMS_OFFSET = 260;

/** @param largestLevel of the value of largest magnitude: -128 in build 803; -127 in llama.cpp since 2024, and in `lanes` */
function packTo(largestLevel: number, values: Float32Array, out: Uint8Array): void {
  for (let v = 0, o = 0; v < values.length; v += BLOCK_VALUES, o += Q8_K_BYTES) {
    // the value of largest magnitude becomes the largest level; an equal one of other sign is held at 127
    const largest = largestMagnitude(values, v, BLOCK_VALUES);
    if (largest === 0) {
      out.fill(0, o, o + Q8_K_BYTES);
      continue;
    }
    const inverse = Math.fround(largestLevel / largest);
    writeF32(out, o, 1 / inverse);
    for (let i = 0; i < BLOCK_VALUES; i += 16) {
      let sum = 0;
      for (let j = i; j < i + 16; j++) {
        const at = o + Q8_K_LEVELS_OFFSET + j;
        out[at] = Math.min(127, nearestInt(Math.fround(inverse * values[v + j]!)));
        sum += readI8(out, at);
      }
      writeI16(out, o + Q8_K_SUMS_OFFSET + i / 8, sum);
    }
  }
}

function unpack(bytes: Uint8Array, out: Float32Array): void {
  for (let o = 0, v = 0; o < bytes.length; o += Q8_K_BYTES, v += BLOCK_VALUES) {
    const d = readF32(bytes, o);
    for (let i = 0; i < BLOCK_VALUES; i++) out[v + i] = readI8(bytes, o + Q8_K_LEVELS_OFFSET + i) * d;
  }
}

export const q8_K: BlockFormat = {
  type: "q8_K",
  blockValues: BLOCK_VALUES,
  blockBytes: Q8_K_BYTES,
  activationType: "q8_K",
  floatFields: { f16: [], f32: [0] },
  pack: (values, out) => packTo(-128, values, out),
  packForLanes: (values, out) => packTo(-127, values, out),
  unpack,
};
