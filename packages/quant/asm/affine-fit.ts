// The search for a scale above a minimum that Q2_K, Q4_K and Q5_K make for each group, for eight groups at a time.
// Its twin is src/affine-fit.ts: the arithmetic of a lane is that of one group there, step by step.

import { between, nearestWith } from "./rounding";
import { FITTED, FITTED_MINS, GROUP_LEVELS, GROUP_VALUES, toGroupOrder } from "./super-block";
import { FRACTION, MIDDLE, ROUNDER, scratch } from "./vectors";

// @ts-ignore: decorator
@inline const ROUNDS: i32 = 5;

/**
 * Fits eight groups of `nValues` values at `x` to levels 0 … `maxLevel`. Results go to place `set` (0, 1) of GROUP_LEVELS,
 * FITTED and FITTED_MINS.
 *
 * A lane whose levels have settled is left as it is by giving it the same scale and minimum again: it computes the same
 * results in all further rounds, without a mask.
 */
// @ts-ignore: decorator
@inline
export function fitAffine(x: usize, nValues: i32, maxLevel: i32, set: usize): void {
  const values = scratch + GROUP_VALUES + (set << 9), levels = scratch + GROUP_LEVELS + (set << 9);
  const end: usize = values + (<usize>nValues << 5);
  const toLevels: usize = GROUP_LEVELS - GROUP_VALUES;
  toGroupOrder(x, nValues, values);
  memory.fill(levels, 0, <usize>nValues << 5);

  const zero = f32x4.splat(0), largest = i32x4.splat(maxLevel);
  const rounder = v128.load(scratch, ROUNDER), fraction = v128.load(scratch, FRACTION), middle = v128.load(scratch, MIDDLE);
  let minA = v128.load(values), minB = v128.load(values, 16), maxA = minA, maxB = minB;
  for (let at = values + 32; at < end; at += 32) { // pmin(a, b) is b if b < a, else a
    const a = v128.load(at), b = v128.load(at, 16);
    minA = f32x4.pmin(minA, a);
    minB = f32x4.pmin(minB, b);
    maxA = f32x4.pmax(maxA, a);
    maxB = f32x4.pmax(maxB, b);
  }
  // equal values, zero or not, become zero: a factor of 0 gives them level 0
  const flatA = f32x4.eq(minA, maxA), flatB = f32x4.eq(minB, maxB);
  minA = f32x4.pmin(minA, zero);
  minB = f32x4.pmin(minB, zero);
  let inverseA = v128.andnot(f32x4.div(f32x4.splat(<f32>maxLevel), f32x4.sub(maxA, minA)), flatA);
  let inverseB = v128.andnot(f32x4.div(f32x4.splat(<f32>maxLevel), f32x4.sub(maxB, minB)), flatB);

  let activeA = i32x4.splat(-1), activeB = activeA, scaleA = zero, scaleB = zero, newMinA = zero, newMinB = zero;
  for (let round = 0; round < ROUNDS; round++) {
    // levels for this scale and minimum, and the best scale for these levels
    let changedA = zero, changedB = zero, sumLxA = zero, sumLxB = zero, sumL2A = zero, sumL2B = zero;
    for (let at = values; at < end; at += 32) {
      const aboveA = f32x4.sub(v128.load(at), minA), aboveB = f32x4.sub(v128.load(at, 16), minB);
      const wholeA = nearestWith(f32x4.mul(inverseA, aboveA), rounder, fraction, middle);
      const wholeB = nearestWith(f32x4.mul(inverseB, aboveB), rounder, fraction, middle);
      const lA = f32x4.convert_i32x4_s(between(wholeA, zero, largest));
      const lB = f32x4.convert_i32x4_s(between(wholeB, zero, largest));
      changedA = v128.or(changedA, v128.xor(lA, v128.load(at + toLevels)));
      changedB = v128.or(changedB, v128.xor(lB, v128.load(at + toLevels, 16)));
      v128.store(at + toLevels, lB, 16);
      v128.store(at + toLevels, lA);
      sumLxA = f32x4.add(sumLxA, f32x4.mul(aboveA, lA));
      sumLxB = f32x4.add(sumLxB, f32x4.mul(aboveB, lB));
      sumL2A = f32x4.add(sumL2A, f32x4.mul(lA, lA)); // integers below 2^24: exact
      sumL2B = f32x4.add(sumL2B, f32x4.mul(lB, lB));
    }
    scaleA = f32x4.div(sumLxA, sumL2A);
    scaleB = f32x4.div(sumLxB, sumL2B);
    // the best minimum for this scale
    let sumA = zero, sumB = zero;
    for (let at = values; at < end; at += 32) {
      sumA = f32x4.add(sumA, f32x4.sub(v128.load(at), f32x4.mul(scaleA, v128.load(at + toLevels))));
      sumB = f32x4.add(sumB, f32x4.sub(v128.load(at, 16), f32x4.mul(scaleB, v128.load(at + toLevels, 16))));
    }
    const share = f32x4.splat(<f32>1 / <f32>nValues); // a power of two: as exact as dividing
    newMinA = f32x4.pmin(f32x4.mul(sumA, share), zero);
    newMinB = f32x4.pmin(f32x4.mul(sumB, share), zero);
    activeA = i32x4.ne(changedA, zero);
    activeB = i32x4.ne(changedB, zero);
    if (!v128.any_true(v128.or(activeA, activeB))) break;
    const one = f32x4.splat(1);
    inverseA = v128.bitselect(f32x4.div(one, scaleA), inverseA, activeA);
    inverseB = v128.bitselect(f32x4.div(one, scaleB), inverseB, activeB);
    minA = v128.bitselect(newMinA, minA, activeA);
    minB = v128.bitselect(newMinB, minB, activeB);
  }
  const to = scratch + (set << 5);
  v128.store(to, v128.andnot(scaleA, flatA), FITTED);
  v128.store(to, v128.andnot(scaleB, flatB), FITTED + 16);
  v128.store(to, v128.andnot(f32x4.neg(newMinA), flatA), FITTED_MINS);
  v128.store(to, v128.andnot(f32x4.neg(newMinB), flatB), FITTED_MINS + 16);
}
