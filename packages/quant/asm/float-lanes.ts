// F16, BF16 and F32 in the arithmetic `lanes`: matrix times vectors, 4 rows at a time. A product rounds to binary32, and a row has eight
// sums in binary32, each of the columns with the same index modulo 8; src/lane-sums.ts adds them in this order.
//
// A group of 8 rows holds rows 0 … 3 and then rows 4 … 7, each four for 8 columns after 8 columns: (4, 8) values. Vectors are in
// binary32 for all types; for BF16 they are rounded to it. Rows and vectors are filled up with zeros to whole 8 columns: adding 0 changes no sum.
//
// The bits of a binary16 number, moved to where binary32 has them, are 2^-112 of what they should be; vectors for F16, which are
// rounded to binary16, are 2^112 of theirs. Their product is exact.

import { isFinite16, isFiniteBf16, roundToBf16, roundToHalf } from "./half";
import { clear, HALF_BITS, pieceOf, scratch, SUMS, TILE, turnsOf } from "./vectors";

// @ts-ignore: decorator
@inline const F16 = 0;
// @ts-ignore: decorator
@inline const F32 = 1;
// @ts-ignore: decorator
@inline const BF16 = 2;

/** Columns of a block. */
// @ts-ignore: decorator
@inline const COLUMNS: i32 = 8;

// Every function below is inlined with a constant `type`: what belongs to other types disappears.

// @ts-ignore: decorator
@inline
function valueBytes(type: i32): usize {
  return type == F32 ? 4 : 2;
}

/** Four values, `at` values behind `w`, as binary32; those of F16 times 2^-112. */
// @ts-ignore: decorator
@inline
function fourValues(type: i32, w: usize, at: usize, bits: v128): v128 {
  if (type == F32) return v128.load(w + 4 * at);
  const values = v128.load_ext<i16>(w + 2 * at);
  return type == F16 ? v128.and(i32x4.shl(values, 13), bits) : i32x4.shl(values, 16);
}

/** Keeps the partial sums of a row at `to`: stores side by side are where V8 begins to fuse. */
// @ts-ignore: decorator
@inline
function keep(to: usize, low: v128, high: v128): void {
  v128.store(to, high, 16);
  v128.store(to, low);
}

/** The eight partial sums that were kept of a row, added as halves are. */
// @ts-ignore: decorator
@inline
function total(sums: usize): f32 {
  const four = f32x4.add(v128.load(sums), v128.load(sums, 16));
  const two = f32x4.add(four, v128.shuffle<i32>(four, four, 2, 3, 2, 3));
  return f32x4.extract_lane(two, 0) + f32x4.extract_lane(two, 1);
}

/** Adds four rows times one vector to (4, 8) partial sums at `sums`. */
// @ts-ignore: decorator
@inline
function multiplyOne(type: i32, w: usize, x: usize, nBlocks: i32, sums: usize): void {
  const bitsA = v128.load(scratch, HALF_BITS), bitsB = v128.load(scratch, HALF_BITS + 16);
  let a0 = v128.load(sums), b0 = v128.load(sums, 16), a1 = v128.load(sums, 32), b1 = v128.load(sums, 48);
  let a2 = v128.load(sums, 64), b2 = v128.load(sums, 80), a3 = v128.load(sums, 96), b3 = v128.load(sums, 112);
  for (; nBlocks > 0; nBlocks--) {
    const xA = v128.load(x), xB = v128.load(x, 16);
    a0 = f32x4.add(a0, f32x4.mul(fourValues(type, w, 0, bitsA), xA));
    b0 = f32x4.add(b0, f32x4.mul(fourValues(type, w, 4, bitsB), xB));
    a1 = f32x4.add(a1, f32x4.mul(fourValues(type, w, 8, bitsA), xA));
    b1 = f32x4.add(b1, f32x4.mul(fourValues(type, w, 12, bitsB), xB));
    a2 = f32x4.add(a2, f32x4.mul(fourValues(type, w, 16, bitsA), xA));
    b2 = f32x4.add(b2, f32x4.mul(fourValues(type, w, 20, bitsB), xB));
    a3 = f32x4.add(a3, f32x4.mul(fourValues(type, w, 24, bitsA), xA));
    b3 = f32x4.add(b3, f32x4.mul(fourValues(type, w, 28, bitsB), xB));
    w += 32 * valueBytes(type);
    x += 32;
  }
  keep(sums, a0, b0);
  keep(sums + 32, a1, b1);
  keep(sums + 64, a2, b2);
  keep(sums + 96, a3, b3);
}

/** Two rows, of four, times two vectors, `xStride` bytes apart. */
// @ts-ignore: decorator
@inline
function multiplyTwo(type: i32, w: usize, x: usize, xStride: usize, nBlocks: i32, out: usize, outStride: usize, nRows: i32): void {
  const bitsA = v128.load(scratch, HALF_BITS), bitsB = v128.load(scratch, HALF_BITS + 16);
  const zero = f32x4.splat(0);
  let a00 = zero, b00 = zero, a01 = zero, b01 = zero, a10 = zero, b10 = zero, a11 = zero, b11 = zero;
  for (; nBlocks > 0; nBlocks--) {
    const x0A = v128.load(x), x0B = v128.load(x, 16), x1A = v128.load(x + xStride), x1B = v128.load(x + xStride, 16);
    const w0A = fourValues(type, w, 0, bitsA), w0B = fourValues(type, w, 4, bitsB);
    a00 = f32x4.add(a00, f32x4.mul(w0A, x0A));
    b00 = f32x4.add(b00, f32x4.mul(w0B, x0B));
    a10 = f32x4.add(a10, f32x4.mul(w0A, x1A));
    b10 = f32x4.add(b10, f32x4.mul(w0B, x1B));
    const w1A = fourValues(type, w, 8, bitsA), w1B = fourValues(type, w, 12, bitsB);
    a01 = f32x4.add(a01, f32x4.mul(w1A, x0A));
    b01 = f32x4.add(b01, f32x4.mul(w1B, x0B));
    a11 = f32x4.add(a11, f32x4.mul(w1A, x1A));
    b11 = f32x4.add(b11, f32x4.mul(w1B, x1B));
    w += 32 * valueBytes(type);
    x += 32;
  }
  const sums = scratch + SUMS;
  keep(sums, a00, b00);
  keep(sums + 32, a10, b10);
  keep(sums + 64, a01, b01);
  keep(sums + 96, a11, b11);
  store<f32>(out, total(sums));
  store<f32>(out + outStride, total(sums + 32));
  if (nRows < 2) return;
  store<f32>(out, total(sums + 64), 4);
  store<f32>(out + outStride, total(sums + 96), 4);
}

/** Groups of four rows, which take turns, times one vector. */
// @ts-ignore: decorator
@inline
function multiplyRows(type: i32, w: usize, x: usize, nBlocks: i32, nTurns: i32, out: usize, nRows: i32): void {
  const blockBytes = 32 * valueBytes(type);
  const piece = pieceOf(nTurns, nBlocks, blockBytes);
  const sums = scratch + SUMS;
  clear(sums, <usize>((nRows + 3) >> 2) << 7);
  for (let block = 0; block < nBlocks; block += piece) {
    const n = min(piece, nBlocks - block);
    let from = w + <usize>block * blockBytes, to = sums;
    for (let group = 0; group < nRows; group += 4) {
      multiplyOne(type, from, x + (<usize>block << 5), n, to);
      from += <usize>nBlocks * blockBytes;
      to += 128;
    }
  }
  for (let row = 0; row < nRows; row++) store<f32>(out + (row << 2), total(sums + (<usize>row << 5)));
}

/** As `multiply` in nibble-types.ts; `nValues` is the length of a row. */
// @ts-ignore: decorator
@inline
function multiply(
  type: i32, weights: usize, activations: usize, out: usize,
  rowStart: i32, rowEnd: i32, nValues: i32, nVectors: i32, outStride: i32,
): void {
  const nBlocks = (nValues + COLUMNS - 1) / COLUMNS;
  const xBytes = <usize>nBlocks << 5, outBytes = <usize>outStride << 2;
  const fourRows = <usize>nBlocks * 32 * valueBytes(type);
  for (let first = 0; first < nVectors; first += TILE) {
    const width = min(TILE, nVectors - first);
    const nTurns = width == 1 ? turnsOf(1, rowEnd - rowStart, 2 * fourRows) : 1;
    let w = weights + <usize>(rowStart >> 2) * fourRows;
    for (let row = rowStart; row < rowEnd; row += nTurns << 2) {
      const nRows = min(nTurns << 2, rowEnd - row);
      let x = activations + <usize>first * xBytes, to = out + <usize>first * outBytes + (<usize>row << 2);
      // rows that were read for the first vectors are in the cache for the others
      for (let v = width; v > 1; v -= 2) {
        multiplyTwo(type, w, x, xBytes, nBlocks, to, outBytes, nRows);
        if (nRows > 2) multiplyTwo(type, w + 16 * valueBytes(type), x, xBytes, nBlocks, to + 8, outBytes, nRows - 2);
        x += 2 * xBytes;
        to += 2 * outBytes;
      }
      if (width & 1) multiplyRows(type, w, x, nBlocks, nTurns, to, nRows);
      w += fourRows * nTurns;
    }
  }
}

export function multiply_f16_lanes(
  w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nValues: i32, nVectors: i32, outStride: i32,
): void {
  multiply(F16, w, x, out, rowStart, rowEnd, nValues, nVectors, outStride);
}
export function multiply_bf16_lanes(
  w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nValues: i32, nVectors: i32, outStride: i32,
): void {
  multiply(BF16, w, x, out, rowStart, rowEnd, nValues, nVectors, outStride);
}
export function multiply_f32_lanes(
  w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nValues: i32, nVectors: i32, outStride: i32,
): void {
  multiply(F32, w, x, out, rowStart, rowEnd, nValues, nVectors, outStride);
}

// @ts-ignore: decorator
@inline
function packVectors(type: i32, src: usize, dst: usize, nVectors: i32, nValues: i32): void {
  const padding = -nValues & (COLUMNS - 1);
  for (; nVectors > 0; nVectors--) {
    for (let i = 0; i < nValues; i++, src += 4, dst += 4) {
      const x = load<f32>(src);
      const half = type == F16 ? roundToHalf(x) * <f32>5192296858534827628530496329220096.0 : x; // 2^112
      store<f32>(dst, type == BF16 ? roundToBf16(x) : half);
    }
    for (let i = 0; i < padding; i++, dst += 4) store<f32>(dst, 0);
  }
}

export function pack_activations_f16_lanes(src: usize, dst: usize, nVectors: i32, nValues: i32): void {
  packVectors(F16, src, dst, nVectors, nValues);
}
export function pack_activations_bf16_lanes(src: usize, dst: usize, nVectors: i32, nValues: i32): void {
  packVectors(BF16, src, dst, nVectors, nValues);
}
export function pack_activations_f32_lanes(src: usize, dst: usize, nVectors: i32, nValues: i32): void {
  packVectors(F32, src, dst, nVectors, nValues);
}

/** As `repack_f16` in repack.ts. */
// @ts-ignore: decorator
@inline
function repack(type: i32, src: usize, dst: usize, nRows: i32, nValues: i32): i32 {
  const bytes = valueBytes(type);
  const fourRows = <usize>((nValues + COLUMNS - 1) / COLUMNS) * 32 * bytes;
  let nBad = 0;
  for (let row = 0; row < nRows; row++) {
    if ((row & 7) == 0 && (nRows - row < 8 || (nValues & 7) != 0)) memory.fill(dst + <usize>(row >> 2) * fourRows, 0, 2 * fourRows);
    const start = dst + <usize>(row >> 2) * fourRows + <usize>((row & 3) << 3) * bytes;
    for (let i = 0; i < nValues; i++, src += bytes) {
      const to = start + (<usize>(i >> 3) * 32 + (i & 7)) * bytes;
      if (type != F32) {
        const half = load<u16>(src);
        nBad += <i32>!(type == F16 ? isFinite16(half) : isFiniteBf16(half));
        store<u16>(to, half);
      } else {
        const bits = load<u32>(src);
        nBad += <i32>((bits & 0x7f800000) == 0x7f800000);
        store<u32>(to, bits);
      }
    }
  }
  return nBad;
}

export function repack_f16_lanes(src: usize, dst: usize, nRows: i32, nValues: i32): i32 {
  return repack(F16, src, dst, nRows, nValues);
}
export function repack_bf16_lanes(src: usize, dst: usize, nRows: i32, nValues: i32): i32 {
  return repack(BF16, src, dst, nRows, nValues);
}
export function repack_f32_lanes(src: usize, dst: usize, nRows: i32, nValues: i32): i32 {
  return repack(F32, src, dst, nRows, nValues);
}
