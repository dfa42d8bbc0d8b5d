// The quantisers of Q4_0, Q4_1, Q5_0, Q5_1 and Q8_0: binary16 or binary32 values → blocks as in a file.
// Their TypeScript twins are src/q4_0.ts … src/q8_0.ts, which draw the bytes; the arithmetic is the same, step by step.

import { halfBits, widened } from "./half";
import { largerMagnitude, largestLane, roundAway, smallestLane } from "./lanes";

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

// Every function below is inlined with constant `half` (values are binary16) and `type`.

/** Values 4k … 4k+3 at `src`. */
// @ts-ignore: decorator
@inline
function four(half: bool, src: usize, k: i32): v128 {
  return half ? widened(v128.load_ext<i16>(src + (k << 3))) : v128.load(src + (k << 4));
}

/** True if value `i` at `src` has its sign bit set. */
// @ts-ignore: decorator
@inline
function isNegative(half: bool, src: usize, i: i32): bool {
  return half ? load<u16>(src + (i << 1)) >= 0x8000 : load<u32>(src + (i << 2)) >= 0x80000000;
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

/** 1 / d, or 0 for 0. An infinite factor would make every level an infinity or NaN, stored as 0: so does NaN. */
// @ts-ignore: decorator
@inline
function inverseOf(d: f32): f32 {
  const inverse: f32 = d != 0 ? 1 / d : 0;
  return abs<f32>(inverse) == f32.POSITIVE_INFINITY ? f32.NaN : inverse;
}

/** Four levels: (x - min) · inverse + half, cut towards zero; NaN gives 0. */
// @ts-ignore: decorator
@inline
function levels(hasMin: bool, x: v128, min: v128, by: v128, plus: v128): v128 {
  const shifted = hasMin ? f32x4.sub(x, min) : x;
  return i32x4.trunc_sat_f32x4_s(f32x4.add(f32x4.mul(shifted, by), plus));
}

/** One block of 32 values at `src` to `dst`. */
// @ts-ignore: decorator
@inline
function packBlock(half: bool, type: i32, src: usize, dst: usize): void {
  const x0 = four(half, src, 0), x1 = four(half, src, 1), x2 = four(half, src, 2), x3 = four(half, src, 3);
  const x4 = four(half, src, 4), x5 = four(half, src, 5), x6 = four(half, src, 6), x7 = four(half, src, 7);
  const hasMin = type == Q4_1 || type == Q5_1;
  let d: f32, least: f32 = 0;
  if (hasMin) {
    // pmin(a, b) is b only if b < a: a NaN in b is passed over, as by build 803's comparisons
    let low = f32x4.splat(f32.MAX_VALUE), high = f32x4.splat(-f32.MAX_VALUE);
    low = f32x4.pmin(f32x4.pmin(f32x4.pmin(f32x4.pmin(low, x0), x1), x2), x3);
    low = f32x4.pmin(f32x4.pmin(f32x4.pmin(f32x4.pmin(low, x4), x5), x6), x7);
    high = f32x4.pmax(f32x4.pmax(f32x4.pmax(f32x4.pmax(high, x0), x1), x2), x3);
    high = f32x4.pmax(f32x4.pmax(f32x4.pmax(f32x4.pmax(high, x4), x5), x6), x7);
    least = smallestLane(low);
    // of zeros of both signs the first counts: its sign is stored
    if (least == 0) least = isNegative(half, src, firstEqual(false, 0, x0, x1, x2, x3, x4, x5, x6, x7)) ? -0.0 : 0.0;
    const most = largestLane(high);
    d = (most == least ? 0 : most - least) / (type == Q4_1 ? 15 : 31);
  } else {
    let high = largerMagnitude(largerMagnitude(f32x4.splat(0), x0), x1);
    high = largerMagnitude(largerMagnitude(largerMagnitude(high, x2), x3), x4);
    const magnitude = largestLane(largerMagnitude(largerMagnitude(largerMagnitude(high, x5), x6), x7));
    if (type == Q8_0) {
      d = magnitude / 127;
    } else { // the first value of largest magnitude becomes -8 or -16 times the scale
      const isLow = magnitude != 0 && isNegative(half, src, firstEqual(true, magnitude, x0, x1, x2, x3, x4, x5, x6, x7));
      d = (isLow ? -magnitude : magnitude) / (type == Q4_0 ? -8 : -16);
    }
  }
  store<u16>(dst, halfBits(d));
  if (hasMin) store<u16>(dst, halfBits(least), 2);

  const by = f32x4.splat(inverseOf(d)), min = f32x4.splat(least);
  if (type == Q8_0) {
    const low = i16x8.narrow_i32x4_s(roundAway(f32x4.mul(x0, by)), roundAway(f32x4.mul(x1, by)));
    const low2 = i16x8.narrow_i32x4_s(roundAway(f32x4.mul(x2, by)), roundAway(f32x4.mul(x3, by)));
    const high = i16x8.narrow_i32x4_s(roundAway(f32x4.mul(x4, by)), roundAway(f32x4.mul(x5, by)));
    const high2 = i16x8.narrow_i32x4_s(roundAway(f32x4.mul(x6, by)), roundAway(f32x4.mul(x7, by)));
    v128.store(dst, i8x16.narrow_i16x8_s(low, low2), 2);
    v128.store(dst, i8x16.narrow_i16x8_s(high, high2), 18);
    return;
  }
  const plus = f32x4.splat(type == Q4_0 ? 8.5 : type == Q5_0 ? 16.5 : 0.5);
  const top = i8x16.splat(type < Q5_0 ? 15 : 31);
  const a = i16x8.narrow_i32x4_s(levels(hasMin, x0, min, by, plus), levels(hasMin, x1, min, by, plus));
  const b = i16x8.narrow_i32x4_s(levels(hasMin, x2, min, by, plus), levels(hasMin, x3, min, by, plus));
  const c = i16x8.narrow_i32x4_s(levels(hasMin, x4, min, by, plus), levels(hasMin, x5, min, by, plus));
  const e = i16x8.narrow_i32x4_s(levels(hasMin, x6, min, by, plus), levels(hasMin, x7, min, by, plus));
  const first = i8x16.min_u(i8x16.narrow_i16x8_u(a, b), top); // values 0 … 15
  const last = i8x16.min_u(i8x16.narrow_i16x8_u(c, e), top); // values 16 … 31
  const nibble = i8x16.splat(15);
  const packed = v128.or(v128.and(first, nibble), i16x8.shl(v128.and(last, nibble), 4));
  if (type == Q4_0) v128.store(dst, packed, 2);
  else if (type == Q4_1) v128.store(dst, packed, 4);
  else {
    const fifths = i8x16.bitmask(i16x8.shl(first, 3)) | (i8x16.bitmask(i16x8.shl(last, 3)) << 16);
    if (type == Q5_0) {
      store<i32>(dst, fifths, 2);
      v128.store(dst, packed, 6);
    } else {
      store<i32>(dst, fifths, 4);
      v128.store(dst, packed, 8);
    }
  }
}

// @ts-ignore: decorator
@inline
function packBlocks(type: i32, blockBytes: usize, half: bool, src: usize, dst: usize, nBlocks: i32): void {
  if (half) {
    for (; nBlocks > 0; nBlocks--, src += 64, dst += blockBytes) packBlock(true, type, src, dst);
  } else {
    for (; nBlocks > 0; nBlocks--, src += 128, dst += blockBytes) packBlock(false, type, src, dst);
  }
}

/** Packs `nBlocks` blocks of 32 values at `src`, binary16 if `half`, else binary32. */
export function pack_q4_0(half: bool, src: usize, dst: usize, nBlocks: i32): void {
  packBlocks(Q4_0, 18, half, src, dst, nBlocks);
}
export function pack_q4_1(half: bool, src: usize, dst: usize, nBlocks: i32): void {
  packBlocks(Q4_1, 20, half, src, dst, nBlocks);
}
export function pack_q5_0(half: bool, src: usize, dst: usize, nBlocks: i32): void {
  packBlocks(Q5_0, 22, half, src, dst, nBlocks);
}
export function pack_q5_1(half: bool, src: usize, dst: usize, nBlocks: i32): void {
  packBlocks(Q5_1, 24, half, src, dst, nBlocks);
}
export function pack_q8_0(half: bool, src: usize, dst: usize, nBlocks: i32): void {
  packBlocks(Q8_0, 34, half, src, dst, nBlocks);
}
