// The quantisers of Q4_0, Q4_1, Q5_0, Q5_1 and Q8_0: binary16 or binary32 values → blocks as in a file.
// Their TypeScript twins are src/q4_0.ts … src/q8_0.ts, which draw the bytes; the arithmetic is the same, step by step.

import { F16, F32, f32FromHalfBits, fourShort, halfBits } from "./half";
import { largerMagnitude, largestLane, largestLane16, roundAway, smallestLane } from "./lanes";
import { f32FromHalf, HALF_BITS, HALF_UNIT, HALVES, MAGNITUDE16, scratch, SUMS, TWO_23 } from "./vectors";

// @ts-ignore: decorator
@inline const Q4_0 = 0;
// @ts-ignore: decorator
@inline const Q4_1 = 1;
// @ts-ignore: decorator
@inline const Q5_0 = 2;
// @ts-ignore: decorator
@inline const Q5_1 = 3;
// @ts-ignore: decorator
@inline const Q8_0 = 4;

// Every function below is inlined with a constant `type`. Nothing that depends on random values decides a branch: with those
// that chose the sign of a scale and its place, packing Q4_0 took 1.3 ns a value, and 0.7 when a processor knew the values
// by heart.

// @ts-ignore: decorator
@inline
function hasMin(type: i32): bool {
  return type == Q4_1 || type == Q5_1;
}

/** 1 / d, or 0 for 0. An infinite factor would make every level an infinity or NaN, stored as 0: so does NaN. */
// @ts-ignore: decorator
@inline
function inverseOf(d: f32): f32 {
  const inverse: f32 = d != 0 ? 1 / d : 0;
  return abs<f32>(inverse) == f32.POSITIVE_INFINITY ? f32.NaN : inverse;
}

/** The scale of a block whose largest magnitude is `magnitude`, with the sign bit of the first value that has it. */
// @ts-ignore: decorator
@inline
function scaleOf(type: i32, magnitude: f32, sign: u32): f32 {
  if (type == Q8_0) return magnitude / 127;
  const bits = reinterpret<u32>(magnitude);
  return reinterpret<f32>(bits == 0 ? 0 : bits | sign) / (type == Q4_0 ? -8 : -16);
}

/** The scale of a block between `least` and `most`. */
// @ts-ignore: decorator
@inline
function stepOf(type: i32, least: f32, most: f32): f32 {
  return (most == least ? 0 : most - least) / (type == Q4_1 ? 15 : 31);
}

/** Four levels: (x - min) · inverse + half, cut towards zero; NaN gives 0. None is negative, and few exceed their range. */
// @ts-ignore: decorator
@inline
function levels(type: i32, x: v128, min: v128, by: v128, plus: v128): v128 {
  const exact = f32x4.add(f32x4.mul(hasMin(type) ? f32x4.sub(x, min) : x, by), plus);
  const positive = f32x4.pmax(f32x4.splat(0), exact); // 0 for NaN
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.relaxed_trunc_f32x4_s(positive); // the same everywhere for what fits
  const two23 = v128.load(scratch, TWO_23);
  return i32x4.sub(f32x4.add(f32x4.floor(positive), two23), two23); // the fraction of the sum
}

/** Writes the block of scale `d` (and minimum `least`) for 32 values. */
// @ts-ignore: decorator
@inline
function writeBlock(
  type: i32, d: f32, least: f32, dst: usize,
  x0: v128, x1: v128, x2: v128, x3: v128, x4: v128, x5: v128, x6: v128, x7: v128,
): void {
  store<u16>(dst, halfBits(d));
  if (hasMin(type)) store<u16>(dst, halfBits(least), 2);
  const by = f32x4.splat(inverseOf(d)), min = f32x4.splat(least);
  if (type == Q8_0) {
    const a = i16x8.narrow_i32x4_s(roundAway(f32x4.mul(x0, by)), roundAway(f32x4.mul(x1, by)));
    const b = i16x8.narrow_i32x4_s(roundAway(f32x4.mul(x2, by)), roundAway(f32x4.mul(x3, by)));
    const c = i16x8.narrow_i32x4_s(roundAway(f32x4.mul(x4, by)), roundAway(f32x4.mul(x5, by)));
    const e = i16x8.narrow_i32x4_s(roundAway(f32x4.mul(x6, by)), roundAway(f32x4.mul(x7, by)));
    v128.store(dst, i8x16.narrow_i16x8_s(a, b), 2);
    v128.store(dst, i8x16.narrow_i16x8_s(c, e), 18);
    return;
  }
  const plus = v128.load32_splat(scratch + (type == Q4_0 ? 0 : type == Q5_0 ? 4 : 8), HALVES);
  const a = i16x8.narrow_i32x4_s(levels(type, x0, min, by, plus), levels(type, x1, min, by, plus));
  const b = i16x8.narrow_i32x4_s(levels(type, x2, min, by, plus), levels(type, x3, min, by, plus));
  const c = i16x8.narrow_i32x4_s(levels(type, x4, min, by, plus), levels(type, x5, min, by, plus));
  const e = i16x8.narrow_i32x4_s(levels(type, x6, min, by, plus), levels(type, x7, min, by, plus));
  const top = i8x16.splat(type < Q5_0 ? 15 : 31);
  const first = i8x16.min_u(i8x16.narrow_i16x8_u(a, b), top); // values 0 … 15
  const last = i8x16.min_u(i8x16.narrow_i16x8_u(c, e), top); // values 16 … 31
  if (type < Q5_0) {
    v128.store(dst + (type == Q4_0 ? 2 : 4), v128.or(first, i16x8.shl(last, 4)));
    return;
  }
  const nibble = i8x16.splat(15);
  const nibbles = v128.or(v128.and(first, nibble), i16x8.shl(v128.and(last, nibble), 4));
  const fifths = i8x16.bitmask(i16x8.shl(first, 3)) | (i8x16.bitmask(i16x8.shl(last, 3)) << 16);
  store<i32>(dst + (type == Q5_0 ? 2 : 4), fifths);
  v128.store(dst + (type == Q5_0 ? 6 : 8), nibbles);
}

/** Index of the first of 32 values that is equal to `value`, or its magnitude if `magnitude`; there is one. */
// @ts-ignore: decorator
@inline
function firstEqual(
  magnitude: bool, value: f32,
  x0: v128, x1: v128, x2: v128, x3: v128, x4: v128, x5: v128, x6: v128, x7: v128,
): i32 {
  const v = f32x4.splat(value);
  return ctz<i32>(
    equalBits(magnitude, x0, v) | (equalBits(magnitude, x1, v) << 4)
    | (equalBits(magnitude, x2, v) << 8) | (equalBits(magnitude, x3, v) << 12)
    | (equalBits(magnitude, x4, v) << 16) | (equalBits(magnitude, x5, v) << 20)
    | (equalBits(magnitude, x6, v) << 24) | (equalBits(magnitude, x7, v) << 28),
  );
}

// @ts-ignore: decorator
@inline
function equalBits(magnitude: bool, x: v128, value: v128): i32 {
  return i32x4.bitmask(f32x4.eq(magnitude ? f32x4.abs(x) : x, value));
}

/** The smallest of 32 values. Of zeros of both signs the first counts: its sign is stored. */
// @ts-ignore: decorator
@inline
function smallestOf(
  x0: v128, x1: v128, x2: v128, x3: v128, x4: v128, x5: v128, x6: v128, x7: v128, half: bool, src: usize,
): f32 {
  // pmin(a, b) is b only if b < a: a NaN in b is passed over, as by build 803's comparisons
  const a = f32x4.pmin(f32x4.pmin(f32x4.pmin(f32x4.pmin(f32x4.splat(f32.MAX_VALUE), x0), x1), x2), x3);
  const least = smallestLane(f32x4.pmin(f32x4.pmin(f32x4.pmin(f32x4.pmin(a, x4), x5), x6), x7));
  if (least != 0) return least;
  const i = firstEqual(false, 0, x0, x1, x2, x3, x4, x5, x6, x7);
  return reinterpret<f32>(half ? signOfHalf(src, i) : load<u32>(src + (i << 2)));
}

// @ts-ignore: decorator
@inline
function largestOf(x0: v128, x1: v128, x2: v128, x3: v128, x4: v128, x5: v128, x6: v128, x7: v128): f32 {
  const a = f32x4.pmax(f32x4.pmax(f32x4.pmax(f32x4.pmax(f32x4.splat(-f32.MAX_VALUE), x0), x1), x2), x3);
  return largestLane(f32x4.pmax(f32x4.pmax(f32x4.pmax(f32x4.pmax(a, x4), x5), x6), x7));
}

/** The sign bit of binary16 value `i` at `src`, where binary32 has it. */
// @ts-ignore: decorator
@inline
function signOfHalf(src: usize, i: i32): u32 {
  return (<u32>load<u16>(src + (i << 1)) & 0x8000) << 16;
}

/** One block of 32 binary32 values at `src` to `dst`. */
// @ts-ignore: decorator
@inline
function packFloats(type: i32, src: usize, dst: usize): void {
  const x0 = v128.load(src), x1 = v128.load(src, 16), x2 = v128.load(src, 32), x3 = v128.load(src, 48);
  const x4 = v128.load(src, 64), x5 = v128.load(src, 80), x6 = v128.load(src, 96), x7 = v128.load(src, 112);
  let d: f32, least: f32 = 0;
  if (hasMin(type)) {
    least = smallestOf(x0, x1, x2, x3, x4, x5, x6, x7, false, src);
    d = stepOf(type, least, largestOf(x0, x1, x2, x3, x4, x5, x6, x7));
  } else {
    const a = largerMagnitude(largerMagnitude(f32x4.splat(0), x0), x1);
    const b = largerMagnitude(largerMagnitude(largerMagnitude(a, x2), x3), x4);
    const magnitude = largestLane(largerMagnitude(largerMagnitude(largerMagnitude(b, x5), x6), x7));
    let sign: u32 = 0;
    if (type != Q8_0) {
      const i = firstEqual(true, magnitude, x0, x1, x2, x3, x4, x5, x6, x7);
      sign = load<u32>(src + (i << 2)) & 0x80000000;
    }
    d = scaleOf(type, magnitude, sign);
  }
  writeBlock(type, d, least, dst, x0, x1, x2, x3, x4, x5, x6, x7);
}

/** Eight bits, one for each 16-bit lane of `a` that is equal to `value`, then those of `b`. */
// @ts-ignore: decorator
@inline
function equalBits16(a: v128, b: v128, value: v128): i32 {
  return i8x16.bitmask(i8x16.narrow_i16x8_s(i16x8.eq(a, value), i16x8.eq(b, value)));
}

/**
 * One block of 32 finite binary16 values at `src` to `dst`; their magnitudes, the largest of which is `largest`, are already
 * there as integers, which are ordered as the numbers are.
 */
// @ts-ignore: decorator
@inline
function packHalves(type: i32, src: usize, dst: usize, largest: u32, m0: v128, m1: v128, m2: v128, m3: v128): void {
  const bits = v128.load(scratch, HALF_BITS), unit = v128.load(scratch, HALF_UNIT);
  const x0 = f32FromHalf(v128.load_ext<i16>(src), bits, unit), x1 = f32FromHalf(v128.load_ext<i16>(src, 8), bits, unit);
  const x2 = f32FromHalf(v128.load_ext<i16>(src, 16), bits, unit), x3 = f32FromHalf(v128.load_ext<i16>(src, 24), bits, unit);
  const x4 = f32FromHalf(v128.load_ext<i16>(src, 32), bits, unit), x5 = f32FromHalf(v128.load_ext<i16>(src, 40), bits, unit);
  const x6 = f32FromHalf(v128.load_ext<i16>(src, 48), bits, unit), x7 = f32FromHalf(v128.load_ext<i16>(src, 56), bits, unit);
  let d: f32, least: f32 = 0;
  if (hasMin(type)) {
    least = smallestOf(x0, x1, x2, x3, x4, x5, x6, x7, true, src);
    d = stepOf(type, least, largestOf(x0, x1, x2, x3, x4, x5, x6, x7));
  } else {
    let sign: u32 = 0;
    if (type != Q8_0) {
      const value = i16x8.splat(<i16>largest);
      sign = signOfHalf(src, ctz<i32>(equalBits16(m0, m1, value) | (equalBits16(m2, m3, value) << 16)));
    }
    d = scaleOf(type, f32FromHalfBits(largest), sign);
  }
  writeBlock(type, d, least, dst, x0, x1, x2, x3, x4, x5, x6, x7);
}

// @ts-ignore: decorator
@inline
function packBlocks(type: i32, blockBytes: usize, source: i32, src: usize, dst: usize, nBlocks: i32): void {
  const valueBytes: usize = source == F32 ? 128 : 64;
  for (; nBlocks > 0; nBlocks--, src += valueBytes, dst += blockBytes) {
    let from = src;
    if (source == F16) {
      const mask = v128.load(scratch, MAGNITUDE16);
      const m0 = v128.and(v128.load(src), mask), m1 = v128.and(v128.load(src, 16), mask);
      const m2 = v128.and(v128.load(src, 32), mask), m3 = v128.and(v128.load(src, 48), mask);
      const largest = largestLane16(i16x8.max_u(i16x8.max_u(m0, m1), i16x8.max_u(m2, m3)));
      if (largest < 0x7c00) {
        packHalves(type, src, dst, largest, m0, m1, m2, m3);
        continue;
      }
    }
    if (source != F32) { // also for infinity and NaN: with binary32 comparisons know what to do
      from = scratch + SUMS;
      for (let i: usize = 0; i < 64; i += 8) v128.store(from + (i << 1), fourShort(source, src + i));
    }
    packFloats(type, from, dst);
  }
}

/** Packs `nBlocks` blocks of 32 values of type `source` at `src`. */
export function pack_q4_0(source: i32, src: usize, dst: usize, nBlocks: i32): void {
  packBlocks(Q4_0, 18, source, src, dst, nBlocks);
}
export function pack_q4_1(source: i32, src: usize, dst: usize, nBlocks: i32): void {
  packBlocks(Q4_1, 20, source, src, dst, nBlocks);
}
export function pack_q5_0(source: i32, src: usize, dst: usize, nBlocks: i32): void {
  packBlocks(Q5_0, 22, source, src, dst, nBlocks);
}
export function pack_q5_1(source: i32, src: usize, dst: usize, nBlocks: i32): void {
  packBlocks(Q5_1, 24, source, src, dst, nBlocks);
}
export function pack_q8_0(source: i32, src: usize, dst: usize, nBlocks: i32): void {
  packBlocks(Q8_0, 34, source, src, dst, nBlocks);
}
