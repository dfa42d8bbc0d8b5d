// F16, BF16 and F32: matrix times vectors, 8 rows at a time. Build 803 rounds each product to binary32, sums products in binary64
// in order, and rounds the sum to binary32.
//
// A group of 8 rows holds, for each column: the values of rows 0 … 7, 16 bytes for F16 and BF16, 32 for F32.
//
// Activations (activations.ts), for tiles of four vectors and then for each remaining vector, column after column:
//
//   F16   the value rounded to binary16, times 2^1008, in binary64, one per vector
//   BF16  the value rounded to bfloat16, times 2^896, in binary64, one per vector
//   F32   the value in binary32, one per vector
//
// A binary16 number moved to where binary64 has its sign, exponent and fraction is 2^-1008 of what it should be, a bfloat16 number
// 2^-896; the factor in the activations makes up for it. The product of two such numbers is exact in binary32, so rounding it there
// changes nothing and F16 and BF16 need no binary32 at all. For F32 V8 cannot fuse two promotions to binary64: it stays at 128 bits.

import { BF16_BITS64, clear, HALF_BITS64, pieceOf, scratch, SUMS, TILE, turnsOf } from "./vectors";

// @ts-ignore: decorator
@inline const F16 = 0;
// @ts-ignore: decorator
@inline const F32 = 1;
// @ts-ignore: decorator
@inline const BF16 = 2;

/** Vectors per pass: 16 sums of two rows each fill the registers. */
// @ts-ignore: decorator
@inline const FLOAT_TILE: i32 = 4;

// Every function below is inlined with a constant `type`: what belongs to other types disappears.

// @ts-ignore: decorator
@inline
function columnBytes(type: i32): usize {
  return type != F32 ? 16 : 32;
}

// @ts-ignore: decorator
@inline
function vectorBytes(type: i32): usize {
  return type != F32 ? 8 : 4;
}

/** Two values of 16 bits, sign-extended to 64, as 2^-1008 (F16) or 2^-896 (BF16) of their values in binary64. */
// @ts-ignore: decorator
@inline
function tinyDouble(type: i32, half: v128, bits: v128): v128 {
  return v128.and(i64x2.shl(half, type == F16 ? 42 : 45), bits);
}

/** Products of rows 0 and 1 (`high` false) or 2 and 3 of a half with the broadcast `x`. */
// @ts-ignore: decorator
@inline
function products(type: i32, w: v128, x: v128, high: bool): v128 {
  if (type != F32) return f64x2.mul(w, x);
  const p = f32x4.mul(w, x);
  return f64x2.promote_low_f32x4(high ? v128.shuffle<i64>(p, p, 1, 1) : p);
}

/** A group of rows times four vectors: (4, 8) sums in binary64 to `sums`; or times one, added to (8) sums there. */
// @ts-ignore: decorator
@inline
function multiplyGroup(type: i32, single: bool, w: usize, x: usize, nValues: i32, sums: usize): void {
  const bitsLow = type == F16 ? v128.load(scratch, HALF_BITS64) : v128.load(scratch, BF16_BITS64);
  const bitsHigh = type == F16 ? v128.load(scratch, HALF_BITS64 + 16) : v128.load(scratch, BF16_BITS64 + 16);
  const zero = f64x2.splat(0);
  let s00 = zero, s01 = zero, s02 = zero, s03 = zero, s10 = zero, s11 = zero, s12 = zero, s13 = zero;
  if (single) {
    s00 = v128.load(sums);
    s01 = v128.load(sums, 16);
    s02 = v128.load(sums, 32);
    s03 = v128.load(sums, 48);
  }
  let s20 = zero, s21 = zero, s22 = zero, s23 = zero, s30 = zero, s31 = zero, s32 = zero, s33 = zero;
  for (; nValues > 0; nValues--) {
    const a = type != F32 ? v128.load_ext<i16>(w) : v128.load(w);
    const b = type != F32 ? v128.load_ext<i16>(w, 8) : v128.load(w, 16);
    const w0 = type != F32 ? tinyDouble(type, i64x2.extend_low_i32x4_s(a), bitsLow) : a;
    const w1 = type != F32 ? tinyDouble(type, i64x2.extend_high_i32x4_s(a), bitsHigh) : a;
    const w2 = type != F32 ? tinyDouble(type, i64x2.extend_low_i32x4_s(b), bitsLow) : b;
    const w3 = type != F32 ? tinyDouble(type, i64x2.extend_high_i32x4_s(b), bitsHigh) : b;
    w += columnBytes(type);

    const x0 = type != F32 ? v128.load64_splat(x) : v128.load32_splat(x);
    s00 = f64x2.add(s00, products(type, w0, x0, false));
    s01 = f64x2.add(s01, products(type, w1, x0, true));
    s02 = f64x2.add(s02, products(type, w2, x0, false));
    s03 = f64x2.add(s03, products(type, w3, x0, true));
    if (!single) {
      const x1 = type != F32 ? v128.load64_splat(x, 8) : v128.load32_splat(x, 4);
      s10 = f64x2.add(s10, products(type, w0, x1, false));
      s11 = f64x2.add(s11, products(type, w1, x1, true));
      s12 = f64x2.add(s12, products(type, w2, x1, false));
      s13 = f64x2.add(s13, products(type, w3, x1, true));
      const x2 = type != F32 ? v128.load64_splat(x, 16) : v128.load32_splat(x, 8);
      s20 = f64x2.add(s20, products(type, w0, x2, false));
      s21 = f64x2.add(s21, products(type, w1, x2, true));
      s22 = f64x2.add(s22, products(type, w2, x2, false));
      s23 = f64x2.add(s23, products(type, w3, x2, true));
      const x3 = type != F32 ? v128.load64_splat(x, 24) : v128.load32_splat(x, 12);
      s30 = f64x2.add(s30, products(type, w0, x3, false));
      s31 = f64x2.add(s31, products(type, w1, x3, true));
      s32 = f64x2.add(s32, products(type, w2, x3, false));
      s33 = f64x2.add(s33, products(type, w3, x3, true));
    }
    x += vectorBytes(type) * (single ? 1 : FLOAT_TILE);
  }
  v128.store(sums, s03, 48); v128.store(sums, s02, 32); v128.store(sums, s01, 16); v128.store(sums, s00);
  if (single) return;
  v128.store(sums, s13, 112); v128.store(sums, s12, 96); v128.store(sums, s11, 80); v128.store(sums, s10, 64);
  v128.store(sums, s23, 176); v128.store(sums, s22, 160); v128.store(sums, s21, 144); v128.store(sums, s20, 128);
  v128.store(sums, s33, 240); v128.store(sums, s32, 224); v128.store(sums, s31, 208); v128.store(sums, s30, 192);
}

/** Groups of rows, which take turns, times one vector: (nRows) sums in binary64 to `sums`. */
// @ts-ignore: decorator
@inline
function multiplyRows(type: i32, w: usize, x: usize, nValues: i32, nTurns: i32, nRows: i32, sums: usize): void {
  const piece = pieceOf(nTurns, nValues, columnBytes(type));
  clear(sums, <usize>((nRows + 7) >> 3) << 6);
  for (let column = 0; column < nValues; column += piece) {
    const n = min(piece, nValues - column), at = x + <usize>column * vectorBytes(type);
    let from = w + <usize>column * columnBytes(type), to = sums;
    for (let group = 0; group < nRows; group += 8) {
      multiplyGroup(type, true, from, at, n, to);
      from += <usize>nValues * columnBytes(type);
      to += 64;
    }
  }
}

/** As `multiply` in nibble-types.ts; `nValues` is the length of a row. */
// @ts-ignore: decorator
@inline
function multiply(
  type: i32, weights: usize, activations: usize, out: usize,
  rowStart: i32, rowEnd: i32, nValues: i32, nVectors: i32, outStride: i32,
): void {
  const groupBytes = <usize>nValues * columnBytes(type), xBytes = <usize>nValues * vectorBytes(type);
  const sums = scratch + SUMS;
  for (let first = 0; first < nVectors; first += TILE) {
    const last = min(first + TILE, nVectors);
    const nTurns = last - first == 1 ? turnsOf(1, rowEnd - rowStart, groupBytes) : 1;
    let w = weights + <usize>(rowStart >> 3) * groupBytes;
    for (let row = rowStart; row < rowEnd; row += nTurns << 3) {
      const nRows = min(nTurns << 3, rowEnd - row);
      // rows that were read for the first vectors are in the cache for the others
      for (let v = first; v < last; ) {
        const width = last - v >= FLOAT_TILE ? FLOAT_TILE : 1, x = activations + <usize>v * xBytes;
        if (width == 1) multiplyRows(type, w, x, nValues, nTurns, nRows, sums);
        else multiplyGroup(type, false, w, x, nValues, sums);
        let to = out + ((<usize>v * <usize>outStride + <usize>row) << 2), from = sums;
        for (const end = v + width; v < end; v++) {
          for (let r = 0; r < nRows; r++) store<f32>(to + (r << 2), <f32>load<f64>(from + (r << 3)));
          to += <usize>outStride << 2;
          from += 64;
        }
      }
      w += groupBytes * nTurns;
    }
  }
}

export function multiply_f16(
  w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nValues: i32, nVectors: i32, outStride: i32,
): void {
  multiply(F16, w, x, out, rowStart, rowEnd, nValues, nVectors, outStride);
}
export function multiply_f32(
  w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nValues: i32, nVectors: i32, outStride: i32,
): void {
  multiply(F32, w, x, out, rowStart, rowEnd, nValues, nVectors, outStride);
}
export function multiply_bf16(
  w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nValues: i32, nVectors: i32, outStride: i32,
): void {
  multiply(BF16, w, x, out, rowStart, rowEnd, nValues, nVectors, outStride);
}
