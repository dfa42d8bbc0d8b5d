// How much each value of a group weighs in the searches of gguf-fits.ts. The twins are `weighByImportance` and others of src/gguf-pack.

import { GROUP_WEIGHTS, IMPORTANCE, WEIGHTS } from "./gguf-fits";
import { GROUP_VALUES, toGroupOrder } from "./super-block";
import { scratch } from "./vectors";

// How values weigh, but for importance:
// @ts-ignore: decorator
@inline export const BY_SIZE = 0; // by their magnitude
// @ts-ignore: decorator
@inline export const BY_MEAN = 1; // by the root mean square of the group, and their magnitude
// @ts-ignore: decorator
@inline export const BY_SQUARE = 2;

// In place of a spread:
// @ts-ignore: decorator
@inline export const NO_SPREAD: f32 = -1;
// @ts-ignore: decorator
@inline export const OF_GROUP: f32 = -2;

/** Σ x² of `n` values at `x`, in order. */
export function sumOfSquares(x: usize, n: i32): f32 {
  let sum: f32 = 0;
  for (let end = x + (<usize>n << 2); x < end; x += 4) {
    const value = load<f32>(x);
    sum += value * value;
  }
  return sum;
}

/** Σ x² of four groups, whose first values in group order are at `values`. */
// @ts-ignore: decorator
@inline
function squaresOfGroups(values: usize, bytes: usize): v128 {
  let sum = f32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 32) {
    const x = v128.load(values + i);
    sum = f32x4.add(sum, f32x4.mul(x, x));
  }
  return sum;
}

/**
 * Puts eight groups of `nValues` values at `x` into group order, as set `set`, and sets WEIGHTS of them: as `kind` says, or where
 * `importance` is given, that of each value times √(`spread` + x²); or √(Σx² / 16 + x²), of the group's 32, if `spread` is OF_GROUP; or
 * that alone if it is NO_SPREAD.
 */
export function weigh(x: usize, nValues: i32, kind: i32, importance: usize, spread: f32, set: usize): void {
  const values = scratch + GROUP_VALUES + (set << 9), weights = scratch + WEIGHTS + (set << 9);
  const end: usize = <usize>nValues << 5;
  toGroupOrder(x, nValues, values);
  if (importance != 0) {
    const important = scratch + IMPORTANCE + (set << 9);
    toGroupOrder(importance, nValues, important);
    let plusA = f32x4.splat(spread), plusB = plusA, sumA = f32x4.splat(0), sumB = sumA;
    if (spread == OF_GROUP) {
      const share = f32x4.splat(0.0625);
      plusA = f32x4.mul(squaresOfGroups(values, end), share);
      plusB = f32x4.mul(squaresOfGroups(values + 16, end), share);
    }
    for (let i: usize = 0; i < end; i += 32) {
      const a = v128.load(values + i), b = v128.load(values + i, 16);
      let wA = v128.load(important + i), wB = v128.load(important + i, 16);
      if (spread != NO_SPREAD) {
        wA = f32x4.mul(wA, f32x4.sqrt(f32x4.add(plusA, f32x4.mul(a, a))));
        wB = f32x4.mul(wB, f32x4.sqrt(f32x4.add(plusB, f32x4.mul(b, b))));
      }
      v128.store(weights + i, wA);
      v128.store(weights + i, wB, 16);
      sumA = f32x4.add(sumA, wA);
      sumB = f32x4.add(sumB, wB);
    }
    v128.store(scratch + (set << 5), sumA, GROUP_WEIGHTS);
    v128.store(scratch + (set << 5), sumB, GROUP_WEIGHTS + 16);
    return;
  }
  let meanA = f32x4.splat(0), meanB = meanA;
  if (kind == BY_MEAN) {
    const share = f32x4.splat(<f32>1 / <f32>nValues); // a power of two: as exact as dividing
    meanA = f32x4.sqrt(f32x4.mul(squaresOfGroups(values, end), share));
    meanB = f32x4.sqrt(f32x4.mul(squaresOfGroups(values + 16, end), share));
  }
  for (let i: usize = 0; i < end; i += 32) {
    const a = v128.load(values + i), b = v128.load(values + i, 16);
    v128.store(weights + i, kind == BY_SQUARE ? f32x4.mul(a, a) : f32x4.add(meanA, f32x4.abs(a)));
    v128.store(weights + i, kind == BY_SQUARE ? f32x4.mul(b, b) : f32x4.add(meanB, f32x4.abs(b)), 16);
  }
}
