// From the fitted scales of a super-block to its bytes: what the quantisers of pack-k.ts and gguf-pack-k.ts, whose fits differ, have in common.
// Their twins are src/q2_K.ts … src/q6_K.ts, which draw the bytes.

import { halfBits, roundToHalf } from "./half";
import { packSixBits, packThirdBits, packTwoBits } from "./pack-levels";
import { between, nearest, nearestWith } from "./rounding";
import { FITTED, GROUP_LEVELS, LEVELS, STORED, STORED_MINS } from "./super-block";
import { FRACTION, MIDDLE, ROUNDER, scratch, SUMS } from "./vectors";

// Behind the places of super-block.ts and gguf-fits.ts:
// @ts-ignore: decorator
@inline export const SCALES: usize = SUMS + 7232; // (16) 32-bit integers: scales to be stored
// @ts-ignore: decorator
@inline export const MINS: usize = SUMS + 7296; // (16) 32-bit integers: minimums, likewise

/** The largest of `n` numbers at `offset` of the scratch space, at least 0; NaN counts as nothing. */
// @ts-ignore: decorator
@inline
export function largestPositive(offset: usize, n: i32): f32 {
  let largest: f32 = 0;
  for (let at = scratch + offset, end = at + (<usize>n << 2); at < end; at += 4) {
    const number = load<f32>(at);
    if (number > largest) largest = number;
  }
  return largest;
}

/** The first of the 16 fitted scales of largest magnitude, with its sign; 0 if all are 0 or NaN. */
// @ts-ignore: decorator
@inline
export function largestScale(): f32 {
  let largest: f32 = 0;
  for (let at = scratch + FITTED, end = at + 64; at < end; at += 4) {
    const number = load<f32>(at);
    if (abs<f32>(number) > abs<f32>(largest)) largest = number;
  }
  return largest;
}

/** `factor` times the numbers 4k … 4k + 3 at `offset`, rounded. */
// @ts-ignore: decorator
@inline
export function scaled(offset: usize, k: usize, factor: f32): v128 {
  return nearest(f32x4.mul(f32x4.splat(factor), v128.load(scratch + offset + (k << 4))));
}

/** Stores `unit` times four integers as numbers 4k … 4k + 3 at `offset`. */
// @ts-ignore: decorator
@inline
function keep(offset: usize, k: usize, unit: f32, integers: v128): void {
  v128.store(scratch + offset + (k << 4), f32x4.mul(f32x4.splat(unit), f32x4.convert_i32x4_s(integers)));
}

/** The low bytes of sixteen integers. */
// @ts-ignore: decorator
@inline
function lowBytes(a: v128, b: v128, c: v128, d: v128): v128 {
  const byte = i32x4.splat(255); // narrowing alone would saturate
  const ab = i16x8.narrow_i32x4_s(v128.and(a, byte), v128.and(b, byte));
  return i8x16.narrow_i16x8_u(ab, i16x8.narrow_i32x4_s(v128.and(c, byte), v128.and(d, byte)));
}

/** Four integers 4k … 4k + 3 at `offset`. */
// @ts-ignore: decorator
@inline
function integers(offset: usize, k: usize): v128 {
  return v128.load(scratch + offset + (k << 4));
}

/** Rounds `n` fitted numbers at `from` in units of which the largest has `most`, to integers at `to`. @returns the unit */
// @ts-ignore: decorator
@inline
export function byLargest(from: usize, n: i32, most: i32, to: usize): f32 {
  const largest = largestPositive(from, n);
  const perUnit: f32 = largest > 0 ? <f32>most / largest : 0;
  for (let k: usize = 0; k < <usize>n >> 2; k++) v128.store(scratch + to + (k << 4), scaled(from, k, perUnit));
  return largest / <f32>most;
}

/** Eight integers at `to`, cut to a byte first, as build 803 does, and then to 63. */
// @ts-ignore: decorator
@inline
export function cutToSixBits(to: usize): void {
  for (let k: usize = 0; k < 2; k++) {
    v128.store(scratch + to + (k << 4), i32x4.min_s(v128.and(integers(to, k), i32x4.splat(255)), i32x4.splat(63)));
  }
}

/** Sets SCALES to -32 … 31 for the 16 fitted scales, of which the largest becomes -32. @returns the unit; 0 if all are 0 */
// @ts-ignore: decorator
@inline
export function signedByLargest(): f32 {
  const largest = largestScale();
  const perScale: f32 = largest == 0 ? 0 : -32 / largest;
  const least = i32x4.splat(-32), most = i32x4.splat(31);
  for (let k: usize = 0; k < 4; k++) {
    v128.store(scratch + (k << 4), between(scaled(FITTED, k, perScale), least, most), SCALES);
  }
  return largest == 0 ? 0 : 1 / perScale;
}

/**
 * Rounds all values again, for the scales (and minimums) that a reader of the block will see, to levels `low` … `high`; they
 * are stored from 0 up. A scale of zero keeps the levels of the fit.
 */
// @ts-ignore: decorator
@inline
function requantize(hasMin: bool, x: usize, groupValues: i32, low: i32, high: i32): void {
  const rounder = v128.load(scratch, ROUNDER), fraction = v128.load(scratch, FRACTION), middle = v128.load(scratch, MIDDLE);
  const least = i32x4.splat(low), most = i32x4.splat(high), bias = i8x16.splat(<i8>low);
  let to = scratch + LEVELS;
  for (let group = 0; group < 256 / groupValues; group++) {
    const scale = load<f32>(scratch + (group << 2), STORED);
    if (scale == 0) {
      const fitted = scratch + GROUP_LEVELS + ((group >> 3) << 9) + ((group & 7) << 2);
      for (let i = 0; i < groupValues; i++) store<u8>(to + i, <u8>(<i32>load<f32>(fitted + (i << 5)) - low));
      to += groupValues;
      x += groupValues << 2;
      continue;
    }
    const by = f32x4.splat(scale), plus = f32x4.splat(load<f32>(scratch + (group << 2), STORED_MINS));
    for (let i = 0; i < groupValues; i += 16, to += 16, x += 64) {
      let x0 = v128.load(x), x1 = v128.load(x, 16), x2 = v128.load(x, 32), x3 = v128.load(x, 48);
      if (hasMin) {
        x0 = f32x4.add(x0, plus);
        x1 = f32x4.add(x1, plus);
        x2 = f32x4.add(x2, plus);
        x3 = f32x4.add(x3, plus);
      }
      const q0 = between(nearestWith(f32x4.div(x0, by), rounder, fraction, middle), least, most);
      const q1 = between(nearestWith(f32x4.div(x1, by), rounder, fraction, middle), least, most);
      const q2 = between(nearestWith(f32x4.div(x2, by), rounder, fraction, middle), least, most);
      const q3 = between(nearestWith(f32x4.div(x3, by), rounder, fraction, middle), least, most);
      const bytes = i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(q0, q1), i16x8.narrow_i32x4_s(q2, q3));
      v128.store(to, i8x16.sub(bytes, bias));
    }
  }
}

/** The bytes of an integer as four integers. */
// @ts-ignore: decorator
@inline
function bytesOf(word: i32): v128 {
  return i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(i32x4.splat(word)));
}

/** The first 16 bytes of Q4_K and Q5_K blocks, and LEVELS: from SCALES and MINS, 8 of each, in units of `d` and `dmin`. */
// @ts-ignore: decorator
@inline
export function writeAffine(x: usize, maxLevel: i32, dst: usize, d: f32, dmin: f32): void {
  store<u16>(dst, halfBits(d));
  store<u16>(dst, halfBits(dmin), 2);
  const bytes = lowBytes(integers(SCALES, 0), integers(SCALES, 1), integers(MINS, 0), integers(MINS, 1));
  const low = i32x4.extract_lane(bytes, 0), high = i32x4.extract_lane(bytes, 1); // scales 0 … 3 and 4 … 7
  const lowMin = i32x4.extract_lane(bytes, 2), highMin = i32x4.extract_lane(bytes, 3);
  const first = low | ((high & 0x30303030) << 2), second = lowMin | ((highMin & 0x30303030) << 2);
  const third = (high & 0x0f0f0f0f) | ((highMin & 0x0f0f0f0f) << 4);
  store<i32>(dst, first, 4);
  store<i32>(dst, second, 8);
  store<i32>(dst, third, 12);
  // as a reader will see them
  keep(STORED, 0, roundToHalf(d), bytesOf(first & 0x3f3f3f3f));
  keep(STORED, 1, roundToHalf(d), bytesOf((third & 0x0f0f0f0f) | ((first >> 2) & 0x30303030)));
  keep(STORED_MINS, 0, roundToHalf(dmin), bytesOf(second & 0x3f3f3f3f));
  keep(STORED_MINS, 1, roundToHalf(dmin), bytesOf(((third >> 4) & 0x0f0f0f0f) | ((second >> 2) & 0x30303030)));
  requantize(true, x, 32, 0, maxLevel);
}

/** A block of Q2_K, from SCALES and MINS in units of `d` and `dmin`. */
// @ts-ignore: decorator
@inline
export function writeQ2(x: usize, dst: usize, d: f32, dmin: f32): void {
  store<u16>(dst, halfBits(d), 80);
  store<u16>(dst, halfBits(dmin), 82);
  for (let k: usize = 0; k < 4; k++) {
    const pairs = v128.or(integers(SCALES, k), i32x4.shl(integers(MINS, k), 4));
    keep(STORED, k, roundToHalf(d), v128.and(pairs, i32x4.splat(15)));
    keep(STORED_MINS, k, roundToHalf(dmin), v128.and(i32x4.shr_u(pairs, 4), i32x4.splat(15)));
    store<i32>(dst + (k << 2), i32x4.extract_lane(lowBytes(pairs, pairs, pairs, pairs), 0));
  }
  requantize(true, x, 16, 0, 3);
  packTwoBits(dst + 16);
}

/** A block of Q3_K, from SCALES, -32 … 31, in units of `d`. One without any scale has zeros in their place. */
// @ts-ignore: decorator
@inline
export function writeQ3(x: usize, dst: usize, d: f32, hasScales: bool): void {
  store<u16>(dst, halfBits(d), 108);
  for (let k: usize = 0; k < 4; k++) keep(STORED, k, roundToHalf(d), integers(SCALES, k));
  const bias = i32x4.splat(hasScales ? 32 : 0);
  const bytes = lowBytes(
    i32x4.add(integers(SCALES, 0), bias), i32x4.add(integers(SCALES, 1), bias),
    i32x4.add(integers(SCALES, 2), bias), i32x4.add(integers(SCALES, 3), bias),
  );
  const a = i32x4.extract_lane(bytes, 0), b = i32x4.extract_lane(bytes, 1); // scales 0 … 3 and 4 … 7
  const c = i32x4.extract_lane(bytes, 2), e = i32x4.extract_lane(bytes, 3);
  store<i32>(dst, (a & 0x0f0f0f0f) | ((c & 0x0f0f0f0f) << 4), 96);
  store<i32>(dst, (b & 0x0f0f0f0f) | ((e & 0x0f0f0f0f) << 4), 100);
  const highBits = ((a & 0x30303030) >> 4) | ((b & 0x30303030) >> 2) | (c & 0x30303030) | ((e & 0x30303030) << 2);
  store<i32>(dst, highBits, 104);
  requantize(false, x, 16, -4, 3);
  packThirdBits(dst);
  packTwoBits(dst + 32);
}

/** A block of Q6_K from the 16 fitted scales. */
// @ts-ignore: decorator
@inline
export function writeQ6(x: usize, dst: usize): void {
  // scales to 8 bits; without any, 1 / -infinity makes the d of a block of zeros -0
  const perScale: f32 = -128 / largestScale();
  const d: f32 = 1 / perScale;
  store<u16>(dst, halfBits(d), 208);
  for (let k: usize = 0; k < 4; k++) {
    const whole = i32x4.min_s(scaled(FITTED, k, perScale), i32x4.splat(127));
    store<i32>(dst + (k << 2), i32x4.extract_lane(lowBytes(whole, whole, whole, whole), 0), 192);
    keep(STORED, k, roundToHalf(d), i32x4.shr_s(i32x4.shl(whole, 24), 24)); // what the byte holds
  }
  requantize(false, x, 16, -32, 31);
  packSixBits(dst);
}
