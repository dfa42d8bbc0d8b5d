// The quantisers of Q2_K, Q3_K, Q4_K, Q5_K and Q6_K: binary16 or binary32 values → super-blocks as in a file.
// Their TypeScript twins are src/q2_K.ts … src/q6_K.ts, which draw the bytes; the arithmetic is the same, step by step.

import { fitAffine } from "./affine-fit";
import { F32, halfBits, roundToHalf } from "./half";
import { packFiveBits, packNibbles, packSixBits, packTwoBits, packThirdBits } from "./pack-levels";
import { between, nearest, nearestWith } from "./rounding";
import { FITTED, FITTED_MINS, GROUP_LEVELS, LEVELS, STORED, STORED_MINS, valuesOf } from "./super-block";
import { fitSymmetric } from "./symmetric-fit";
import { FRACTION, MIDDLE, ROUNDER, scratch } from "./vectors";

/** The largest of `n` numbers at `offset` of the scratch space, at least 0; NaN counts as nothing. */
// @ts-ignore: decorator
@inline
function largestPositive(offset: usize, n: i32): f32 {
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
function largestScale(): f32 {
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
function scaled(offset: usize, k: usize, factor: f32): v128 {
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

/** The first 16 bytes of Q4_K and Q5_K blocks, and LEVELS. */
// @ts-ignore: decorator
@inline
function packAffine(x: usize, maxLevel: i32, dst: usize): void {
  fitAffine(x, 32, maxLevel, 0);
  const largest = largestPositive(FITTED, 8), largestMin = largestPositive(FITTED_MINS, 8);
  const perScale: f32 = largest > 0 ? 63 / largest : 0, perMin: f32 = largestMin > 0 ? 63 / largestMin : 0;
  const d = roundToHalf(largest / 63), dmin = roundToHalf(largestMin / 63);
  store<u16>(dst, halfBits(largest / 63));
  store<u16>(dst, halfBits(largestMin / 63), 2);
  // scales and minimums to 6 bits each; cut to a byte first, as build 803 does
  const byte = i32x4.splat(255), top = i32x4.splat(63);
  const s0 = i32x4.min_s(v128.and(scaled(FITTED, 0, perScale), byte), top);
  const s1 = i32x4.min_s(v128.and(scaled(FITTED, 1, perScale), byte), top);
  const m0 = i32x4.min_s(v128.and(scaled(FITTED_MINS, 0, perMin), byte), top);
  const m1 = i32x4.min_s(v128.and(scaled(FITTED_MINS, 1, perMin), byte), top);
  keep(STORED, 0, d, s0);
  keep(STORED, 1, d, s1);
  keep(STORED_MINS, 0, dmin, m0);
  keep(STORED_MINS, 1, dmin, m1);
  const bytes = lowBytes(s0, s1, m0, m1);
  const low = i32x4.extract_lane(bytes, 0), high = i32x4.extract_lane(bytes, 1); // scales 0 … 3 and 4 … 7
  const lowMin = i32x4.extract_lane(bytes, 2), highMin = i32x4.extract_lane(bytes, 3);
  store<i32>(dst, low | ((high & 0x30303030) << 2), 4);
  store<i32>(dst, lowMin | ((highMin & 0x30303030) << 2), 8);
  store<i32>(dst, (high & 0x0f0f0f0f) | ((highMin & 0x0f0f0f0f) << 4), 12);
  requantize(true, x, 32, 0, maxLevel);
}

/** Packs `nBlocks` blocks of 256 values of type `source` at `src`. */
export function pack_q4_K(source: i32, src: usize, dst: usize, nBlocks: i32): void {
  for (; nBlocks > 0; nBlocks--, src += source == F32 ? 1024 : 512, dst += 144) {
    packAffine(valuesOf(source, src), 15, dst);
    packNibbles(dst + 16);
  }
}

export function pack_q5_K(source: i32, src: usize, dst: usize, nBlocks: i32): void {
  for (; nBlocks > 0; nBlocks--, src += source == F32 ? 1024 : 512, dst += 176) {
    packAffine(valuesOf(source, src), 31, dst);
    packFiveBits(dst + 16);
    packNibbles(dst + 48);
  }
}

export function pack_q2_K(source: i32, src: usize, dst: usize, nBlocks: i32): void {
  for (; nBlocks > 0; nBlocks--, src += source == F32 ? 1024 : 512, dst += 84) {
    const x = valuesOf(source, src);
    for (let set: usize = 0; set < 2; set++) fitAffine(x + (set << 9), 16, 3, set);
    // scales and minimums to 4 bits each
    const largest = largestPositive(FITTED, 16), largestMin = largestPositive(FITTED_MINS, 16);
    const perScale: f32 = largest > 0 ? 15 / largest : 0, perMin: f32 = largestMin > 0 ? 15 / largestMin : 0;
    const d = roundToHalf(largest / 15), dmin = roundToHalf(largestMin / 15);
    store<u16>(dst, halfBits(largest / 15), 80);
    store<u16>(dst, halfBits(largestMin / 15), 82);
    for (let k: usize = 0; k < 4; k++) {
      const pairs = v128.or(scaled(FITTED, k, perScale), i32x4.shl(scaled(FITTED_MINS, k, perMin), 4));
      keep(STORED, k, d, v128.and(pairs, i32x4.splat(15)));
      keep(STORED_MINS, k, dmin, v128.and(i32x4.shr_u(pairs, 4), i32x4.splat(15)));
      store<i32>(dst + (k << 2), i32x4.extract_lane(lowBytes(pairs, pairs, pairs, pairs), 0));
    }
    requantize(true, x, 16, 0, 3);
    packTwoBits(dst + 16);
  }
}

export function pack_q3_K(source: i32, src: usize, dst: usize, nBlocks: i32): void {
  for (; nBlocks > 0; nBlocks--, src += source == F32 ? 1024 : 512, dst += 110) {
    const x = valuesOf(source, src);
    for (let set: usize = 0; set < 2; set++) fitSymmetric(x + (set << 9), 4, 0, set);
    // scales to 6 bits, -32 … 31, stored from 0 up
    const largest = largestScale();
    const perScale: f32 = largest == 0 ? 0 : -32 / largest;
    const d: f32 = largest == 0 ? 0 : 1 / perScale;
    store<u16>(dst, halfBits(d), 108);
    const least = i32x4.splat(-32), most = i32x4.splat(31);
    const s0 = between(scaled(FITTED, 0, perScale), least, most), s1 = between(scaled(FITTED, 1, perScale), least, most);
    const s2 = between(scaled(FITTED, 2, perScale), least, most), s3 = between(scaled(FITTED, 3, perScale), least, most);
    keep(STORED, 0, roundToHalf(d), s0);
    keep(STORED, 1, roundToHalf(d), s1);
    keep(STORED, 2, roundToHalf(d), s2);
    keep(STORED, 3, roundToHalf(d), s3);
    // a block without any scale has zeros there
    const bias = i32x4.splat(largest == 0 ? 0 : 32);
    const bytes = lowBytes(i32x4.add(s0, bias), i32x4.add(s1, bias), i32x4.add(s2, bias), i32x4.add(s3, bias));
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
}

export function pack_q6_K(source: i32, src: usize, dst: usize, nBlocks: i32): void {
  for (; nBlocks > 0; nBlocks--, src += source == F32 ? 1024 : 512, dst += 210) {
    const x = valuesOf(source, src);
    for (let set: usize = 0; set < 2; set++) fitSymmetric(x + (set << 9), 32, 3, set);
    // scales to 8 bits; without any, 1 / -infinity makes the d of a block of zeros -0
    const perScale: f32 = -128 / largestScale();
    const d: f32 = 1 / perScale;
    store<u16>(dst, halfBits(d), 208);
    for (let k: usize = 0; k < 4; k++) {
      const integers = i32x4.min_s(scaled(FITTED, k, perScale), i32x4.splat(127));
      store<i32>(dst + (k << 2), i32x4.extract_lane(lowBytes(integers, integers, integers, integers), 0), 192);
      keep(STORED, k, roundToHalf(d), i32x4.shr_s(i32x4.shl(integers, 24), 24)); // what the byte holds
    }
    requantize(false, x, 16, -32, 31);
    packSixBits(dst);
  }
}
