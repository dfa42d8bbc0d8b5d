// What goes into the inner loops of attention (dot-blocks.ts) and what comes out of them.

import { F32 } from "./dot-blocks";
import { BITS42, constants, loadFew, roundToHalf, storeFew } from "./vectors";

// @ts-ignore: decorator
@inline const SCALE1008: f64 = reinterpret<f64>(<u64>(1023 + 1008) << 52);

/** `n` finite binary16 numbers, a multiple of 8, as TINY. */
export function widen(out: usize, halves: usize, n: i32): void {
  const bits0 = v128.load(constants, BITS42), bits1 = v128.load(constants, BITS42 + 16);
  for (; n > 0; n -= 8) {
    const low = v128.load_ext<i16>(halves), high = v128.load_ext<i16>(halves, 8);
    const w0 = v128.and(i64x2.shl(i64x2.extend_low_i32x4_s(low), 42), bits0);
    const w1 = v128.and(i64x2.shl(i64x2.extend_high_i32x4_s(low), 42), bits1);
    const w2 = v128.and(i64x2.shl(i64x2.extend_low_i32x4_s(high), 42), bits0);
    const w3 = v128.and(i64x2.shl(i64x2.extend_high_i32x4_s(high), 42), bits1);
    v128.store(out, w3, 48);
    v128.store(out, w2, 32);
    v128.store(out, w1, 16);
    v128.store(out, w0);
    halves += 16;
    out += 64;
  }
}

/** The same for any binary16 numbers: infinities stay infinite. */
export function widenAny(out: usize, halves: usize, n: i32): void {
  for (; n > 0; n--) {
    const half = load<i16>(halves);
    const tiny = (<i64>half << 42) & 0x81fffc0000000000;
    store<i64>(out, (half & 0x7c00) == 0x7c00 ? tiny | 0x7ff0000000000000 : tiny);
    halves += 2;
    out += 8;
  }
}

/** Two vectors of binary32 from `dot-blocks`' point of view: binary64 times 2^1008, unless the columns are F32. */
// @ts-ignore: decorator
@inline
function storePair(type: i32, out: usize, low: v128, high: v128): void {
  if (type == F32) {
    v128.store(out, v128.shuffle<i64>(low, high, 0, 2));
    return;
  }
  const scale = f64x2.splat(SCALE1008);
  v128.store(out, f64x2.mul(f64x2.promote_low_f32x4(low), scale));
  v128.store(out, f64x2.mul(f64x2.promote_low_f32x4(high), scale), 16);
}

// @ts-ignore: decorator
@inline
function loadRounded(isRounded: bool, at: usize, n: i32): v128 {
  const x = loadFew(at, n);
  return isRounded ? roundToHalf(x) : x;
}

/** Four rows of `n` binary32 numbers, rounded to binary16 if `isRounded`, to (n, 4); writes up to 3 columns more. */
// @ts-ignore: decorator
@inline
export function packFour(type: i32, isRounded: bool, out: usize, x0: usize, x1: usize, x2: usize, x3: usize, n: i32): void {
  const columnBytes: usize = type == F32 ? 16 : 32;
  for (; n > 0; n -= 4) {
    const r0 = loadRounded(isRounded, x0, n), r1 = loadRounded(isRounded, x1, n);
    const r2 = loadRounded(isRounded, x2, n), r3 = loadRounded(isRounded, x3, n);
    const low01 = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5), low23 = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5);
    const high01 = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7), high23 = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
    storePair(type, out, low01, low23);
    storePair(type, out + columnBytes, v128.shuffle<i64>(low01, low01, 1, 1), v128.shuffle<i64>(low23, low23, 1, 1));
    storePair(type, out + 2 * columnBytes, high01, high23);
    storePair(type, out + 3 * columnBytes, v128.shuffle<i64>(high01, high01, 1, 1), v128.shuffle<i64>(high23, high23, 1, 1));
    x0 += 16;
    x1 += 16;
    x2 += 16;
    x3 += 16;
    out += 4 * columnBytes;
  }
}

/** One row of `n` likewise; writes up to 3 numbers more. */
// @ts-ignore: decorator
@inline
export function packOne(type: i32, isRounded: bool, out: usize, x: usize, n: i32): void {
  for (; n > 0; n -= 4) {
    const r = loadRounded(isRounded, x, n);
    storePair(type, out, r, v128.shuffle<i64>(r, r, 1, 1));
    x += 16;
    out += type == F32 ? 16 : 32;
  }
}

/** Eight sums in binary64 to two vectors in binary32. */
// @ts-ignore: decorator
@inline
function rounded(sums: usize, offset: usize): v128 {
  const low = f32x4.demote_f64x2_zero(v128.load(sums + offset)), high = f32x4.demote_f64x2_zero(v128.load(sums + offset, 16));
  return v128.shuffle<i64>(low, high, 0, 2);
}

/** `n` sums, a multiple of 8, in binary32. */
export function storeProducts(products: usize, sums: usize, n: i32): void {
  for (; n > 0; n -= 8) {
    v128.store(products, rounded(sums, 0));
    v128.store(products, rounded(sums, 32), 16);
    products += 32;
    sums += 64;
  }
}

/** The first `headDim` sums of a row; groups of 8 are `groupBytes` apart. */
export function storeOutput(out: usize, sums: usize, groupBytes: usize, headDim: i32): void {
  for (; headDim > 0; headDim -= 8) {
    storeFew(out, rounded(sums, 0), headDim);
    if (headDim > 4) storeFew(out + 16, rounded(sums, 32), headDim - 4);
    out += 32;
    sums += groupBytes;
  }
}
