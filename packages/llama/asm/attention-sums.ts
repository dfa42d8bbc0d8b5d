// Sums over k of a row of columns times one number, in order: sums[j][i] = first[j][i] + Σ_k a[k][i] · b[j][k]. For products of
// queries and keys k is the channel, a column is a position, and nothing is there first. For outputs k is the position, a column is a
// channel, and what is there first are the outputs so far times a factor.
//
// Four rows of 16 columns fill the registers of 256-bit code, as two rows of 32 do; 128-bit code takes four of 8, or one of 32.

import { headDim } from "./attention-call";
import { BLOCK, paddedChannels, TILE } from "./kv-head";
import { constants, HALF_BITS, HALF_UNIT, isWide } from "./vectors";

// What keys or values are, as the host counts them:
// @ts-ignore: decorator
@inline export const F16: i32 = 0;
// @ts-ignore: decorator
@inline export const F32: i32 = 1;
// @ts-ignore: decorator
@inline export const BLOCKS: i32 = 2;

/** Bytes of the weights of a row. */
// @ts-ignore: decorator
@inline export const ROW: usize = 128;

/** Four numbers, `at` numbers behind `a`; finite, if they are F16, and 2^-112 of their values if `isTiny`. */
// @ts-ignore: decorator
@inline
function four(type: i32, isTiny: bool, a: usize, at: usize, bits: v128, unit: v128): v128 {
  if (type == F32) return v128.load(a + 4 * at);
  const tiny = v128.and(i32x4.shl(v128.load_ext<i16>(a + 2 * at), 13), bits);
  return isTiny ? tiny : f32x4.mul(tiny, unit);
}

/** What four sums begin with: those `at` numbers behind `out` times a factor, or 0; adding 0 makes 0 of -0. */
// @ts-ignore: decorator
@inline
function begun(isKept: bool, out: usize, at: usize, factor: v128): v128 {
  return isKept ? f32x4.add(f32x4.mul(v128.load(out + 4 * at), factor), f32x4.splat(0)) : f32x4.splat(0);
}

/**
 * Four rows of 8 or 16 columns, or one or two of 8 or 32.
 *
 * @param a (nK, columns) of `type`, rows `aStride` bytes apart
 * @param b0 … b3: (nK) of each row; with `isKept` these are weights
 * @param out rows `outStride` bytes apart
 * @param kept with `isKept`: factors on what is in `out`, one for each row
 */
// @ts-ignore: decorator
@inline
function addRows(
  nRows: i32, columns: i32, type: i32, isKept: bool, a: usize, aStride: usize, b0: usize, b1: usize, b2: usize, b3: usize, nK: i32,
  out: usize, outStride: usize, kept: usize,
): void {
  const is16 = columns >= 16, is32 = columns == 32, isTwo = nRows >= 2, isFour = nRows == 4;
  const bits0 = v128.load(constants, HALF_BITS), bits1 = v128.load(constants, HALF_BITS + 16);
  const unit0 = v128.load(constants, HALF_UNIT), unit1 = v128.load(constants, HALF_UNIT + 16);
  const isTiny = type == F16 && isKept && !isFour; // a weight, at most 1, times 2^112 is exact; a query may be too large for that
  const zero = f32x4.splat(0), o1 = out + outStride, o2 = o1 + outStride, o3 = o2 + outStride;
  const k0 = isKept ? v128.load32_splat(kept, 0) : zero;
  const k1 = isKept && isTwo ? v128.load32_splat(kept, 4) : zero;
  const k2 = isKept && isFour ? v128.load32_splat(kept, 8) : zero;
  const k3 = isKept && isFour ? v128.load32_splat(kept, 12) : zero;
  let s00 = begun(isKept, out, 0, k0), s01 = begun(isKept, out, 4, k0);
  let s02 = begun(isKept && is16, out, 8, k0), s03 = begun(isKept && is16, out, 12, k0);
  let s04 = begun(isKept && is32, out, 16, k0), s05 = begun(isKept && is32, out, 20, k0);
  let s06 = begun(isKept && is32, out, 24, k0), s07 = begun(isKept && is32, out, 28, k0);
  let s10 = begun(isKept && isTwo, o1, 0, k1), s11 = begun(isKept && isTwo, o1, 4, k1);
  let s12 = begun(isKept && isTwo && is16, o1, 8, k1), s13 = begun(isKept && isTwo && is16, o1, 12, k1);
  let s14 = begun(isKept && isTwo && is32, o1, 16, k1), s15 = begun(isKept && isTwo && is32, o1, 20, k1);
  let s16 = begun(isKept && isTwo && is32, o1, 24, k1), s17 = begun(isKept && isTwo && is32, o1, 28, k1);
  let s20 = begun(isKept && isFour, o2, 0, k2), s21 = begun(isKept && isFour, o2, 4, k2);
  let s22 = begun(isKept && isFour && is16, o2, 8, k2), s23 = begun(isKept && isFour && is16, o2, 12, k2);
  let s30 = begun(isKept && isFour, o3, 0, k3), s31 = begun(isKept && isFour, o3, 4, k3);
  let s32 = begun(isKept && isFour && is16, o3, 8, k3), s33 = begun(isKept && isFour && is16, o3, 12, k3);
  for (; nK > 0; nK--) {
    const a0 = four(type, isTiny, a, 0, bits0, unit0), a1 = four(type, isTiny, a, 4, bits1, unit1);
    const a2 = is16 ? four(type, isTiny, a, 8, bits0, unit0) : a0, a3 = is16 ? four(type, isTiny, a, 12, bits1, unit1) : a1;
    const a4 = is32 ? four(type, isTiny, a, 16, bits0, unit0) : a0, a5 = is32 ? four(type, isTiny, a, 20, bits1, unit1) : a1;
    const a6 = is32 ? four(type, isTiny, a, 24, bits0, unit0) : a0, a7 = is32 ? four(type, isTiny, a, 28, bits1, unit1) : a1;
    const x0 = isTiny ? f32x4.mul(v128.load32_splat(b0), unit0) : v128.load32_splat(b0);
    s00 = f32x4.add(s00, f32x4.mul(a0, x0));
    s01 = f32x4.add(s01, f32x4.mul(a1, x0));
    if (is16) s02 = f32x4.add(s02, f32x4.mul(a2, x0));
    if (is16) s03 = f32x4.add(s03, f32x4.mul(a3, x0));
    if (is32) s04 = f32x4.add(s04, f32x4.mul(a4, x0));
    if (is32) s05 = f32x4.add(s05, f32x4.mul(a5, x0));
    if (is32) s06 = f32x4.add(s06, f32x4.mul(a6, x0));
    if (is32) s07 = f32x4.add(s07, f32x4.mul(a7, x0));
    b0 += 4;
    if (isTwo) {
      const x1 = isTiny ? f32x4.mul(v128.load32_splat(b1), unit0) : v128.load32_splat(b1);
      s10 = f32x4.add(s10, f32x4.mul(a0, x1));
      s11 = f32x4.add(s11, f32x4.mul(a1, x1));
      if (is16) s12 = f32x4.add(s12, f32x4.mul(a2, x1));
      if (is16) s13 = f32x4.add(s13, f32x4.mul(a3, x1));
      if (is32) s14 = f32x4.add(s14, f32x4.mul(a4, x1));
      if (is32) s15 = f32x4.add(s15, f32x4.mul(a5, x1));
      if (is32) s16 = f32x4.add(s16, f32x4.mul(a6, x1));
      if (is32) s17 = f32x4.add(s17, f32x4.mul(a7, x1));
      b1 += 4;
    }
    if (isFour) {
      const x2 = v128.load32_splat(b2);
      s20 = f32x4.add(s20, f32x4.mul(a0, x2));
      s21 = f32x4.add(s21, f32x4.mul(a1, x2));
      if (is16) s22 = f32x4.add(s22, f32x4.mul(a2, x2));
      if (is16) s23 = f32x4.add(s23, f32x4.mul(a3, x2));
      b2 += 4;
      const x3 = v128.load32_splat(b3);
      s30 = f32x4.add(s30, f32x4.mul(a0, x3));
      s31 = f32x4.add(s31, f32x4.mul(a1, x3));
      if (is16) s32 = f32x4.add(s32, f32x4.mul(a2, x3));
      if (is16) s33 = f32x4.add(s33, f32x4.mul(a3, x3));
      b3 += 4;
    }
    a += aStride;
  }
  if (is32) { v128.store(out, s07, 112); v128.store(out, s06, 96); v128.store(out, s05, 80); v128.store(out, s04, 64); }
  if (is16) { v128.store(out, s03, 48); v128.store(out, s02, 32); }
  v128.store(out, s01, 16); v128.store(out, s00);
  if (isTwo) {
    if (is32) { v128.store(o1, s17, 112); v128.store(o1, s16, 96); v128.store(o1, s15, 80); v128.store(o1, s14, 64); }
    if (is16) { v128.store(o1, s13, 48); v128.store(o1, s12, 32); }
    v128.store(o1, s11, 16); v128.store(o1, s10);
  }
  if (isFour) {
    if (is16) { v128.store(o2, s23, 48); v128.store(o2, s22, 32); }
    v128.store(o2, s21, 16); v128.store(o2, s20);
    if (is16) { v128.store(o3, s33, 48); v128.store(o3, s32, 32); }
    v128.store(o3, s31, 16); v128.store(o3, s30);
  }
}

/** Products of one, two or four queries with the keys of a tile, (headDim, 32), to `products`, (nRows, 32). */
// @ts-ignore: decorator
@inline
function keysOf(
  nRows: i32, width: i32, type: i32, keys: usize, q0: usize, q1: usize, q2: usize, q3: usize, products: usize,
): void {
  const elementBytes: usize = type == F16 ? 2 : 4;
  for (let column = 0; column < TILE; column += width) {
    addRows(
      nRows, width, type, false, keys + <usize>column * elementBytes, <usize>TILE * elementBytes, q0, q1, q2, q3, headDim,
      products + (<usize>column << 2), ROW, 0,
    );
  }
}

/** The values at positions `from` … `to` - 1 of a tile, weighted, to one, two or four rows of sums at `out`. */
// @ts-ignore: decorator
@inline
function valuesOf(nRows: i32, width: i32, type: i32, values: usize, weights: usize, from: i32, to: i32, out: usize, kept: usize): void {
  const elementBytes: usize = type == F16 ? 2 : 4;
  const channels = paddedChannels(headDim), outStride = <usize>channels << 2;
  const b = weights + (<usize>from << 2);
  for (let c = 0; c < channels; c += BLOCK) {
    const inBlock = min(BLOCK, channels - c), stride = <usize>inBlock * elementBytes;
    let a = values + <usize>(c * TILE) * elementBytes + <usize>from * stride, done = 0, to4 = out + (<usize>c << 2);
    for (; done + width <= inBlock; done += width, a += <usize>width * elementBytes, to4 += <usize>width << 2) {
      addRows(nRows, width, type, true, a, stride, b, b + ROW, b + 2 * ROW, b + 3 * ROW, to - from, to4, outStride, kept);
    }
    if (width == 8) continue;
    for (; done < inBlock; done += 8, a += 8 * elementBytes, to4 += 32) {
      addRows(nRows, 8, type, true, a, stride, b, b + ROW, b + 2 * ROW, b + 3 * ROW, to - from, to4, outStride, kept);
    }
  }
}

// one function for each, rather than copies wherever they are used
function keysOfOneF16(keys: usize, q0: usize, q1: usize, q2: usize, q3: usize, products: usize): void {
  keysOf(1, 32, F16, keys, q0, q1, q2, q3, products);
}
function valuesOfOneF16(values: usize, weights: usize, from: i32, to: i32, out: usize, kept: usize): void {
  valuesOf(1, 32, F16, values, weights, from, to, out, kept);
}
function keysOfOneF32(keys: usize, q0: usize, q1: usize, q2: usize, q3: usize, products: usize): void {
  keysOf(1, 32, F32, keys, q0, q1, q2, q3, products);
}
function valuesOfOneF32(values: usize, weights: usize, from: i32, to: i32, out: usize, kept: usize): void {
  valuesOf(1, 32, F32, values, weights, from, to, out, kept);
}
function keysOfTwoF16(keys: usize, q0: usize, q1: usize, q2: usize, q3: usize, products: usize): void {
  keysOf(2, 32, F16, keys, q0, q1, q2, q3, products);
}
function valuesOfTwoF16(values: usize, weights: usize, from: i32, to: i32, out: usize, kept: usize): void {
  valuesOf(2, 32, F16, values, weights, from, to, out, kept);
}
function keysOfTwoF32(keys: usize, q0: usize, q1: usize, q2: usize, q3: usize, products: usize): void {
  keysOf(2, 32, F32, keys, q0, q1, q2, q3, products);
}
function valuesOfTwoF32(values: usize, weights: usize, from: i32, to: i32, out: usize, kept: usize): void {
  valuesOf(2, 32, F32, values, weights, from, to, out, kept);
}
function keysOfFourNarrow(keys: usize, q0: usize, q1: usize, q2: usize, q3: usize, products: usize): void {
  keysOf(4, 8, F32, keys, q0, q1, q2, q3, products);
}
function valuesOfFourNarrow(values: usize, weights: usize, from: i32, to: i32, out: usize, kept: usize): void {
  valuesOf(4, 8, F32, values, weights, from, to, out, kept);
}
function keysOfFour(keys: usize, q0: usize, q1: usize, q2: usize, q3: usize, products: usize): void {
  keysOf(4, 16, F32, keys, q0, q1, q2, q3, products);
}
function valuesOfFour(values: usize, weights: usize, from: i32, to: i32, out: usize, kept: usize): void {
  valuesOf(4, 16, F32, values, weights, from, to, out, kept);
}

/**
 * Products of queries with the keys of a tile, (headDim, 32) of `type`, to `products`, (nRows, 32): of one query, of two with 256-bit code,
 * or of four if the keys are F32.
 */
export function multiplyKeys(nRows: i32, type: i32, keys: usize, q0: usize, q1: usize, q2: usize, q3: usize, products: usize): void {
  if (nRows == 1) {
    if (type == F16) keysOfOneF16(keys, q0, q1, q2, q3, products);
    else keysOfOneF32(keys, q0, q1, q2, q3, products);
  } else if (nRows == 2) {
    if (type == F16) keysOfTwoF16(keys, q0, q1, q2, q3, products);
    else keysOfTwoF32(keys, q0, q1, q2, q3, products);
  } else if (!isWide) keysOfFourNarrow(keys, q0, q1, q2, q3, products);
  else keysOfFour(keys, q0, q1, q2, q3, products);
}

/** Adds the values at positions `from` … `to` - 1 of a tile, times `weights`, (nRows, 32), to as many rows at `out`. */
export function addValues(
  nRows: i32, type: i32, values: usize, weights: usize, from: i32, to: i32, out: usize, kept: usize,
): void {
  if (nRows == 1) {
    if (type == F16) valuesOfOneF16(values, weights, from, to, out, kept);
    else valuesOfOneF32(values, weights, from, to, out, kept);
  } else if (nRows == 2) {
    if (type == F16) valuesOfTwoF16(values, weights, from, to, out, kept);
    else valuesOfTwoF32(values, weights, from, to, out, kept);
  } else if (!isWide) valuesOfFourNarrow(values, weights, from, to, out, kept);
  else valuesOfFour(values, weights, from, to, out, kept);
}
