// The searches for scales that llama.cpp makes since 2024, for eight groups at a time. Their twin is src/gguf-pack/fits.ts: the arithmetic of
// a lane is that of one group there, step by step. Values and weights of the groups are in group order (super-block.ts).

import { SCALES } from "./k-blocks";
import { between, nearestOne, nearestWith } from "./rounding";
import { FITTED, FITTED_MINS, GROUP_LEVELS, GROUP_VALUES } from "./super-block";
import { FRACTION, MIDDLE, ROUNDER, scratch, SUMS } from "./vectors";

// Behind the places of super-block.ts:
// @ts-ignore: decorator
@inline export const WEIGHTS: usize = SUMS + 4096; // (256) binary32 in group order
// @ts-ignore: decorator
@inline export const TRIALS: usize = SUMS + 5120; // (256) binary32 in group order: levels of a trial, or weight · value
// @ts-ignore: decorator
@inline export const IMPORTANCE: usize = SUMS + 6144; // (256) binary32 in group order
// @ts-ignore: decorator
@inline export const GROUP_WEIGHTS: usize = SUMS + 7168; // (16) binary32: the sum of the weights of each group

/** Groups whose values are all smaller become zeros. */
// @ts-ignore: decorator
@inline export const TINY: f32 = 1e-15;

/** Numbers below this are rounded by an addition: see `levelsOf`. */
// @ts-ignore: decorator
@inline const TAME: f32 = 4194304;

// From a value in group order to what belongs to it:
// @ts-ignore: decorator
@inline const TO_WEIGHT: usize = WEIGHTS - GROUP_VALUES;
// @ts-ignore: decorator
@inline const TO_TRIAL: usize = TRIALS - GROUP_VALUES;
// @ts-ignore: decorator
@inline const TO_LEVEL: usize = GROUP_LEVELS - GROUP_VALUES;

/**
 * Levels for the numbers `v`, rounded and held between two limits; `low` and `high` are the sums of these with `rounder`. The sum of a number
 * below 2^22 with it has the same exponent, so that sums are ordered like their bits: the result is that of `nearestWith` and `between`.
 */
// @ts-ignore: decorator
@inline
function levelsOf(v: v128, rounder: v128, low: v128, high: v128): v128 {
  return f32x4.sub(between(f32x4.add(v, rounder), low, high), rounder);
}

/** The same of any numbers, from 0 up: those of 2^22 and more get the levels that build 803's rounding gives them. */
// @ts-ignore: decorator
@inline
function anyLevelsOf(v: v128, rounder: v128, high: v128): v128 {
  const whole = nearestWith(v, rounder, v128.load(scratch, FRACTION), v128.load(scratch, MIDDLE));
  return f32x4.convert_i32x4_s(between(whole, i32x4.splat(0), i32x4.trunc_sat_f32x4_s(f32x4.sub(high, rounder))));
}

/**
 * Fits eight groups of `nValues` values to levels 0 … `maxLevel` of a scale above a minimum. The search makes `steps` + 1 ranges of levels,
 * the first `from` wider than they are, each `by` wider than the last. Results go to place `set` (0, 1) of GROUP_LEVELS, FITTED and FITTED_MINS.
 *
 * @param byDistance whether the error of a value is its distance, and not the square of it
 * @param isTame whether no number of levels may be as large as TAME
 * @returns false if one is, and there are no results
 */
// @ts-ignore: decorator
@inline
function fitRange(
  nValues: i32, maxLevel: i32, from: f32, by: f32, steps: i32, byDistance: bool, isTame: bool, set: usize,
): bool {
  const values = scratch + GROUP_VALUES + (set << 9);
  const end = values + (<usize>nValues << 5);
  const zero = f32x4.splat(0), one = f32x4.splat(1), limit = f32x4.splat(TAME);
  const rounder = v128.load(scratch, ROUNDER), high = f32x4.add(rounder, f32x4.splat(<f32>maxLevel));

  let minA = v128.load(values), minB = v128.load(values, 16), maxA = minA, maxB = minB;
  let sumWA = v128.load(values, TO_WEIGHT), sumWB = v128.load(values, TO_WEIGHT + 16);
  let sumXA = f32x4.mul(sumWA, minA), sumXB = f32x4.mul(sumWB, minB);
  for (let at = values + 32; at < end; at += 32) { // pmin(a, b) is b if b < a, else a
    const a = v128.load(at), b = v128.load(at, 16);
    const wA = v128.load(at, TO_WEIGHT), wB = v128.load(at, TO_WEIGHT + 16);
    minA = f32x4.pmin(minA, a);
    minB = f32x4.pmin(minB, b);
    maxA = f32x4.pmax(maxA, a);
    maxB = f32x4.pmax(maxB, b);
    sumWA = f32x4.add(sumWA, wA);
    sumWB = f32x4.add(sumWB, wB);
    sumXA = f32x4.add(sumXA, f32x4.mul(wA, a));
    sumXB = f32x4.add(sumXB, f32x4.mul(wB, b));
  }
  minA = f32x4.pmin(minA, zero);
  minB = f32x4.pmin(minB, zero);
  const flatA = f32x4.le(maxA, minA), flatB = f32x4.le(maxB, minB);
  const lowestA = minA, lowestB = minB;

  // the error of the plain range
  let scaleA = zero, scaleB = zero, leastA = zero, leastB = zero;
  let inverseA = f32x4.div(f32x4.splat(<f32>maxLevel), f32x4.sub(maxA, minA));
  let inverseB = f32x4.div(f32x4.splat(<f32>maxLevel), f32x4.sub(maxB, minB));
  let fromA = minA, fromB = minB; // the minimum that the levels are counted from
  scaleA = f32x4.div(one, inverseA);
  scaleB = f32x4.div(one, inverseB);
  for (let at = values; at < end; at += 32) {
    const a = v128.load(at), b = v128.load(at, 16);
    const vA = f32x4.mul(inverseA, f32x4.sub(a, minA));
    const vB = f32x4.mul(inverseB, f32x4.sub(b, minB));
    const lA = isTame ? levelsOf(vA, rounder, rounder, high) : anyLevelsOf(vA, rounder, high);
    const lB = isTame ? levelsOf(vB, rounder, rounder, high) : anyLevelsOf(vB, rounder, high);
    const dA = f32x4.sub(f32x4.add(f32x4.mul(scaleA, lA), minA), a);
    const dB = f32x4.sub(f32x4.add(f32x4.mul(scaleB, lB), minB), b);
    leastA = f32x4.add(leastA, f32x4.mul(v128.load(at, TO_WEIGHT), byDistance ? f32x4.abs(dA) : f32x4.mul(dA, dA)));
    leastB = f32x4.add(leastB, f32x4.mul(v128.load(at, TO_WEIGHT + 16), byDistance ? f32x4.abs(dB) : f32x4.mul(dB, dB)));
  }

  let tameA = i32x4.splat(-1), tameB = tameA;
  for (let k = 0; k <= steps; k++) {
    // levels for a range of another width, from the minimum found so far; and the best scale and minimum for those levels
    const width = f32x4.splat(from + by * <f32>k + <f32>maxLevel);
    const triedA = f32x4.div(width, f32x4.sub(maxA, minA)), triedB = f32x4.div(width, f32x4.sub(maxB, minB));
    tameA = v128.and(tameA, f32x4.lt(f32x4.abs(f32x4.mul(triedA, f32x4.sub(lowestA, minA))), limit));
    tameB = v128.and(tameB, f32x4.lt(f32x4.abs(f32x4.mul(triedB, f32x4.sub(lowestB, minB))), limit));
    let sumLA = zero, sumLB = zero, sumL2A = zero, sumL2B = zero, sumLxA = zero, sumLxB = zero;
    for (let at = values; at < end; at += 32) {
      const a = v128.load(at), b = v128.load(at, 16);
      const vA = f32x4.mul(triedA, f32x4.sub(a, minA));
      const vB = f32x4.mul(triedB, f32x4.sub(b, minB));
      const lA = isTame ? levelsOf(vA, rounder, rounder, high) : anyLevelsOf(vA, rounder, high);
      const lB = isTame ? levelsOf(vB, rounder, rounder, high) : anyLevelsOf(vB, rounder, high);
      v128.store(at, lB, TO_TRIAL + 16);
      v128.store(at, lA, TO_TRIAL);
      const wlA = f32x4.mul(v128.load(at, TO_WEIGHT), lA), wlB = f32x4.mul(v128.load(at, TO_WEIGHT + 16), lB);
      sumLA = f32x4.add(sumLA, wlA);
      sumLB = f32x4.add(sumLB, wlB);
      sumL2A = f32x4.add(sumL2A, f32x4.mul(wlA, lA));
      sumL2B = f32x4.add(sumL2B, f32x4.mul(wlB, lB));
      sumLxA = f32x4.add(sumLxA, f32x4.mul(wlA, a));
      sumLxB = f32x4.add(sumLxB, f32x4.mul(wlB, b));
    }
    const divisorA = f32x4.sub(f32x4.mul(sumWA, sumL2A), f32x4.mul(sumLA, sumLA));
    const divisorB = f32x4.sub(f32x4.mul(sumWB, sumL2B), f32x4.mul(sumLB, sumLB));
    let newScaleA = f32x4.div(f32x4.sub(f32x4.mul(sumWA, sumLxA), f32x4.mul(sumXA, sumLA)), divisorA);
    let newScaleB = f32x4.div(f32x4.sub(f32x4.mul(sumWB, sumLxB), f32x4.mul(sumXB, sumLB)), divisorB);
    let newMinA = f32x4.div(f32x4.sub(f32x4.mul(sumL2A, sumXA), f32x4.mul(sumLA, sumLxA)), divisorA);
    let newMinB = f32x4.div(f32x4.sub(f32x4.mul(sumL2B, sumXB), f32x4.mul(sumLB, sumLxB)), divisorB);
    const aboveA = f32x4.gt(newMinA, zero), aboveB = f32x4.gt(newMinB, zero);
    newMinA = v128.andnot(newMinA, aboveA);
    newMinB = v128.andnot(newMinB, aboveB);
    newScaleA = v128.bitselect(f32x4.div(sumLxA, sumL2A), newScaleA, aboveA);
    newScaleB = v128.bitselect(f32x4.div(sumLxB, sumL2B), newScaleB, aboveB);
    let errorA = zero, errorB = zero;
    for (let at = values; at < end; at += 32) {
      const dA = f32x4.sub(f32x4.add(f32x4.mul(newScaleA, v128.load(at, TO_TRIAL)), newMinA), v128.load(at));
      const dB = f32x4.sub(f32x4.add(f32x4.mul(newScaleB, v128.load(at, TO_TRIAL + 16)), newMinB), v128.load(at, 16));
      errorA = f32x4.add(errorA, f32x4.mul(v128.load(at, TO_WEIGHT), byDistance ? f32x4.abs(dA) : f32x4.mul(dA, dA)));
      errorB = f32x4.add(errorB, f32x4.mul(v128.load(at, TO_WEIGHT + 16), byDistance ? f32x4.abs(dB) : f32x4.mul(dB, dB)));
    }
    const takeA = v128.and(f32x4.gt(divisorA, zero), f32x4.lt(errorA, leastA));
    const takeB = v128.and(f32x4.gt(divisorB, zero), f32x4.lt(errorB, leastB));
    inverseA = v128.bitselect(triedA, inverseA, takeA);
    inverseB = v128.bitselect(triedB, inverseB, takeB);
    fromA = v128.bitselect(minA, fromA, takeA);
    fromB = v128.bitselect(minB, fromB, takeB);
    leastA = v128.bitselect(errorA, leastA, takeA);
    leastB = v128.bitselect(errorB, leastB, takeB);
    scaleA = v128.bitselect(newScaleA, scaleA, takeA);
    scaleB = v128.bitselect(newScaleB, scaleB, takeB);
    minA = v128.bitselect(newMinA, minA, takeA);
    minB = v128.bitselect(newMinB, minB, takeB);
  }

  if (isTame && !i32x4.all_true(v128.and(v128.or(tameA, flatA), v128.or(tameB, flatB)))) return false;

  // groups without a range: level 0, and no scale
  for (let at = values; at < end; at += 32) {
    const vA = f32x4.mul(inverseA, f32x4.sub(v128.load(at), fromA));
    const vB = f32x4.mul(inverseB, f32x4.sub(v128.load(at, 16), fromB));
    const lA = isTame ? levelsOf(vA, rounder, rounder, high) : anyLevelsOf(vA, rounder, high);
    const lB = isTame ? levelsOf(vB, rounder, rounder, high) : anyLevelsOf(vB, rounder, high);
    v128.store(at, v128.andnot(lB, flatB), TO_LEVEL + 16);
    v128.store(at, v128.andnot(lA, flatA), TO_LEVEL);
  }
  minA = v128.bitselect(lowestA, minA, flatA);
  minB = v128.bitselect(lowestB, minB, flatB);
  const to = scratch + (set << 5);
  v128.store(to, v128.andnot(scaleA, flatA), FITTED);
  v128.store(to, v128.andnot(scaleB, flatB), FITTED + 16);
  v128.store(to, f32x4.neg(minA), FITTED_MINS);
  v128.store(to, f32x4.neg(minB), FITTED_MINS + 16);
  return true;
}

/** Fits by the squares of the distances. */
export function fitAffine(nValues: i32, maxLevel: i32, from: f32, by: f32, steps: i32, set: usize): void {
  if (!fitRange(nValues, maxLevel, from, by, steps, false, true, set)) {
    fitRange(nValues, maxLevel, from, by, steps, false, false, set);
  }
}

/** Fits by the distances. */
export function fitAffineByDistance(nValues: i32, maxLevel: i32, from: f32, by: f32, steps: i32, set: usize): void {
  if (!fitRange(nValues, maxLevel, from, by, steps, true, true, set)) {
    fitRange(nValues, maxLevel, from, by, steps, true, false, set);
  }
}

/**
 * Fits eight groups of `nValues` values to levels -`nLevels` … `nLevels` - 1 of a scale around zero. Results go to place `set` (0, 1) of
 * GROUP_LEVELS and FITTED.
 */
export function fitSymmetric(nValues: i32, nLevels: i32, set: usize): void {
  const values = scratch + GROUP_VALUES + (set << 9);
  const end = values + (<usize>nValues << 5);
  const zero = f32x4.splat(0), rounder = v128.load(scratch, ROUNDER);
  const low = f32x4.add(rounder, f32x4.splat(<f32>-nLevels)), high = f32x4.add(rounder, f32x4.splat(<f32>(nLevels - 1)));
  // the first value of largest magnitude, with its sign
  let largestA = zero, largestB = zero, magnitudeA = zero, magnitudeB = zero;
  for (let at = values; at < end; at += 32) {
    const a = v128.load(at), b = v128.load(at, 16);
    largestA = v128.bitselect(a, largestA, f32x4.gt(f32x4.abs(a), magnitudeA));
    largestB = v128.bitselect(b, largestB, f32x4.gt(f32x4.abs(b), magnitudeB));
    magnitudeA = f32x4.pmax(magnitudeA, f32x4.abs(a));
    magnitudeB = f32x4.pmax(magnitudeB, f32x4.abs(b));
    v128.store(at, f32x4.mul(v128.load(at, TO_WEIGHT), a), TO_TRIAL);
    v128.store(at, f32x4.mul(v128.load(at, TO_WEIGHT + 16), b), TO_TRIAL + 16);
  }

  // it takes the lowest level; then levels a little below and above that one
  let inverseA = zero, inverseB = zero, scaleA = zero, scaleB = zero, reachedA = zero, reachedB = zero;
  for (let k = -10; k <= 9; k++) {
    if (k == 0) continue;
    const isFirst = k == -10;
    const lowest = f32x4.splat(isFirst ? <f32>-nLevels : -(<f32>nLevels + <f32>0.1 * <f32>k));
    const triedA = f32x4.div(lowest, largestA), triedB = f32x4.div(lowest, largestB);
    let lxA = zero, lxB = zero, l2A = zero, l2B = zero;
    for (let at = values; at < end; at += 32) {
      const lA = levelsOf(f32x4.mul(triedA, v128.load(at)), rounder, low, high);
      const lB = levelsOf(f32x4.mul(triedB, v128.load(at, 16)), rounder, low, high);
      lxA = f32x4.add(lxA, f32x4.mul(v128.load(at, TO_TRIAL), lA));
      lxB = f32x4.add(lxB, f32x4.mul(v128.load(at, TO_TRIAL + 16), lB));
      l2A = f32x4.add(l2A, f32x4.mul(f32x4.mul(v128.load(at, TO_WEIGHT), lA), lA));
      l2B = f32x4.add(l2B, f32x4.mul(f32x4.mul(v128.load(at, TO_WEIGHT + 16), lB), lB));
    }
    let takeA = i32x4.splat(-1), takeB = takeA;
    let newScaleA = f32x4.div(lxA, l2A), newScaleB = f32x4.div(lxB, l2B);
    if (isFirst) {
      newScaleA = v128.andnot(newScaleA, f32x4.eq(l2A, zero));
      newScaleB = v128.andnot(newScaleB, f32x4.eq(l2B, zero));
    } else {
      takeA = v128.and(f32x4.gt(l2A, zero), f32x4.gt(f32x4.mul(lxA, lxA), f32x4.mul(reachedA, l2A)));
      takeB = v128.and(f32x4.gt(l2B, zero), f32x4.gt(f32x4.mul(lxB, lxB), f32x4.mul(reachedB, l2B)));
    }
    inverseA = v128.bitselect(triedA, inverseA, takeA);
    inverseB = v128.bitselect(triedB, inverseB, takeB);
    scaleA = v128.bitselect(newScaleA, scaleA, takeA);
    scaleB = v128.bitselect(newScaleB, scaleB, takeB);
    reachedA = v128.bitselect(f32x4.mul(newScaleA, lxA), reachedA, takeA);
    reachedB = v128.bitselect(f32x4.mul(newScaleB, lxB), reachedB, takeB);
  }

  // groups of next to nothing: the lowest level, and no scale
  const tinyA = f32x4.lt(magnitudeA, f32x4.splat(TINY)), tinyB = f32x4.lt(magnitudeB, f32x4.splat(TINY));
  const lowest = f32x4.splat(<f32>-nLevels);
  for (let at = values; at < end; at += 32) {
    const lA = levelsOf(f32x4.mul(inverseA, v128.load(at)), rounder, low, high);
    const lB = levelsOf(f32x4.mul(inverseB, v128.load(at, 16)), rounder, low, high);
    v128.store(at, v128.bitselect(lowest, lA, tinyA), TO_LEVEL);
    v128.store(at, v128.bitselect(lowest, lB, tinyB), TO_LEVEL + 16);
  }
  const to = scratch + (set << 5);
  v128.store(to, v128.andnot(scaleA, tinyA), FITTED);
  v128.store(to, v128.andnot(scaleB, tinyB), FITTED + 16);
}

/**
 * Levels 0 … `maxLevel`, as bytes in 32-bit integers at `levels`, of `n` numbers at `numbers`, which weigh GROUP_WEIGHTS.
 * @returns the scale
 */
export function fitPositive(numbers: usize, n: i32, maxLevel: i32, levels: usize): f32 {
  const weights = scratch + GROUP_WEIGHTS;
  const end = <usize>n << 2;
  let max: f32 = 0;
  for (let i: usize = 0; i < end; i += 4) {
    const x = load<f32>(numbers + i);
    if (x > max) max = x;
    store<i32>(levels + i, 0);
  }
  if (max < TINY) return 0;

  let inverse: f32 = <f32>maxLevel / max;
  let leastError = positiveError(numbers, end, inverse, i32.MAX_VALUE);
  for (let k = -4; k <= 4; k++) {
    if (k == 0) continue;
    const tried: f32 = (<f32>0.1 * <f32>k + <f32>maxLevel) / max;
    const error = positiveError(numbers, end, tried, maxLevel);
    if (!(error < leastError)) continue;
    leastError = error;
    inverse = tried;
  }
  let lx: f32 = 0, l2: f32 = 0;
  for (let i: usize = 0; i < end; i += 4) {
    const x = load<f32>(numbers + i), w = load<f32>(weights + i);
    const whole = min(maxLevel, nearestOne(inverse * x));
    const l = <f32>whole;
    store<i32>(levels + i, whole & 255);
    lx += w * x * l;
    l2 += w * l * l;
  }
  // then single levels, to the one that fits the scale of all others
  for (let sweep = 0; sweep < 5; sweep++) {
    let changes = 0;
    for (let i: usize = 0; i < end; i += 4) {
      const x = load<f32>(numbers + i), w = load<f32>(weights + i);
      const whole = load<i32>(levels + i);
      const l = <f32>whole;
      let otherLx: f32 = lx - w * x * l, otherL2: f32 = l2 - w * l * l;
      if (!(otherLx > 0 && otherL2 > 0)) continue;
      const moved = min(maxLevel, nearestOne(x * otherL2 / otherLx));
      if (moved == whole) continue;
      const m = <f32>moved;
      otherLx += w * x * m;
      otherL2 += w * m * m;
      if (!(otherLx * otherLx * l2 > lx * lx * otherL2)) continue;
      store<i32>(levels + i, moved & 255);
      lx = otherLx;
      l2 = otherL2;
      changes++;
    }
    if (changes == 0) break;
  }
  return l2 > 0 ? lx / l2 : 0;
}

function positiveError(numbers: usize, end: usize, inverse: f32, maxLevel: i32): f32 {
  const scale: f32 = 1 / inverse;
  let error: f32 = 0;
  for (let i: usize = 0; i < end; i += 4) {
    const x = load<f32>(numbers + i);
    const difference: f32 = x - scale * <f32>min(maxLevel, nearestOne(inverse * x));
    error += load<f32>(scratch + GROUP_WEIGHTS + i) * difference * difference;
  }
  return error;
}

/**
 * Levels -32 … 31, in 32-bit integers at SCALES, of the 16 fitted scales, which weigh GROUP_WEIGHTS: `fitSymmetric` of one group.
 * @returns the unit of the levels
 */
export function fitScales(): f32 {
  const numbers = scratch + FITTED, levels = scratch + SCALES;
  let largest: f32 = 0;
  for (let i: usize = 0; i < 64; i += 4) {
    const x = load<f32>(numbers + i);
    if (abs<f32>(x) > abs<f32>(largest)) largest = x;
  }
  if (abs<f32>(largest) < TINY) {
    for (let i: usize = 0; i < 64; i += 4) store<i32>(levels + i, -32);
    return 0;
  }
  let inverse: f32 = 0, scale: f32 = 0, reached: f32 = 0;
  for (let k = -10; k <= 9; k++) {
    if (k == 0) continue;
    const isFirst = k == -10;
    const tried: f32 = (isFirst ? <f32>-32 : -(<f32>32 + <f32>0.1 * <f32>k)) / largest;
    let lx: f32 = 0, l2: f32 = 0;
    for (let i: usize = 0; i < 64; i += 4) {
      const x = load<f32>(numbers + i), w = load<f32>(scratch + GROUP_WEIGHTS + i);
      const l = <f32>max(-32, min(31, nearestOne(tried * x)));
      lx += w * x * l;
      l2 += w * l * l;
    }
    if (!isFirst && !(l2 > 0 && lx * lx > reached * l2)) continue;
    inverse = tried;
    scale = l2 != 0 ? lx / l2 : 0;
    reached = scale * lx;
  }
  for (let i: usize = 0; i < 64; i += 4) {
    store<i32>(levels + i, max(-32, min(31, nearestOne(inverse * load<f32>(numbers + i)))));
  }
  return scale;
}
