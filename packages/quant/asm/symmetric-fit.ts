// The search for a scale around zero that Q3_K and Q6_K make for each group of 16 values, for eight groups at a time.
// Its twin is src/symmetric-fit.ts: the arithmetic of a lane is that of one group there, step by step.

import { between, nearestWith } from "./rounding";
import { FITTED, GROUP_LEVELS, GROUP_VALUES, toGroupOrder, TRIAL } from "./super-block";
import { FRACTION, MIDDLE, ROUNDER, scratch } from "./vectors";

// @ts-ignore: decorator
@inline const SWEEPS: i32 = 5;
// @ts-ignore: decorator
@inline const SET_BYTES: usize = 512; // 16 indices, 8 lanes

/** Levels in binary32: `factor` · x, rounded and held between `low` and `high`. */
// @ts-ignore: decorator
@inline
function levelsOf(v: v128, rounder: v128, fraction: v128, middle: v128, low: v128, high: v128): v128 {
  return f32x4.convert_i32x4_s(between(nearestWith(v, rounder, fraction, middle), low, high));
}

/** w · x · l with the weight w = x², multiplied from the left. */
// @ts-ignore: decorator
@inline
function productTerm(x: v128, l: v128): v128 {
  return f32x4.mul(f32x4.mul(f32x4.mul(x, x), x), l);
}

/** w · l · l with the weight w = x², multiplied from the left. */
// @ts-ignore: decorator
@inline
function squareTerm(x: v128, l: v128): v128 {
  return f32x4.mul(f32x4.mul(f32x4.mul(x, x), l), l);
}

/**
 * Fits eight groups of 16 values at `x` to levels -`nLevels` … `nLevels` - 1. Results go to place `set` (0, 1) of
 * GROUP_LEVELS and FITTED. Groups whose values are all smaller than `least` get the lowest level and no scale.
 *
 * A lane that is done needs no mask: with nothing changed, a further retry or sweep decides as the one before.
 */
// @ts-ignore: decorator
@inline
export function fitSymmetric(x: usize, nLevels: i32, retries: i32, least: f32, set: usize): void {
  const values = scratch + GROUP_VALUES + (set << 9), levels = scratch + GROUP_LEVELS + (set << 9), trial = scratch + TRIAL;
  toGroupOrder(x, 16, values);

  const zero = f32x4.splat(0), low = i32x4.splat(-nLevels), high = i32x4.splat(nLevels - 1);
  const rounder = v128.load(scratch, ROUNDER), fraction = v128.load(scratch, FRACTION), middle = v128.load(scratch, MIDDLE);
  // the first value of largest magnitude, with its sign
  let largestA = zero, largestB = zero, magnitudeA = zero, magnitudeB = zero;
  for (let i: usize = 0; i < SET_BYTES; i += 32) {
    const a = v128.load(values + i), b = v128.load(values + i, 16);
    largestA = v128.bitselect(a, largestA, f32x4.gt(f32x4.abs(a), magnitudeA));
    largestB = v128.bitselect(b, largestB, f32x4.gt(f32x4.abs(b), magnitudeB));
    magnitudeA = f32x4.pmax(magnitudeA, f32x4.abs(a));
    magnitudeB = f32x4.pmax(magnitudeB, f32x4.abs(b));
  }

  // it takes the lowest level; then all values are rounded again with the scale found, as long as that helps
  let inverseA = f32x4.div(f32x4.splat(<f32>-nLevels), largestA), inverseB = f32x4.div(f32x4.splat(<f32>-nLevels), largestB);
  let sumLxA = zero, sumLxB = zero, sumL2A = zero, sumL2B = zero, bestA = zero, bestB = zero;
  for (let attempt = 0; attempt <= retries; attempt++) {
    let lxA = zero, lxB = zero, l2A = zero, l2B = zero, changedA = zero, changedB = zero;
    for (let i: usize = 0; i < SET_BYTES; i += 32) {
      const a = v128.load(values + i), b = v128.load(values + i, 16);
      const lA = levelsOf(f32x4.mul(inverseA, a), rounder, fraction, middle, low, high);
      const lB = levelsOf(f32x4.mul(inverseB, b), rounder, fraction, middle, low, high);
      changedA = v128.or(changedA, v128.xor(lA, v128.load(levels + i)));
      changedB = v128.or(changedB, v128.xor(lB, v128.load(levels + i, 16)));
      v128.store(trial + i, lB, 16);
      v128.store(trial + i, lA);
      lxA = f32x4.add(lxA, productTerm(a, lA));
      lxB = f32x4.add(lxB, productTerm(b, lB));
      l2A = f32x4.add(l2A, squareTerm(a, lA));
      l2B = f32x4.add(l2B, squareTerm(b, lB));
    }
    let takeA = i32x4.splat(-1), takeB = takeA;
    if (attempt > 0) {
      // not <=, which differs from > for NaN
      takeA = v128.andnot(f32x4.ne(l2A, zero), f32x4.le(f32x4.mul(lxA, lxA), f32x4.mul(bestA, l2A)));
      takeB = v128.andnot(f32x4.ne(l2B, zero), f32x4.le(f32x4.mul(lxB, lxB), f32x4.mul(bestB, l2B)));
      takeA = v128.and(takeA, i32x4.ne(changedA, zero));
      takeB = v128.and(takeB, i32x4.ne(changedB, zero));
      if (!v128.any_true(v128.or(takeA, takeB))) break;
    }
    for (let i: usize = 0; i < SET_BYTES; i += 32) {
      const b = v128.bitselect(v128.load(trial + i, 16), v128.load(levels + i, 16), takeB);
      v128.store(levels + i, v128.bitselect(v128.load(trial + i), v128.load(levels + i), takeA));
      v128.store(levels + i, b, 16);
    }
    sumLxA = v128.bitselect(lxA, sumLxA, takeA);
    sumLxB = v128.bitselect(lxB, sumLxB, takeB);
    sumL2A = v128.bitselect(l2A, sumL2A, takeA);
    sumL2B = v128.bitselect(l2B, sumL2B, takeB);
    const scaleA = f32x4.div(sumLxA, sumL2A), scaleB = f32x4.div(sumLxB, sumL2B), one = f32x4.splat(1);
    inverseA = f32x4.div(one, scaleA);
    inverseB = f32x4.div(one, scaleB);
    bestA = f32x4.mul(scaleA, sumLxA);
    bestB = f32x4.mul(scaleB, sumLxB);
  }

  // then single values are moved to the level that fits the scale of all others
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let moves = zero;
    for (let i: usize = 0; i < SET_BYTES; i += 32) {
      const a = v128.load(values + i), b = v128.load(values + i, 16);
      const lA = v128.load(levels + i), lB = v128.load(levels + i, 16);
      const lxA = f32x4.sub(sumLxA, productTerm(a, lA)), lxB = f32x4.sub(sumLxB, productTerm(b, lB));
      const l2A = f32x4.sub(sumL2A, squareTerm(a, lA)), l2B = f32x4.sub(sumL2B, squareTerm(b, lB));
      const movedA = levelsOf(f32x4.div(f32x4.mul(a, l2A), lxA), rounder, fraction, middle, low, high);
      const movedB = levelsOf(f32x4.div(f32x4.mul(b, l2B), lxB), rounder, fraction, middle, low, high);
      let takeA = v128.and(f32x4.gt(lxA, zero), f32x4.ne(movedA, lA));
      let takeB = v128.and(f32x4.gt(lxB, zero), f32x4.ne(movedB, lB));
      // mostly no lane moves; a branch lets the processor go on with the next values before it knows
      if (!v128.any_true(v128.or(takeA, takeB))) continue;
      const newLxA = f32x4.add(lxA, productTerm(a, movedA)), newLxB = f32x4.add(lxB, productTerm(b, movedB));
      const newL2A = f32x4.add(l2A, squareTerm(a, movedA)), newL2B = f32x4.add(l2B, squareTerm(b, movedB));
      const gainA = f32x4.mul(f32x4.mul(newLxA, newLxA), sumL2A), gainB = f32x4.mul(f32x4.mul(newLxB, newLxB), sumL2B);
      const lossA = f32x4.mul(f32x4.mul(sumLxA, sumLxA), newL2A), lossB = f32x4.mul(f32x4.mul(sumLxB, sumLxB), newL2B);
      takeA = v128.and(takeA, v128.and(f32x4.gt(newL2A, zero), f32x4.gt(gainA, lossA)));
      takeB = v128.and(takeB, v128.and(f32x4.gt(newL2B, zero), f32x4.gt(gainB, lossB)));
      moves = v128.or(moves, v128.or(takeA, takeB));
      v128.store(levels + i, v128.bitselect(movedB, lB, takeB), 16);
      v128.store(levels + i, v128.bitselect(movedA, lA, takeA));
      sumLxA = v128.bitselect(newLxA, sumLxA, takeA);
      sumLxB = v128.bitselect(newLxB, sumLxB, takeB);
      sumL2A = v128.bitselect(newL2A, sumL2A, takeA);
      sumL2B = v128.bitselect(newL2B, sumL2B, takeB);
    }
    if (!v128.any_true(moves)) break;
  }

  // groups of next to nothing: the lowest level, and no scale
  const emptyA = f32x4.lt(magnitudeA, f32x4.splat(least)), emptyB = f32x4.lt(magnitudeB, f32x4.splat(least));
  if (v128.any_true(v128.or(emptyA, emptyB))) {
    const lowest = f32x4.splat(<f32>-nLevels);
    for (let i: usize = 0; i < SET_BYTES; i += 32) {
      const b = v128.bitselect(lowest, v128.load(levels + i, 16), emptyB);
      v128.store(levels + i, v128.bitselect(lowest, v128.load(levels + i), emptyA));
      v128.store(levels + i, b, 16);
    }
  }
  const to = scratch + (set << 5);
  v128.store(to, v128.andnot(f32x4.div(sumLxA, sumL2A), emptyA), FITTED);
  v128.store(to, v128.andnot(f32x4.div(sumLxB, sumL2B), emptyB), FITTED + 16);
}
