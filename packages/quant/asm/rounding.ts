// From values to levels as build 803 does it, four at a time. Its twin is src/rounding.ts, which says more.

import { FRACTION, MIDDLE, ROUNDER, scratch } from "./vectors";

/**
 * Values rounded to integers, ties to even: 1.5 · 2^23 is added, and the fraction of the sum is the result, whatever the
 * value was. NaN gives 0. The constants are ROUNDER, FRACTION and MIDDLE, which a loop keeps in registers.
 */
// @ts-ignore: decorator
@inline
export function nearestWith(v: v128, rounder: v128, fraction: v128, middle: v128): v128 {
  return i32x4.sub(v128.and(f32x4.add(v, rounder), fraction), middle);
}

/** The same outside of loops. */
// @ts-ignore: decorator
@inline
export function nearest(v: v128): v128 {
  return nearestWith(v, v128.load(scratch, ROUNDER), v128.load(scratch, FRACTION), v128.load(scratch, MIDDLE));
}

/** The same of one number. */
// @ts-ignore: decorator
@inline
export function nearestOne(value: f32): i32 {
  return (reinterpret<i32>(value + 12582912) & 0x7fffff) - 0x400000;
}

/** Integers held between `low` and `high`. */
// @ts-ignore: decorator
@inline
export function between(v: v128, low: v128, high: v128): v128 {
  return i32x4.min_s(i32x4.max_s(v, low), high);
}
