// The searches for scales that llama.cpp makes since 2024, for GGUF files. Every operation rounds to binary32.
//
// Facts: ggml 0.20.2 (August 2026), ggml-quants.c: make_qx_quants, make_qkx2_quants, make_qkx3_quants, make_qp_quants. The three
// searches below weigh the error of value i with weight i.

import { largestMagnitude } from "../extremes.ts";
import { nearestInt, nearestLevel } from "../rounding.ts";

/**
 * Packs `values` (whole blocks, or whole rows with `importance`) into `out`.
 * @param importance (rowValues), for every row the same; types that do not know it ignore it
 */
export type GgufPack = (values: Float32Array, out: Uint8Array, importance?: Float32Array) => void;

/** Groups whose values are all smaller become zeros. */
export const TINY: number = Math.fround(1e-15);

const TENTH: number = Math.fround(0.1);

/** Most values of a group. */
const MOST = 32;

const weighted = new Float32Array(MOST); // (MOST): weight · value
const trial = new Float32Array(MOST); // (MOST): levels until they are accepted
const best = new Float32Array(MOST); // (MOST)

/** Adding it to a binary32 number and taking it off again rounds to an integer, ties to even. */
const ROUNDER = 12582912; // 1.5 · 2^23

/**
 * `nearestLevel`. Nearly all values need only its first lines, which are short enough to be inlined here: packing Q4_K takes 0.76
 * times as long so.
 */
function levelOf(value: number, low: number, high: number): number {
  if (!(value > -4e6 && value < 4e6)) return nearestLevel(value, low, high);
  const level = Math.fround(value + ROUNDER) - ROUNDER;
  if (level < low) return low;
  if (level > high) return high;
  return level;
}

/** Sums of a set of levels l of a symmetric fit: Σ w·x·l and Σ w·l·l. */
let sumLx = 0;
let sumL2 = 0;

/**
 * A scale around zero: levels -`nLevels` … `nLevels` - 1 that follow value / scale.
 *
 * @param values (count) from `start`; at most 32
 * @param weights (count)
 * @param levels receives (count) from `levelsStart`; a group of zeros gets the lowest level
 * @returns the scale, 0 for a group of zeros
 */
export function fitSymmetric(
  values: Float32Array,
  start: number,
  count: number,
  nLevels: number,
  weights: Float32Array,
  levels: Int8Array,
  levelsStart: number,
): number {
  const largest = largestMagnitude(values, start, count);
  if (Math.abs(largest) < TINY) {
    levels.fill(-nLevels, levelsStart, levelsStart + count);
    return 0;
  }
  for (let i = 0; i < count; i++) weighted[i] = weights[i]! * values[start + i]!;

  // the largest value takes the lowest level; then levels a little below and above that one
  let inverse = Math.fround(-nLevels / largest);
  sumProducts(values, start, count, nLevels, weights, inverse);
  let scale = sumL2 !== 0 ? Math.fround(sumLx / sumL2) : 0;
  let reached = Math.fround(scale * sumLx);
  for (let k = -9; k <= 9; k++) {
    if (k === 0) continue;
    const tried = Math.fround(-Math.fround(nLevels + Math.fround(TENTH * k)) / largest);
    sumProducts(values, start, count, nLevels, weights, tried);
    if (!(sumL2 > 0 && Math.fround(sumLx * sumLx) > Math.fround(reached * sumL2))) continue;
    inverse = tried;
    scale = Math.fround(sumLx / sumL2);
    reached = Math.fround(scale * sumLx);
  }
  for (let i = 0; i < count; i++) {
    levels[levelsStart + i] = levelOf(Math.fround(inverse * values[start + i]!), -nLevels, nLevels - 1);
  }
  return scale;
}

function sumProducts(
  values: Float32Array,
  start: number,
  count: number,
  nLevels: number,
  weights: Float32Array,
  inverse: number,
): void {
  let lx = 0;
  let l2 = 0;
  for (let i = 0; i < count; i++) {
    const l = levelOf(Math.fround(inverse * values[start + i]!), -nLevels, nLevels - 1);
    lx = Math.fround(lx + Math.fround(weighted[i]! * l));
    l2 = Math.fround(l2 + Math.fround(Math.fround(weights[i]! * l) * l));
  }
  sumLx = lx;
  sumL2 = l2;
}

/** How a fit above a minimum searches: `steps` + 1 ranges of levels, the first `from` wider than they are, each `by` wider than the last. */
export interface AffineSearch {
  readonly from: number;
  readonly by: number;
  readonly steps: number;
  /** Whether the error of a value is its distance, and not the square of it. */
  readonly byDistance?: boolean;
}

/** The search of all types where importance weighs the values. */
export const WEIGHTED_SEARCH: AffineSearch = { from: Math.fround(-0.9), by: Math.fround(0.05), steps: 36 };

/** The minimum that the last `fitAffine` found, negated: the distance of level 0 below zero. */
export let negatedMin = 0;

/**
 * A scale above a minimum that is not above zero: levels 0 … `maxLevel` that follow (value - minimum) / scale. `negatedMin` tells the
 * minimum.
 *
 * @param values (count) from `start`; at most 32
 * @param weights (count)
 * @param levels receives (count) from `levelsStart`
 * @returns the scale
 */
export function fitAffine(
  values: Float32Array,
  start: number,
  count: number,
  maxLevel: number,
  weights: Float32Array,
  { from, by, steps, byDistance = false }: AffineSearch,
  levels: Uint8Array,
  levelsStart: number,
): number {
  let min = values[start]!;
  let max = min;
  let sumW = weights[0]!;
  let sumX = Math.fround(sumW * min);
  for (let i = 1; i < count; i++) {
    const x = values[start + i]!;
    if (x < min) min = x;
    if (x > max) max = x;
    sumW = Math.fround(sumW + weights[i]!);
    sumX = Math.fround(sumX + Math.fround(weights[i]! * x));
  }
  if (min > 0) min = 0;
  levels.fill(0, levelsStart, levelsStart + count);
  negatedMin = -min;
  if (max <= min) return 0;

  let inverse = Math.fround(maxLevel / Math.fround(max - min));
  let scale = Math.fround(1 / inverse);
  for (let i = 0; i < count; i++) {
    best[i] = levelOf(Math.fround(inverse * Math.fround(values[start + i]! - min)), 0, maxLevel);
  }
  let leastError = affineError(values, start, count, weights, best, scale, min, byDistance);
  for (let k = 0; k <= steps; k++) {
    // levels for a range of another width, from the minimum found so far; and the best scale and minimum for those levels
    inverse = Math.fround(Math.fround(Math.fround(from + Math.fround(by * k)) + maxLevel) / Math.fround(max - min));
    let sumL = 0;
    let sumL2 = 0;
    let sumLx = 0;
    for (let i = 0; i < count; i++) {
      const x = values[start + i]!;
      const l = levelOf(Math.fround(inverse * Math.fround(x - min)), 0, maxLevel);
      trial[i] = l;
      const wl = Math.fround(weights[i]! * l);
      sumL = Math.fround(sumL + wl);
      sumL2 = Math.fround(sumL2 + Math.fround(wl * l));
      sumLx = Math.fround(sumLx + Math.fround(wl * x));
    }
    const divisor = Math.fround(Math.fround(sumW * sumL2) - Math.fround(sumL * sumL));
    if (!(divisor > 0)) continue;
    let newScale = Math.fround(Math.fround(Math.fround(sumW * sumLx) - Math.fround(sumX * sumL)) / divisor);
    let newMin = Math.fround(Math.fround(Math.fround(sumL2 * sumX) - Math.fround(sumL * sumLx)) / divisor);
    if (newMin > 0) {
      newMin = 0;
      newScale = Math.fround(sumLx / sumL2);
    }
    const error = affineError(values, start, count, weights, trial, newScale, newMin, byDistance);
    if (!(error < leastError)) continue;
    best.set(trial);
    leastError = error;
    scale = newScale;
    min = newMin;
  }
  for (let i = 0; i < count; i++) levels[levelsStart + i] = best[i]!;
  negatedMin = -min;
  return scale;
}

function affineError(
  values: Float32Array,
  start: number,
  count: number,
  weights: Float32Array,
  levels: Float32Array,
  scale: number,
  min: number,
  byDistance: boolean,
): number {
  let error = 0;
  for (let i = 0; i < count; i++) {
    const difference = Math.fround(Math.fround(Math.fround(scale * levels[i]!) + min) - values[start + i]!);
    const size = byDistance ? Math.abs(difference) : Math.fround(difference * difference);
    error = Math.fround(error + Math.fround(weights[i]! * size));
  }
  return error;
}

const SWEEPS = 5;

/**
 * A scale of numbers that are not negative, such as the scales of groups: levels 0 … `maxLevel`.
 *
 * @param values (count) at most 32
 * @param weights (count)
 * @param levels receives (count)
 * @returns the scale, 0 for zeros
 */
export function fitPositive(values: Float32Array, maxLevel: number, weights: Float32Array, levels: Uint8Array): number {
  const count = values.length;
  let max = 0;
  for (let i = 0; i < count; i++) if (values[i]! > max) max = values[i]!;
  levels.fill(0, 0, count);
  if (max < TINY) return 0;

  let inverse = Math.fround(maxLevel / max);
  let leastError = positiveError(values, weights, inverse, Number.POSITIVE_INFINITY);
  for (let k = -4; k <= 4; k++) {
    if (k === 0) continue;
    const tried = Math.fround(Math.fround(Math.fround(TENTH * k) + maxLevel) / max);
    const error = positiveError(values, weights, tried, maxLevel);
    if (!(error < leastError)) continue;
    leastError = error;
    inverse = tried;
  }
  let lx = 0;
  let l2 = 0;
  for (let i = 0; i < count; i++) {
    const l = Math.min(maxLevel, nearestInt(Math.fround(inverse * values[i]!)));
    levels[i] = l;
    weighted[i] = weights[i]! * values[i]!;
    lx = Math.fround(lx + Math.fround(weighted[i]! * l));
    l2 = Math.fround(l2 + Math.fround(Math.fround(weights[i]! * l) * l));
  }
  // then single levels, to the one that fits the scale of all others
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let changes = 0;
    for (let i = 0; i < count; i++) {
      const w = weights[i]!;
      const l = levels[i]!;
      let otherLx = Math.fround(lx - Math.fround(weighted[i]! * l));
      let otherL2 = Math.fround(l2 - Math.fround(Math.fround(w * l) * l));
      if (!(otherLx > 0 && otherL2 > 0)) continue;
      const moved = Math.min(maxLevel, nearestInt(Math.fround(Math.fround(values[i]! * otherL2) / otherLx)));
      if (moved === l) continue;
      otherLx = Math.fround(otherLx + Math.fround(weighted[i]! * moved));
      otherL2 = Math.fround(otherL2 + Math.fround(Math.fround(w * moved) * moved));
      const gain = Math.fround(Math.fround(otherLx * otherLx) * l2);
      if (!(gain > Math.fround(Math.fround(lx * lx) * otherL2))) continue;
      levels[i] = moved;
      lx = otherLx;
      l2 = otherL2;
      changes++;
    }
    if (changes === 0) break;
  }
  return l2 > 0 ? Math.fround(lx / l2) : 0;
}

function positiveError(values: Float32Array, weights: Float32Array, inverse: number, maxLevel: number): number {
  const scale = Math.fround(1 / inverse);
  let error = 0;
  for (let i = 0; i < values.length; i++) {
    const l = Math.min(maxLevel, nearestInt(Math.fround(inverse * values[i]!)));
    const difference = Math.fround(values[i]! - Math.fround(scale * l));
    error = Math.fround(error + Math.fround(Math.fround(weights[i]! * difference) * difference));
  }
  return error;
}

/** Σ x² of `count` values from `start`, in order. */
export function sumOfSquares(values: Float32Array, start: number, count: number): number {
  let sum = 0;
  for (let i = start; i < start + count; i++) sum = Math.fround(sum + Math.fround(values[i]! * values[i]!));
  return sum;
}

/** Sets `weights` (count) to importance · √(`spread` + x²). @param importance (count) from `importanceStart` */
export function weighByImportance(
  values: Float32Array,
  start: number,
  count: number,
  importance: Float32Array,
  importanceStart: number,
  spread: number,
  weights: Float32Array,
): void {
  for (let i = 0; i < count; i++) {
    const x = values[start + i]!;
    const size = Math.fround(Math.sqrt(Math.fround(spread + Math.fround(x * x))));
    weights[i] = importance[importanceStart + i]! * size;
  }
}

/** Sets `weights` (count) to x². */
export function weighBySquares(values: Float32Array, start: number, count: number, weights: Float32Array): void {
  for (let i = 0; i < count; i++) weights[i] = values[start + i]! * values[start + i]!;
}

/** The sum of the first `count` weights, in order. */
export function sumOf(weights: Float32Array, count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum = Math.fround(sum + weights[i]!);
  return sum;
}
