// The K types as llama.cpp packs them for GGUF files: layouts as in build 803, but other fits, and weights if there are any.
//
// Facts: ggml 0.20.2 (August 2026), ggml-quants.c, quantize_row_q2_K_ref … q6_K_ref and quantize_row_q2_K_impl … q6_K_impl.

import { type AffineFit, largestPositive, requantizeGroup } from "../affine-fit.ts";
import { GROUP, requantizeLevels, SCALES_OFFSET, storeLargest } from "../affine-header.ts";
import { largestMagnitude } from "../extremes.ts";
import { packQ3Levels } from "../q3_K.ts";
import { packQ4Levels } from "../q4_K.ts";
import { packQ5Levels } from "../q5_K.ts";
import { packQ6Levels } from "../q6_K.ts";
import { nearestInt, nearestLevel } from "../rounding.ts";
import { packScalesAndMins, packSixteenScales } from "../six-bit-scales.ts";
import { QK_K } from "../super-block.ts";
import { fitScale } from "../symmetric-fit.ts";
import { packTwoBitLevels } from "../two-bit-levels.ts";
import { readF16, readI8, writeF16 } from "../unaligned.ts";
import {
  type AffineSearch,
  fitAffine,
  fitPositive,
  fitSymmetric,
  type GgufPack,
  negatedMin,
  sumOf,
  sumOfSquares,
  TINY,
  WEIGHTED_SEARCH,
  weighByImportance,
  weighBySquares,
} from "./fits.ts";

const weights = new Float32Array(32); // (values of a group)
const groupWeights = new Float32Array(16); // (16): the sum of the weights of each group

const fit16: AffineFit = {
  scales: new Float32Array(16), // (16)
  negatedMins: new Float32Array(16), // (16)
  levels: new Uint8Array(QK_K), // (256)
};
const fit8: AffineFit = {
  scales: new Float32Array(8), // (8)
  negatedMins: new Float32Array(8), // (8)
  levels: fit16.levels,
};
const storedScales = new Uint8Array(16); // (16)
const storedMins = new Uint8Array(16); // (16)

/** Fits the groups of the super-block at `start`: `weights` and `groupWeights` come from `importance`, or else from `weigh`. */
function fitGroups(
  values: Float32Array,
  start: number,
  groupValues: number,
  maxLevel: number,
  search: AffineSearch,
  weigh: (start: number) => void,
  importance: Float32Array | undefined,
  spread: number,
  fit: AffineFit,
): void {
  for (let i = 0, group = 0; i < QK_K; i += groupValues, group++) {
    const at = start + i;
    if (importance === undefined) weigh(at);
    else weighByImportance(values, at, groupValues, importance, at % importance.length, spread, weights);
    groupWeights[group] = sumOf(weights, groupValues);
    const used = importance === undefined ? search : WEIGHTED_SEARCH;
    fit.scales[group] = fitAffine(values, at, groupValues, maxLevel, weights, used, fit.levels, i);
    fit.negatedMins[group] = negatedMin;
  }
}

const Q2_SEARCH: AffineSearch = { from: -0.5, by: Math.fround(0.1), steps: 15, byDistance: true };

export const packQ2K: GgufPack = (values, out, importance) => {
  const weigh = (start: number): void => {
    for (let i = 0; i < 16; i++) weights[i] = Math.abs(values[start + i]!);
  };
  for (let v = 0, o = 0; v < values.length; v += QK_K, o += 84) {
    const spread = importance === undefined ? 0 : Math.fround(sumOfSquares(values, v, QK_K) / QK_K);
    fitGroups(values, v, 16, 3, Q2_SEARCH, weigh, importance, spread, fit16);

    // scales and minimums to 4 bits each
    const { scales, negatedMins, levels } = fit16;
    writeF16(out, o + 80, fourBits(scales, storedScales, importance !== undefined));
    writeF16(out, o + 82, fourBits(negatedMins, storedMins, importance !== undefined));
    for (let j = 0; j < 16; j++) out[o + j] = storedScales[j]! | (storedMins[j]! << 4);

    // levels again, for the scales that were stored
    const d = readF16(out, o + 80);
    const dmin = readF16(out, o + 82);
    for (let j = 0; j < 16; j++) {
      const scale = Math.fround(d * (out[o + j]! & 15));
      const min = Math.fround(dmin * (out[o + j]! >> 4));
      requantizeGroup(values, v + 16 * j, levels, 16 * j, 16, 3, scale, min);
    }
    packTwoBitLevels(levels, out, o + 16);
  }
};

/** Sets `stored` to `numbers` (16) in units of what is returned. */
function fourBits(numbers: Float32Array, stored: Uint8Array, isWeighted: boolean): number {
  if (isWeighted) return fitPositive(numbers, 15, groupWeights, stored);
  const largest = largestPositive(numbers);
  const perUnit = largest > 0 ? Math.fround(15 / largest) : 0;
  for (let j = 0; j < 16; j++) stored[j] = nearestInt(Math.fround(perUnit * numbers[j]!));
  return Math.fround(largest / 15);
}

export const packQ3K: GgufPack = (values, out, importance) => {
  const scales = fit16.scales;
  for (let v = 0, o = 0; v < values.length; v += QK_K, o += 110) {
    const spread = Math.fround(Math.fround(2 * sumOfSquares(values, v, QK_K)) / QK_K);
    for (let j = 0, at = v; j < 16; j++, at += 16) {
      if (importance === undefined) {
        const isTiny = Math.abs(largestMagnitude(values, at, 16)) < TINY;
        if (isTiny) signedLevels.fill(-4, 16 * j, 16 * j + 16);
        scales[j] = isTiny ? 0 : fitScale(values, at, signedLevels, 16 * j, 4, 0);
      } else {
        weighByImportance(values, at, 16, importance, at % importance.length, spread, weights);
        groupWeights[j] = sumOf(weights, 16);
        scales[j] = fitSymmetric(values, at, 16, 4, weights, signedLevels, 16 * j);
      }
    }

    // scales to 6 bits
    writeF16(out, o + 108, importance === undefined ? scalesByLargest(scales) : scalesByWeight(scales));
    packSixteenScales(storedScales, out, o + 96);

    // levels again, for the scales that were stored
    const d = readF16(out, o + 108);
    for (let j = 0; j < 16; j++) {
      requantizeSigned(values, v + 16 * j, Math.fround(d * (storedScales[j]! - 32)), 4, 16 * j);
    }
    packQ3Levels(signedLevels, out, o);
  }
};

const signedLevels = new Int8Array(QK_K); // (256)
const signedScales = new Int8Array(16); // (16): -32 … 31

/** Sets `storedScales` to 0 … 63, 32 for no scale, in units of what is returned. */
function scalesByLargest(scales: Float32Array): number {
  const largest = largestMagnitude(scales, 0, 16);
  if (largest === 0) {
    storedScales.fill(0);
    return 0;
  }
  const perScale = Math.fround(-32 / largest);
  for (let j = 0; j < 16; j++) storedScales[j] = nearestLevel(Math.fround(perScale * scales[j]!), -32, 31) + 32;
  return Math.fround(1 / perScale);
}

function scalesByWeight(scales: Float32Array): number {
  const unit = fitSymmetric(scales, 0, 16, 32, groupWeights, signedScales, 0);
  for (let j = 0; j < 16; j++) storedScales[j] = signedScales[j]! + 32;
  return unit;
}

/** Rounds 16 values to levels -`nLevels` … `nLevels` - 1; a scale of zero keeps the levels of the fit. */
function requantizeSigned(values: Float32Array, start: number, scale: number, nLevels: number, at: number): void {
  if (scale === 0) return;
  for (let i = 0; i < 16; i++) {
    signedLevels[at + i] = nearestLevel(Math.fround(values[start + i]! / scale), -nLevels, nLevels - 1);
  }
}

const Q4_SEARCH: AffineSearch = { from: -1, by: Math.fround(0.1), steps: 20 };
const Q5_SEARCH: AffineSearch = { from: -0.5, by: Math.fround(0.1), steps: 15 };

export const packQ4K: GgufPack = (values, out, importance) => {
  for (let v = 0, o = 0; v < values.length; v += QK_K, o += 144) {
    packQ4Levels(packHeader(values, v, 15, Q4_SEARCH, out, o, importance), out, o);
  }
};

export const packQ5K: GgufPack = (values, out, importance) => {
  for (let v = 0, o = 0; v < values.length; v += QK_K, o += 176) {
    packQ5Levels(packHeader(values, v, 31, Q5_SEARCH, out, o, importance), out, o);
  }
};

/** What Q4_K and Q5_K have in common. @returns the levels (256), valid until the next call */
function packHeader(
  values: Float32Array,
  start: number,
  maxLevel: number,
  search: AffineSearch,
  out: Uint8Array,
  offset: number,
  importance: Float32Array | undefined,
): Uint8Array {
  const weigh = (at: number): void => {
    const mean = Math.fround(Math.sqrt(Math.fround(sumOfSquares(values, at, GROUP) / GROUP)));
    for (let i = 0; i < GROUP; i++) weights[i] = mean + Math.abs(values[at + i]!);
  };
  const spread = importance && Math.fround(Math.fround(2 * sumOfSquares(values, start, QK_K)) / QK_K);
  fitGroups(values, start, GROUP, maxLevel, search, weigh, importance, spread ?? 0, fit8);
  if (importance === undefined) storeLargest(fit8, out, offset);
  else {
    const ofGroups = groupWeights.subarray(0, 8);
    writeF16(out, offset, fitPositive(fit8.scales, 63, ofGroups, storedScales));
    writeF16(out, offset + 2, fitPositive(fit8.negatedMins, 63, ofGroups, storedMins));
    packScalesAndMins(storedScales, storedMins, out, offset + SCALES_OFFSET);
  }
  requantizeLevels(values, start, maxLevel, out, offset, fit8.levels);
  return fit8.levels;
}

export const packQ6K: GgufPack = (values, out, importance) => {
  const scales = fit16.scales;
  for (let v = 0, o = 0; v < values.length; v += QK_K, o += 210) {
    for (let j = 0, at = v; j < 16; j++, at += 16) {
      if (importance === undefined) weighBySquares(values, at, 16, weights);
      else for (let i = 0; i < 16; i++) weights[i] = importance[(at % importance.length) + i]!;
      scales[j] = fitSymmetric(values, at, 16, 32, weights, signedLevels, 16 * j);
    }
    const largest = largestMagnitude(scales, 0, 16);
    if (Math.abs(largest) < TINY) {
      out.fill(0, o, o + 210);
      continue;
    }
    const perScale = Math.fround(-128 / largest);
    writeF16(out, o + 208, 1 / perScale);
    const d = readF16(out, o + 208);
    for (let j = 0; j < 16; j++) {
      out[o + 192 + j] = Math.min(127, nearestInt(Math.fround(perScale * scales[j]!)));
      requantizeSigned(values, v + 16 * j, Math.fround(d * readI8(out, o + 192 + j)), 32, 16 * j);
    }
    packQ6Levels(signedLevels, out, o);
  }
};
