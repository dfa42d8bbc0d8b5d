// The inner loops of attention: sums over k of a row of columns times one number, in order. For scores k is the channel and a
// column a position; for the weighted values k is the position and a column a channel.
//
//   sums[j][i] += Σ_k a[k][i] · b[k][j], in binary64
//
// Binary16 numbers are widened by moving their bits to where binary64 has its sign, exponent and fraction, which gives
// 2^-1008 of the value; the factor in `b` makes up for it. Their product is exact in binary32, so nothing needs to be rounded
// to binary32. Products of binary32 numbers are rounded.
//
// What is done to the columns of one vector is done to those of the next: V8's `--experimental-wasm-revectorize` can fuse the two
// into 256-bit instructions. Of adjacent stores the higher comes first, else V8 keeps a third store.

import { BLOCK, TILE } from "./kv-head";
import { BITS42, constants, isWide } from "./vectors";

// What `a` holds:
// @ts-ignore: decorator
@inline export const F16 = 0; // binary16; `b` in binary64 times 2^1008
// @ts-ignore: decorator
@inline export const F32 = 1; // binary32; `b` in binary32
// @ts-ignore: decorator
@inline export const TINY = 2; // binary64, 2^-1008 of the value; `b` in binary64 times 2^1008

// @ts-ignore: decorator
@inline
function elementBytes(type: i32): usize {
  return type == F16 ? 2 : type == F32 ? 4 : 8;
}

/** Four columns of `a`, or of TINY the first two; `column` is a multiple of four. */
// @ts-ignore: decorator
@inline
function four(type: i32, a: usize, column: usize): v128 {
  return type == F16 ? v128.load_ext<i16>(a + 2 * column) : type == F32 ? v128.load(a + 4 * column) : v128.load(a + 8 * column);
}

/** The first or last two of `four`, widened if they are binary16. */
// @ts-ignore: decorator
@inline
function two(type: i32, columns: v128, high: bool, bits: v128, a: usize, column: usize): v128 {
  if (type == F32) return columns;
  if (type == TINY) return high ? v128.load(a + 8 * column + 16) : columns;
  return v128.and(i64x2.shl(high ? i64x2.extend_high_i32x4_s(columns) : i64x2.extend_low_i32x4_s(columns), 42), bits);
}

/** Products of `two` with a broadcast `b`, in binary64. */
// @ts-ignore: decorator
@inline
function product(type: i32, columns: v128, b: v128, high: bool): v128 {
  if (type != F32) return f64x2.mul(columns, b);
  const p = f32x4.mul(columns, b);
  return f64x2.promote_low_f32x4(high ? v128.shuffle<i64>(p, p, 1, 1) : p);
}

// @ts-ignore: decorator
@inline
function broadcast(type: i32, b: usize, j: usize): v128 {
  return type == F32 ? v128.load32_splat(b + 4 * j) : v128.load64_splat(b + 8 * j);
}

/** The first four columns of `addFourRows`, or all eight if `isWide`. */
// @ts-ignore: decorator
@inline
function addColumns(type: i32, isWide: bool, sums: usize, a: usize, aStride: usize, b: usize, nK: i32): void {
  const zero = f64x2.splat(0);
  const bits0 = v128.load(constants, BITS42), bits1 = v128.load(constants, BITS42 + 16);
  let s00 = v128.load(sums, 0), s01 = v128.load(sums, 16);
  let s02 = isWide ? v128.load(sums, 32) : zero, s03 = isWide ? v128.load(sums, 48) : zero;
  let s10 = v128.load(sums, 64), s11 = v128.load(sums, 80);
  let s12 = isWide ? v128.load(sums, 96) : zero, s13 = isWide ? v128.load(sums, 112) : zero;
  let s20 = v128.load(sums, 128), s21 = v128.load(sums, 144);
  let s22 = isWide ? v128.load(sums, 160) : zero, s23 = isWide ? v128.load(sums, 176) : zero;
  let s30 = v128.load(sums, 192), s31 = v128.load(sums, 208);
  let s32 = isWide ? v128.load(sums, 224) : zero, s33 = isWide ? v128.load(sums, 240) : zero;
  for (; nK > 0; nK--) {
    const f0 = four(type, a, 0), f1 = isWide ? four(type, a, 4) : f0;
    const a0 = two(type, f0, false, bits0, a, 0), a1 = two(type, f0, true, bits1, a, 0);
    const a2 = isWide ? two(type, f1, false, bits0, a, 4) : a0, a3 = isWide ? two(type, f1, true, bits1, a, 4) : a1;
    const b0 = broadcast(type, b, 0);
    s00 = f64x2.add(s00, product(type, a0, b0, false));
    s01 = f64x2.add(s01, product(type, a1, b0, true));
    if (isWide) s02 = f64x2.add(s02, product(type, a2, b0, false));
    if (isWide) s03 = f64x2.add(s03, product(type, a3, b0, true));
    const b1 = broadcast(type, b, 1);
    s10 = f64x2.add(s10, product(type, a0, b1, false));
    s11 = f64x2.add(s11, product(type, a1, b1, true));
    if (isWide) s12 = f64x2.add(s12, product(type, a2, b1, false));
    if (isWide) s13 = f64x2.add(s13, product(type, a3, b1, true));
    const b2 = broadcast(type, b, 2);
    s20 = f64x2.add(s20, product(type, a0, b2, false));
    s21 = f64x2.add(s21, product(type, a1, b2, true));
    if (isWide) s22 = f64x2.add(s22, product(type, a2, b2, false));
    if (isWide) s23 = f64x2.add(s23, product(type, a3, b2, true));
    const b3 = broadcast(type, b, 3);
    s30 = f64x2.add(s30, product(type, a0, b3, false));
    s31 = f64x2.add(s31, product(type, a1, b3, true));
    if (isWide) s32 = f64x2.add(s32, product(type, a2, b3, false));
    if (isWide) s33 = f64x2.add(s33, product(type, a3, b3, true));
    a += aStride;
    b += type == F32 ? 16 : 32;
  }
  if (isWide) { v128.store(sums, s03, 48); v128.store(sums, s02, 32); }
  v128.store(sums, s01, 16); v128.store(sums, s00, 0);
  if (isWide) { v128.store(sums, s13, 112); v128.store(sums, s12, 96); }
  v128.store(sums, s11, 80); v128.store(sums, s10, 64);
  if (isWide) { v128.store(sums, s23, 176); v128.store(sums, s22, 160); }
  v128.store(sums, s21, 144); v128.store(sums, s20, 128);
  if (isWide) { v128.store(sums, s33, 240); v128.store(sums, s32, 224); }
  v128.store(sums, s31, 208); v128.store(sums, s30, 192);
}

/**
 * Four rows of sums: sums (4, 8), a (nK, 8) with rows `aStride` bytes apart, b (nK, 4). All at once with 256-bit vectors; in two
 * steps with 128-bit vectors, because 16 sums would not leave a register for anything else (0.12 ns a product against 0.08).
 */
// @ts-ignore: decorator
@inline
function addFourRows(
  type: i32, isWide: bool, sums: usize, a: usize, aStride: usize, b: usize, nK: i32,
): void {
  addColumns(type, isWide, sums, a, aStride, b, nK);
  if (!isWide) addColumns(type, isWide, sums + 32, a + 4 * elementBytes(type), aStride, b, nK);
}

/** One row of sums: sums (nColumns), a (nK, nColumns), b (nK); nColumns is 8 or 32. */
// @ts-ignore: decorator
@inline
function addRow(type: i32, nColumns: i32, sums: usize, a: usize, aStride: usize, b: usize, nK: i32): void {
  const wide = nColumns == 32;
  const zero = f64x2.splat(0);
  const bits0 = v128.load(constants, BITS42), bits1 = v128.load(constants, BITS42 + 16);
  let s0 = v128.load(sums, 0), s1 = v128.load(sums, 16), s2 = v128.load(sums, 32), s3 = v128.load(sums, 48);
  let s4 = wide ? v128.load(sums, 64) : zero, s5 = wide ? v128.load(sums, 80) : zero;
  let s6 = wide ? v128.load(sums, 96) : zero, s7 = wide ? v128.load(sums, 112) : zero;
  let s8 = wide ? v128.load(sums, 128) : zero, s9 = wide ? v128.load(sums, 144) : zero;
  let s10 = wide ? v128.load(sums, 160) : zero, s11 = wide ? v128.load(sums, 176) : zero;
  let s12 = wide ? v128.load(sums, 192) : zero, s13 = wide ? v128.load(sums, 208) : zero;
  let s14 = wide ? v128.load(sums, 224) : zero, s15 = wide ? v128.load(sums, 240) : zero;
  for (; nK > 0; nK--) {
    const x = broadcast(type, b, 0);
    const f0 = four(type, a, 0), f1 = four(type, a, 4);
    s0 = f64x2.add(s0, product(type, two(type, f0, false, bits0, a, 0), x, false));
    s1 = f64x2.add(s1, product(type, two(type, f0, true, bits1, a, 0), x, true));
    s2 = f64x2.add(s2, product(type, two(type, f1, false, bits0, a, 4), x, false));
    s3 = f64x2.add(s3, product(type, two(type, f1, true, bits1, a, 4), x, true));
    if (wide) {
      const f2 = four(type, a, 8), f3 = four(type, a, 12), f4 = four(type, a, 16);
      const f5 = four(type, a, 20), f6 = four(type, a, 24), f7 = four(type, a, 28);
      s4 = f64x2.add(s4, product(type, two(type, f2, false, bits0, a, 8), x, false));
      s5 = f64x2.add(s5, product(type, two(type, f2, true, bits1, a, 8), x, true));
      s6 = f64x2.add(s6, product(type, two(type, f3, false, bits0, a, 12), x, false));
      s7 = f64x2.add(s7, product(type, two(type, f3, true, bits1, a, 12), x, true));
      s8 = f64x2.add(s8, product(type, two(type, f4, false, bits0, a, 16), x, false));
      s9 = f64x2.add(s9, product(type, two(type, f4, true, bits1, a, 16), x, true));
      s10 = f64x2.add(s10, product(type, two(type, f5, false, bits0, a, 20), x, false));
      s11 = f64x2.add(s11, product(type, two(type, f5, true, bits1, a, 20), x, true));
      s12 = f64x2.add(s12, product(type, two(type, f6, false, bits0, a, 24), x, false));
      s13 = f64x2.add(s13, product(type, two(type, f6, true, bits1, a, 24), x, true));
      s14 = f64x2.add(s14, product(type, two(type, f7, false, bits0, a, 28), x, false));
      s15 = f64x2.add(s15, product(type, two(type, f7, true, bits1, a, 28), x, true));
    }
    a += aStride;
    b += type == F32 ? 4 : 8;
  }
  if (wide) {
    v128.store(sums, s15, 240); v128.store(sums, s14, 224); v128.store(sums, s13, 208); v128.store(sums, s12, 192);
    v128.store(sums, s11, 176); v128.store(sums, s10, 160); v128.store(sums, s9, 144); v128.store(sums, s8, 128);
    v128.store(sums, s7, 112); v128.store(sums, s6, 96); v128.store(sums, s5, 80); v128.store(sums, s4, 64);
  }
  v128.store(sums, s3, 48); v128.store(sums, s2, 32); v128.store(sums, s1, 16); v128.store(sums, s0);
}

/**
 * One row of sums: sums (nColumns), b (to), a: blocks of 32 columns, (TILE, 32), of which rows `from` … `to` - 1 are used; a
 * last block has what remains of `nColumns`, a multiple of 8.
 */
// @ts-ignore: decorator
@inline
function addOneRow(type: i32, sums: usize, a: usize, b: usize, from: i32, to: i32, nColumns: i32): void {
  const bytes = elementBytes(type), nK = to - from;
  b += <usize>from * <usize>(type == F32 ? 4 : 8);
  for (; nColumns >= BLOCK; nColumns -= BLOCK) {
    addRow(type, 32, sums, a + <usize>from * BLOCK * bytes, BLOCK * bytes, b, nK);
    sums += 8 * BLOCK;
    a += TILE * BLOCK * bytes;
  }
  const aStride = <usize>nColumns * bytes;
  for (a += <usize>from * aStride; nColumns > 0; nColumns -= 8) {
    addRow(type, 8, sums, a, aStride, b, nK);
    sums += 64;
    a += 8 * bytes;
  }
}

// one function per kind of columns, rather than copies wherever they are used
function addFourWide(sums: usize, a: usize, aStride: usize, b: usize, nK: i32): void {
  addFourRows(TINY, true, sums, a, aStride, b, nK);
}
function addFourNarrow(sums: usize, a: usize, aStride: usize, b: usize, nK: i32): void {
  addFourRows(TINY, false, sums, a, aStride, b, nK);
}
function addFourF32(sums: usize, a: usize, aStride: usize, b: usize, nK: i32): void {
  addFourRows(F32, false, sums, a, aStride, b, nK); // V8 cannot make it 256 bits wide
}
export function addOneF16(sums: usize, a: usize, b: usize, from: i32, to: i32, nColumns: i32): void {
  addOneRow(F16, sums, a, b, from, to, nColumns);
}
export function addOneF32(sums: usize, a: usize, b: usize, from: i32, to: i32, nColumns: i32): void {
  addOneRow(F32, sums, a, b, from, to, nColumns);
}
export function addOneTiny(sums: usize, a: usize, b: usize, from: i32, to: i32, nColumns: i32): void {
  addOneRow(TINY, sums, a, b, from, to, nColumns);
}

// @ts-ignore: decorator
@inline
export function addFour(type: i32, sums: usize, a: usize, aStride: usize, b: usize, nK: i32): void {
  if (type == F32) addFourF32(sums, a, aStride, b, nK);
  else if (isWide) addFourWide(sums, a, aStride, b, nK);
  else addFourNarrow(sums, a, aStride, b, nK);
}
