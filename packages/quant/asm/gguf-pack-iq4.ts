// The quantisers of IQ4_NL and IQ4_XS, whose levels are not evenly spaced. Their TypeScript twins are in src/gguf-pack/iq4.ts.

import { TINY, WEIGHTS } from "./gguf-fits";
import { eightBlocks, eightImportances } from "./gguf-rows";
import { BY_SQUARE, OF_GROUP, sumOfSquares, weigh } from "./gguf-weights";
import { halfBits } from "./half";
import { nearestOne } from "./rounding";
import { FITTED, GROUP_VALUES } from "./super-block";
import { IQ4, scratch, SUMS } from "./vectors";

// Behind the places of gguf-rows.ts:
// @ts-ignore: decorator
@inline const MIDDLES: usize = SUMS + 9728; // (15, 16) bytes: see `initializeIq4`

/**
 * Puts constants into the scratch space, behind those of `initialize`: one less than the middles between levels. Those that are whole are compared
 * with ⌊x⌋, the others, rounded up, with ⌊x + 1/2⌋.
 */
export function initializeIq4(): void {
  setMiddle(0, -116);
  setMiddle(1, -94);
  setMiddle(2, -75);
  setMiddle(3, -58);
  setMiddle(4, -43);
  setMiddle(5, -29);
  setMiddle(6, -17);
  setMiddle(7, -5);
  setMiddle(8, 6);
  setMiddle(9, 18);
  setMiddle(10, 31);
  setMiddle(11, 45);
  setMiddle(12, 60);
  setMiddle(13, 78);
  setMiddle(14, 100);
}

function setMiddle(i: usize, number: i8): void {
  v128.store(scratch + (i << 4), i8x16.splat(number), MIDDLES);
}

/** ⌊2v⌋ in 32 bits. */
// @ts-ignore: decorator
@inline
function floorOfTwice(v: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.floor(f32x4.add(v, v)));
}

/** Middle `i`. */
// @ts-ignore: decorator
@inline
function middle(i: usize): v128 {
  return v128.load(scratch + (i << 4), MIDDLES);
}

/** Numbers of the levels nearest to sixteen values; the higher one in the middle between two. */
// @ts-ignore: decorator
@inline
function nearestLevels(a: v128, b: v128, c: v128, d: v128): v128 {
  const first = i16x8.narrow_i32x4_s(floorOfTwice(a), floorOfTwice(b));
  const last = i16x8.narrow_i32x4_s(floorOfTwice(c), floorOfTwice(d));
  const one = i16x8.splat(1);
  const whole = i8x16.narrow_i16x8_s(i16x8.shr_s(first, 1), i16x8.shr_s(last, 1)); // ⌊x⌋
  const half = i8x16.narrow_i16x8_s(i16x8.shr_s(i16x8.add_sat_s(first, one), 1), i16x8.shr_s(i16x8.add_sat_s(last, one), 1));
  // a comparison that is true is -1
  const s0 = i8x16.add(i8x16.gt_s(half, middle(0)), i8x16.gt_s(half, middle(1)));
  const s1 = i8x16.add(i8x16.gt_s(whole, middle(2)), i8x16.gt_s(whole, middle(3)));
  const s2 = i8x16.add(i8x16.gt_s(whole, middle(4)), i8x16.gt_s(half, middle(5)));
  const s3 = i8x16.add(i8x16.gt_s(whole, middle(6)), i8x16.gt_s(half, middle(7)));
  const s4 = i8x16.add(i8x16.gt_s(whole, middle(8)), i8x16.gt_s(whole, middle(9)));
  const s5 = i8x16.add(i8x16.gt_s(half, middle(10)), i8x16.gt_s(half, middle(11)));
  const s6 = i8x16.add(i8x16.gt_s(whole, middle(12)), i8x16.gt_s(whole, middle(13)));
  const s7 = i8x16.add(i8x16.add(s0, s1), i8x16.gt_s(whole, middle(14)));
  return i8x16.neg(i8x16.add(i8x16.add(i8x16.add(s2, s3), i8x16.add(s4, s5)), i8x16.add(s6, s7)));
}

/** The scales of eight groups of 32 values, which are in group order and have WEIGHTS, to FITTED. */
function fitScales(): void {
  const values = scratch + GROUP_VALUES, end = values + 1024;
  const zero = f32x4.splat(0), table = v128.load(scratch, IQ4);
  // the first value of largest magnitude, with its sign
  let largestA = zero, largestB = zero, magnitudeA = zero, magnitudeB = zero;
  for (let at = values; at < end; at += 32) {
    const a = v128.load(at), b = v128.load(at, 16);
    largestA = v128.bitselect(a, largestA, f32x4.gt(f32x4.abs(a), magnitudeA));
    largestB = v128.bitselect(b, largestB, f32x4.gt(f32x4.abs(b), magnitudeB));
    magnitudeA = f32x4.pmax(magnitudeA, f32x4.abs(a));
    magnitudeB = f32x4.pmax(magnitudeB, f32x4.abs(b));
  }
  // it takes the lowest level, or one near to it
  let scaleA = zero, scaleB = zero, reachedA = zero, reachedB = zero;
  for (let k = -8; k <= 7; k++) {
    const isFirst = k == -8;
    let inverseA: v128, inverseB: v128;
    if (isFirst) {
      const one = f32x4.splat(1), lowest = f32x4.splat(-127);
      inverseA = f32x4.div(one, f32x4.div(f32x4.neg(largestA), lowest));
      inverseB = f32x4.div(one, f32x4.div(f32x4.neg(largestB), lowest));
    } else {
      const lowest = f32x4.splat(<f32>(k - 127));
      inverseA = f32x4.div(lowest, largestA);
      inverseB = f32x4.div(lowest, largestB);
    }
    let qxA = zero, qxB = zero, q2A = zero, q2B = zero;
    for (let at = values; at < end; at += 64) {
      const a0 = v128.load(at), b0 = v128.load(at, 16), a1 = v128.load(at, 32), b1 = v128.load(at, 48);
      const bytes = i8x16.swizzle(
        table,
        nearestLevels(f32x4.mul(inverseA, a0), f32x4.mul(inverseB, b0), f32x4.mul(inverseA, a1), f32x4.mul(inverseB, b1)),
      );
      const low = i16x8.extend_low_i8x16_s(bytes), high = i16x8.extend_high_i8x16_s(bytes);
      const lA0 = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(low)), lB0 = f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(low));
      const lA1 = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(high)), lB1 = f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(high));
      const wA0 = f32x4.mul(v128.load(at, WEIGHTS - GROUP_VALUES), lA0);
      const wB0 = f32x4.mul(v128.load(at, WEIGHTS - GROUP_VALUES + 16), lB0);
      const wA1 = f32x4.mul(v128.load(at, WEIGHTS - GROUP_VALUES + 32), lA1);
      const wB1 = f32x4.mul(v128.load(at, WEIGHTS - GROUP_VALUES + 48), lB1);
      qxA = f32x4.add(f32x4.add(qxA, f32x4.mul(wA0, a0)), f32x4.mul(wA1, a1));
      qxB = f32x4.add(f32x4.add(qxB, f32x4.mul(wB0, b0)), f32x4.mul(wB1, b1));
      q2A = f32x4.add(f32x4.add(q2A, f32x4.mul(wA0, lA0)), f32x4.mul(wA1, lA1));
      q2B = f32x4.add(f32x4.add(q2B, f32x4.mul(wB0, lB0)), f32x4.mul(wB1, lB1));
    }
    const someA = f32x4.gt(q2A, zero), someB = f32x4.gt(q2B, zero);
    let takeA = i32x4.splat(-1), takeB = takeA;
    if (!isFirst) {
      takeA = v128.and(someA, f32x4.gt(f32x4.mul(qxA, qxA), f32x4.mul(reachedA, q2A)));
      takeB = v128.and(someB, f32x4.gt(f32x4.mul(qxB, qxB), f32x4.mul(reachedB, q2B)));
    }
    const newA = v128.and(f32x4.div(qxA, q2A), someA), newB = v128.and(f32x4.div(qxB, q2B), someB);
    scaleA = v128.bitselect(newA, scaleA, takeA);
    scaleB = v128.bitselect(newB, scaleB, takeB);
    reachedA = v128.bitselect(f32x4.mul(newA, qxA), reachedA, takeA);
    reachedB = v128.bitselect(f32x4.mul(newB, qxB), reachedB, takeB);
  }
  v128.store(scratch, v128.andnot(scaleA, f32x4.lt(magnitudeA, f32x4.splat(TINY))), FITTED);
  v128.store(scratch, v128.andnot(scaleB, f32x4.lt(magnitudeB, f32x4.splat(TINY))), FITTED + 16);
}

/** Numbers of the levels nearest to sixteen values at `x` times `by`; of what is no number, the last one. */
// @ts-ignore: decorator
@inline
function scaledLevels(x: usize, by: v128): v128 {
  const a = f32x4.mul(by, v128.load(x)), b = f32x4.mul(by, v128.load(x, 16));
  const c = f32x4.mul(by, v128.load(x, 32)), d = f32x4.mul(by, v128.load(x, 48));
  const first = i16x8.narrow_i32x4_s(f32x4.ne(a, a), f32x4.ne(b, b)), last = i16x8.narrow_i32x4_s(f32x4.ne(c, c), f32x4.ne(d, d));
  return v128.or(nearestLevels(a, b, c, d), v128.and(i8x16.narrow_i16x8_s(first, last), i8x16.splat(15)));
}

/** Levels of the 32 values at `x` for this scale, value j beside value j + 16. */
// @ts-ignore: decorator
@inline
function storeLevels(x: usize, scale: f32, dst: usize): void {
  const by = f32x4.splat(scale == 0 ? 0 : 1 / scale);
  const first = scaledLevels(x, by), last = scaledLevels(x + 64, by);
  v128.store(dst, v128.or(first, i16x8.shl(last, 4)));
}

export function pack_iq4_nl(src: usize, dst: usize, nBlocks: i32, importance: usize, rowBytes: usize): void {
  const perRow = importance == 0 ? nBlocks : <i32>(rowBytes >> 7);
  for (let row = 0; row < nBlocks; row += perRow) {
    for (let i = 0; i < perRow; i += 8) {
      const n = min(8, perRow - i);
      const x = eightBlocks(src, n);
      weigh(x, 32, BY_SQUARE, importance == 0 ? 0 : eightImportances(importance + (<usize>i << 7), n), OF_GROUP, 0);
      fitScales();
      for (let group = 0; group < n; group++, dst += 18) {
        const scale = load<f32>(scratch + (group << 2), FITTED);
        store<u16>(dst, halfBits(scale));
        storeLevels(x + (group << 7), scale, dst + 2);
      }
      src += <usize>n << 7;
    }
  }
}

export function pack_iq4_xs(src: usize, dst: usize, nBlocks: i32, importance: usize, rowBytes: usize): void {
  for (let at = importance; nBlocks > 0; nBlocks--, src += 1024, dst += 136) {
    weigh(src, 32, BY_SQUARE, at, importance == 0 ? 0 : sumOfSquares(src, 256) * <f32>0.0078125, 0);
    fitScales();
    let largest: f32 = 0;
    for (let group = 0; group < 8; group++) {
      const scale = load<f32>(scratch + (group << 2), FITTED);
      if (abs<f32>(scale) > abs<f32>(largest)) largest = scale;
    }
    const d: f32 = -largest / 32;
    const inverse: f32 = d == 0 ? 0 : 1 / d;
    store<u16>(dst, halfBits(d));
    let low = 0, high = 0;
    for (let group = 0; group < 8; group++) {
      const scale = max(-32, min(31, nearestOne(inverse * load<f32>(scratch + (group << 2), FITTED))));
      low |= ((scale + 32) & 15) << (group << 2);
      high |= ((scale + 32) >> 4) << (group << 1);
      storeLevels(src + (group << 7), d * <f32>scale, dst + 8 + (group << 4));
    }
    store<u16>(dst, high, 2);
    store<i32>(dst, low, 4);
    if (at != 0) at = at + 1024 == importance + rowBytes ? importance : at + 1024;
  }
}
