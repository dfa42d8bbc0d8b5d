// What the kernels share: vector constants in memory, and rounding to binary16.

/** Where the constants of this instance are; set once by `initialize`. */
export let constants: usize = 0;

// V8 builds an immediate v128 anew at every use (three instructions each); loaded before a loop they stay in registers. Each
// is stored twice, so that two 128-bit streams side by side can share one 256-bit load.

// @ts-ignore: decorator
@inline export const MAGNITUDE: usize = 0; // 0x7fffffff: all but the sign of binary32
// @ts-ignore: decorator
@inline export const OVERFLOW: usize = 32; // 2^16 in binary32: rounds to an infinity of binary16
// @ts-ignore: decorator
@inline export const NORMAL: usize = 64; // 2^-14 in binary32: the smallest normal binary16
// @ts-ignore: decorator
@inline export const HALF: usize = 96; // 0.5, whose last bit is 2^-24, the unit of subnormal binary16
// @ts-ignore: decorator
@inline export const ROUND: usize = 128; // 0x0fff - 0x38000000: half of the last bit less one, and 112 off the exponent
// @ts-ignore: decorator
@inline export const ONE: usize = 160; // the integer 1
// @ts-ignore: decorator
@inline export const INFINITY: usize = 192; // infinity in binary32
// @ts-ignore: decorator
@inline export const INFINITY16: usize = 224; // infinity in binary16
// @ts-ignore: decorator
@inline export const NAN16: usize = 256; // NaN in binary16
// @ts-ignore: decorator
@inline export const BITS42: usize = 288; // in 64-bit lanes: sign and, shifted left by 42, the rest of binary16
// @ts-ignore: decorator
@inline export const LARGE: usize = 320; // 65520 in binary32: the smallest that rounds to infinity
// @ts-ignore: decorator
@inline export const BELOW_HALF: usize = 352; // 0x0fff: half of the last bit of binary16, less one
// @ts-ignore: decorator
@inline export const UPPER19: usize = 384; // 0xffffe000: the bits of binary32 that binary16 has
// @ts-ignore: decorator
@inline export const HALF_BITS: usize = 416; // 0x8fffe000: a binary16 number that was sign-extended and shifted left by 13
// @ts-ignore: decorator
@inline export const HALF_UNIT: usize = 448; // 2^112, the difference of the exponent biases of binary32 and binary16
// @ts-ignore: decorator
@inline export const EXP_MAX: usize = 480; // the largest x of e^x
// @ts-ignore: decorator
@inline export const EXP_MIN: usize = 512; // below it e^x is 0
// @ts-ignore: decorator
@inline export const LOG2E: usize = 544;
// @ts-ignore: decorator
@inline export const ROUNDER: usize = 576; // 1.5 · 2^23: adding it and taking it off again rounds to a whole number
// @ts-ignore: decorator
@inline export const LN2_HIGH: usize = 608;
// @ts-ignore: decorator
@inline export const LN2_LOW: usize = 640;
// @ts-ignore: decorator
@inline export const EXP_5: usize = 672; // factors of the polynomial of e^x
// @ts-ignore: decorator
@inline export const EXP_4: usize = 704;
// @ts-ignore: decorator
@inline export const EXP_3: usize = 736;
// @ts-ignore: decorator
@inline export const EXP_2: usize = 768;
// @ts-ignore: decorator
@inline export const EXP_1: usize = 800;
// @ts-ignore: decorator
@inline export const EXP_0: usize = 832;
// @ts-ignore: decorator
@inline export const ONE_F32: usize = 864; // 1 in binary32

// @ts-ignore: decorator
@inline export const LEVELS: usize = 896; // working memory: (32) 16-bit numbers

/** True if V8 makes 256-bit code of this module. */
export let isWide: bool = false;

/** Takes `at` (1024 bytes, 32-byte aligned) for the constants. */
export function initialize(at: usize, wide: bool): void {
  constants = at;
  isWide = wide;
  fill(MAGNITUDE, i32x4.splat(0x7fffffff));
  fill(OVERFLOW, i32x4.splat(0x47800000));
  fill(NORMAL, i32x4.splat(0x38800000));
  fill(HALF, f32x4.splat(0.5));
  fill(ROUND, i32x4.splat(0x0fff - 0x38000000));
  fill(ONE, i32x4.splat(1));
  fill(INFINITY, i32x4.splat(0x7f800000));
  fill(INFINITY16, i32x4.splat(0x7c00));
  fill(NAN16, i32x4.splat(0x7e00));
  fill(BITS42, i64x2.splat(0x81fffc0000000000));
  fill(LARGE, i32x4.splat(0x477ff000));
  fill(BELOW_HALF, i32x4.splat(0x0fff));
  fill(UPPER19, i32x4.splat(0xffffe000));
  fill(HALF_BITS, i32x4.splat(0x8fffe000));
  fill(HALF_UNIT, i32x4.splat(0x77800000));
  fill(EXP_MAX, f32x4.splat(88.3762626647949));
  fill(EXP_MIN, f32x4.splat(-87.3365447505531));
  fill(LOG2E, f32x4.splat(1.4426950408889634));
  fill(ROUNDER, f32x4.splat(12582912));
  fill(LN2_HIGH, f32x4.splat(0.693359375));
  fill(LN2_LOW, f32x4.splat(-2.1219444e-4));
  fill(EXP_5, f32x4.splat(1.98756915e-4));
  fill(EXP_4, f32x4.splat(1.3981999507e-3));
  fill(EXP_3, f32x4.splat(8.3334519073e-3));
  fill(EXP_2, f32x4.splat(4.1665795894e-2));
  fill(EXP_1, f32x4.splat(1.6666665459e-1));
  fill(EXP_0, f32x4.splat(5.0000001201e-1));
  fill(ONE_F32, f32x4.splat(1));
}

function fill(offset: usize, value: v128): void {
  v128.store(constants + offset, value, 16);
  v128.store(constants + offset, value);
}

/** The bits of four binary32 numbers rounded to binary16, to nearest with ties to even, in 32-bit lanes. */
// @ts-ignore: decorator
@inline
export function halfBits(x: v128): v128 {
  const at = constants;
  const magnitude = v128.and(x, v128.load(at, MAGNITUDE));
  // normal: 13 bits are rounded away; a carry moves into the exponent as it should
  const odd = v128.and(i32x4.shr_u(magnitude, 13), v128.load(at, ONE));
  const normal = i32x4.shr_u(i32x4.add(i32x4.add(magnitude, v128.load(at, ROUND)), odd), 13);
  // subnormal: the addition rounds to multiples of 2^-24
  const half = v128.load(at, HALF);
  const subnormal = i32x4.sub(f32x4.add(magnitude, half), half);
  const finite = v128.bitselect(subnormal, normal, i32x4.lt_s(magnitude, v128.load(at, NORMAL)));
  // 2^16 and above, infinity, NaN
  const isNan = i32x4.gt_s(magnitude, v128.load(at, INFINITY));
  const large = v128.bitselect(v128.load(at, NAN16), v128.load(at, INFINITY16), isNan);
  const result = v128.bitselect(large, finite, i32x4.ge_s(magnitude, v128.load(at, OVERFLOW)));
  return v128.or(result, i32x4.shr_u(v128.xor(x, magnitude), 16));
}

/** Four binary32 numbers rounded to binary16, to nearest with ties to even, as binary32. */
// @ts-ignore: decorator
@inline
export function roundToHalf(x: v128): v128 {
  const at = constants;
  const magnitude = v128.and(x, v128.load(at, MAGNITUDE));
  // normal: 13 bits are rounded away
  const odd = v128.and(i32x4.shr_u(magnitude, 13), v128.load(at, ONE));
  const normal = v128.and(i32x4.add(i32x4.add(magnitude, v128.load(at, BELOW_HALF)), odd), v128.load(at, UPPER19));
  // subnormal: the addition rounds to multiples of 2^-24
  const half = v128.load(at, HALF);
  const subnormal = f32x4.sub(f32x4.add(magnitude, half), half);
  const finite = v128.bitselect(subnormal, normal, i32x4.lt_s(magnitude, v128.load(at, NORMAL)));
  // 65520 and above would round to 2^16, which is not there; a NaN stays one
  const infinity = v128.load(at, INFINITY);
  const large = v128.bitselect(magnitude, infinity, i32x4.gt_s(magnitude, infinity));
  const result = v128.bitselect(large, finite, i32x4.ge_s(magnitude, v128.load(at, LARGE)));
  return v128.or(result, v128.xor(x, magnitude));
}

/** Four binary32 numbers at `at`, of which only the first `n` (1 … 4) are there; the others read as zero. */
// @ts-ignore: decorator
@inline
export function loadFew(at: usize, n: i32): v128 {
  if (n >= 4) return v128.load(at);
  let few = v128.load32_zero(at);
  if (n > 1) few = v128.load_lane<f32>(at, few, 1, 4);
  if (n > 2) few = v128.load_lane<f32>(at, few, 2, 8);
  return few;
}

/** Stores the first `n` (1 … 4) lanes of `x`. */
// @ts-ignore: decorator
@inline
export function storeFew(at: usize, x: v128, n: i32): void {
  if (n >= 4) {
    v128.store(at, x);
    return;
  }
  v128.store_lane<f32>(at, x, 0);
  if (n > 1) v128.store_lane<f32>(at, x, 1, 4);
  if (n > 2) v128.store_lane<f32>(at, x, 2, 8);
}
