// The first 16 bytes of Q4_K and Q5_K blocks, which differ only in the width of their levels.
//
//   byte  0         2            4                            16
//         ├─ d: f16 ┼─ dmin: f16 ┼─ scales[0…11]: 8 scales, 8 minimums of 6 bits (six-bit-scales.ts)
//
//   value = (d · scale) · level - dmin · minimum, in 8 groups of 32

import { type AffineFit, fitGroups, largestPositive, requantizeGroup } from "./affine-fit.ts";
import { nearestInt } from "./rounding.ts";
import { minOf, packScalesAndMins, scaleOf } from "./six-bit-scales.ts";
import { QK_K, type SuperBlock } from "./super-block.ts";
import { readF16, writeF16 } from "./unaligned.ts";

/** Values of a group. */
export const GROUP = 32;
/** First byte of the scales and minimums. */
export const SCALES_OFFSET = 4;
const MAX_SCALE = 63;

const fit: AffineFit = {
  scales: new Float32Array(8), // (8)
  negatedMins: new Float32Array(8), // (8)
  levels: new Uint8Array(QK_K), // (256)
};
const storedScales = new Uint8Array(8); // (8): 0 … 63
const storedMins = new Uint8Array(8); // (8): 0 … 63

/**
 * Fits the super-block at `start` of `values` and writes its header at `offset` of `out`.
 * @returns the levels (256), 0 … `maxLevel`, valid until the next call
 */
export function packAffineHeader(
  values: Float32Array,
  start: number,
  maxLevel: number,
  out: Uint8Array,
  offset: number,
): Uint8Array {
  fitGroups(values, start, GROUP, maxLevel, fit);
  storeLargest(fit, out, offset);
  requantizeLevels(values, start, maxLevel, out, offset, fit.levels);
  return fit.levels;
}

/** Writes a header whose scales and minimums are cut to 6 bits by the largest of each. */
export function storeLargest(fit: Omit<AffineFit, "levels">, out: Uint8Array, offset: number): void {
  const largestScale = largestPositive(fit.scales);
  const largestMin = largestPositive(fit.negatedMins);
  sixBits(fit.scales, largestScale, storedScales);
  sixBits(fit.negatedMins, largestMin, storedMins);
  writeF16(out, offset, largestScale / MAX_SCALE);
  writeF16(out, offset + 2, largestMin / MAX_SCALE);
  packScalesAndMins(storedScales, storedMins, out, offset + SCALES_OFFSET);
}

/** Rounds again to the `levels` (256) that the header at `offset` of `out` asks for. */
export function requantizeLevels(
  values: Float32Array,
  start: number,
  maxLevel: number,
  out: Uint8Array,
  offset: number,
  levels: Uint8Array,
): void {
  const d = readF16(out, offset);
  const dmin = readF16(out, offset + 2);
  for (let j = 0; j < 8; j++) {
    const scale = Math.fround(d * scaleOf(out, offset + SCALES_OFFSET, j));
    const min = Math.fround(dmin * minOf(out, offset + SCALES_OFFSET, j));
    requantizeGroup(values, start + GROUP * j, levels, GROUP * j, GROUP, maxLevel, scale, min);
  }
}

function sixBits(numbers: Float32Array, largest: number, out: Uint8Array): void {
  const perUnit = largest > 0 ? Math.fround(MAX_SCALE / largest) : 0;
  for (let j = 0; j < numbers.length; j++) {
    // cut to a byte first, as build 803 does: for vanishing scales nearestInt answers -4194304, which must become 0
    const number = nearestInt(Math.fround(perUnit * numbers[j]!)) & 255;
    out[j] = Math.min(MAX_SCALE, number);
  }
}

/** Loads all of `block` but its levels. */
export function loadAffineHeader(bytes: Uint8Array, offset: number, block: SuperBlock): void {
  block.d = readF16(bytes, offset);
  block.dmin = readF16(bytes, offset + 2);
  for (let group = 0; group < 16; group++) {
    block.scales[group] = scaleOf(bytes, offset + SCALES_OFFSET, group >> 1);
    block.mins[group] = minOf(bytes, offset + SCALES_OFFSET, group >> 1);
  }
}
