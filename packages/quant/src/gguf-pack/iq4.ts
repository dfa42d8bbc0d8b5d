// Packing IQ4_NL and IQ4_XS, whose levels are not evenly spaced.
//
// Facts: ggml 0.20.2 (August 2026), ggml-quants.c, quantize_row_iq4_nl_impl and best_index_int8.

import { largestMagnitude } from "../extremes.ts";
import { IQ4_LEVELS } from "../iq4.ts";
import { nearestLevel } from "../rounding.ts";
import { QK_K } from "../super-block.ts";
import { writeF16 } from "../unaligned.ts";
import { type GgufPack, sumOfSquares, TINY, weighByImportance, weighBySquares } from "./fits.ts";

const GROUP = 32;

const weights = new Float32Array(GROUP); // (32)
const groupScales = new Float32Array(8); // (8)

export const packIq4Nl: GgufPack = (values, out, importance) => {
  for (let v = 0, o = 0; v < values.length; v += GROUP, o += 18) {
    const d = fitGroup(values, v, v, GROUP, importance);
    writeF16(out, o, d);
    storeLevels(values, v, d, out, o + 2);
  }
};

export const packIq4Xs: GgufPack = (values, out, importance) => {
  for (let v = 0, o = 0; v < values.length; v += QK_K, o += 136) {
    for (let b = 0; b < 8; b++) groupScales[b] = fitGroup(values, v + GROUP * b, v, QK_K, importance);
    const d = Math.fround(-largestMagnitude(groupScales, 0, 8) / 32);
    const inverse = d === 0 ? 0 : Math.fround(1 / d);
    writeF16(out, o, d);
    out.fill(0, o + 2, o + 8);
    for (let b = 0; b < 8; b++) {
      const scale = nearestLevel(Math.fround(inverse * groupScales[b]!), -32, 31);
      const stored = scale + 32;
      out[o + 4 + (b >> 1)]! |= (stored & 15) << (4 * (b & 1));
      out[o + 2 + (b >> 2)]! |= (stored >> 4) << (2 * (b & 3));
      storeLevels(values, v + GROUP * b, Math.fround(d * scale), out, o + 8 + 16 * b);
    }
  }
};

/** The scale of the 32 values at `start`, which belong to the block of `blockValues` at `blockStart`. */
function fitGroup(
  values: Float32Array,
  start: number,
  blockStart: number,
  blockValues: number,
  importance: Float32Array | undefined,
): number {
  const largest = largestMagnitude(values, start, GROUP);
  if (Math.abs(largest) < TINY) return 0;
  if (importance === undefined) weighBySquares(values, start, GROUP, weights);
  else {
    const spread = Math.fround(sumOfSquares(values, blockStart, blockValues) * (2 / blockValues));
    weighByImportance(values, start, GROUP, importance, start % importance.length, spread, weights);
  }

  // the largest value takes the lowest level, or one near to it
  let scale = 0;
  let reached = 0;
  for (let k = -8; k <= 7; k++) {
    const isFirst = k === -8;
    const inverse = isFirst
      ? Math.fround(1 / Math.fround(-largest / IQ4_LEVELS[0]!))
      : Math.fround((k + IQ4_LEVELS[0]!) / largest);
    let sumQx = 0;
    let sumQ2 = 0;
    for (let i = 0; i < GROUP; i++) {
      const x = values[start + i]!;
      const q = IQ4_LEVELS[nearestIndex(Math.fround(inverse * x))]!;
      const wq = Math.fround(weights[i]! * q);
      sumQx = Math.fround(sumQx + Math.fround(wq * x));
      sumQ2 = Math.fround(sumQ2 + Math.fround(wq * q));
    }
    const isBetter = sumQ2 > 0 && Math.fround(sumQx * sumQx) > Math.fround(reached * sumQ2);
    if (!isFirst && !isBetter) continue;
    scale = sumQ2 > 0 ? Math.fround(sumQx / sumQ2) : 0;
    reached = Math.fround(scale * sumQx);
  }
  return scale;
}

function storeLevels(values: Float32Array, start: number, scale: number, out: Uint8Array, offset: number): void {
  const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
  for (let j = 0; j < 16; j++) {
    const low = nearestIndex(Math.fround(inverse * values[start + j]!));
    out[offset + j] = low | (nearestIndex(Math.fround(inverse * values[start + 16 + j]!)) << 4);
  }
}

/** Number of the level nearest to `value`; the higher one in the middle between two. */
function nearestIndex(value: number): number {
  if (value <= IQ4_LEVELS[0]!) return 0;
  if (value >= IQ4_LEVELS[15]!) return 15;
  let low = 0;
  let high = 15;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (value < IQ4_LEVELS[middle]!) high = middle;
    else low = middle;
  }
  return Math.fround(value - IQ4_LEVELS[low]!) < Math.fround(IQ4_LEVELS[high]! - value) ? low : high;
}
