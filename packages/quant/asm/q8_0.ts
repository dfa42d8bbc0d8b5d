// Q8_0: matrix times vectors, 8 rows at a time. Read nibble-types.ts first; this is the same with whole bytes.
//
// A group of 8 rows holds, for each block column of 32 values:
//
//   byte  0       16      32            240      256                     272
//         ├─ A·p0 ┼─ B·p0 ┼─ A·p1 … A·p7 ┼─ B·p7 ┼─ d of rows 0 … 7: f16 ┤
//
//   vector      bytes 0 … 7               bytes 8 … 15           (half A; half B has rows 4 … 7; k = 0 … 3)
//   p_(2k)      row 0, qs[8k … 8k+7]      row 1, qs[8k … 8k+7]
//   p_(2k+1)    row 2, qs[8k … 8k+7]      row 3, qs[8k … 8k+7]
//
// The relaxed byte product takes 7 bits on one side, and here both sides have 8. What it makes of an eighth bit is the processor's
// choice, the same for all products: with AVX-VNNI bytes are 0 … 255, elsewhere they may be signed, or sums saturate. `initialize` asks.
// In the first case activations are stored as q + 128, and 128 · Σw is taken away, once for all vectors; in the second as they are. In
// the last they are stored as positive and negative parts, each 0 … 127, of which only the _pairs kernels make products.
//
// Activations: for each tile of up to 32 vectors, block after block, 80 bytes per vector:
//
//   byte  0                        32                       64       68      80
//         ├─ max(q, 0): 32 bytes ──┼─ max(-q, 0): 32 bytes ─┼─ d: f32┼─ 0 ───┤
//         ├─ q + 128, or q ────────┼─ max(-q, 0), not used ──┼─ d: f32┼─ 0 ───┤

import { dot2, dot4, signedDot4, widened } from "./byte-dot";
import {
  clear, excess, f32FromHalf, HALF_BITS, HALF_UNIT, joinPairs, ONE16, pieceOf, scratch, storeGroups, SUMS, TILE, turnsOf,
} from "./vectors";

// @ts-ignore: decorator
@inline const COLUMN_BYTES: usize = 272;
// @ts-ignore: decorator
@inline const VECTOR_BYTES: usize = 80;

/**
 * w0·q0 + w1·q1 in each 16-bit lane; `p` and `n` are the positive and negative parts of q. At most 2 · 128 · 127 = 32,512 in magnitude.
 */
// @ts-ignore: decorator
@inline
export function signedDot2(w: v128, p: v128, n: v128): v128 {
  return i16x8.sub(dot2(w, p), dot2(w, n));
}

/** sum - 128 · Σw of two rows if the vectors are q + 128; w0 … w3 are their 32 values. */
// @ts-ignore: decorator
@inline
export function withoutExcess(pairs: bool, sum: v128, w0: v128, w1: v128, w2: v128, w3: v128): v128 {
  if (pairs || !ASC_FEATURE_RELAXED_SIMD) return sum;
  const by = i8x16.splat(<i8>excess);
  return i32x4.sub(sum, dot4(w3, by, dot4(w2, by, dot4(w1, by, dot4(w0, by, i32x4.splat(0))))));
}

/** start + sums of two rows: w0 … w3 are their 32 values, p and n the parts of the vector, each 8 values twice; or p is all of it. */
// @ts-ignore: decorator
@inline
export function twoRows(
  pairs: bool, ones: v128, start: v128,
  w0: v128, w1: v128, w2: v128, w3: v128,
  p0: v128, p1: v128, p2: v128, p3: v128,
  n0: v128, n1: v128, n2: v128, n3: v128,
): v128 {
  if (pairs) {
    const sum0 = widened(signedDot2(w0, p0, n0), ones, start), sum1 = widened(signedDot2(w1, p1, n1), ones, sum0);
    return widened(signedDot2(w3, p3, n3), ones, widened(signedDot2(w2, p2, n2), ones, sum1));
  }
  if (ASC_FEATURE_RELAXED_SIMD) return dot4(w3, p3, dot4(w2, p2, dot4(w1, p1, dot4(w0, p0, start))));
  const low = signedDot4(w1, i8x16.sub(p1, n1), signedDot4(w0, i8x16.sub(p0, n0), start));
  return signedDot4(w3, i8x16.sub(p3, n3), signedDot4(w2, i8x16.sub(p2, n2), low));
}

/** sums · (d · dy): build 803 multiplies the scales first. */
// @ts-ignore: decorator
@inline
function scaled(rows01: v128, rows23: v128, d: v128, dy: v128): v128 {
  return f32x4.mul(f32x4.convert_i32x4_s(joinPairs(rows01, rows23)), f32x4.mul(d, dy));
}

/** Adds a group of rows times one vector or a tile of them to (nVectors, 8) sums at `sums`. */
// @ts-ignore: decorator
@inline
function multiplyGroup(pairs: bool, single: bool, w: usize, x: usize, nBlocks: i32, nVectors: i32, sums: usize): void {
  const bitsA = v128.load(scratch, HALF_BITS), bitsB = v128.load(scratch, HALF_BITS + 16);
  const unitA = v128.load(scratch, HALF_UNIT), unitB = v128.load(scratch, HALF_UNIT + 16);
  const onesA = v128.load(scratch, ONE16), onesB = v128.load(scratch, ONE16 + 16);
  const zero = i32x4.splat(0);
  let sumA = f32x4.splat(0), sumB = f32x4.splat(0);
  if (single) {
    sumA = v128.load(sums);
    sumB = v128.load(sums, 16);
  }

  for (; nBlocks > 0; nBlocks--) {
    const a0 = v128.load(w, 0), b0 = v128.load(w, 16), a1 = v128.load(w, 32), b1 = v128.load(w, 48);
    const a2 = v128.load(w, 64), b2 = v128.load(w, 80), a3 = v128.load(w, 96), b3 = v128.load(w, 112);
    const a4 = v128.load(w, 128), b4 = v128.load(w, 144), a5 = v128.load(w, 160), b5 = v128.load(w, 176);
    const a6 = v128.load(w, 192), b6 = v128.load(w, 208), a7 = v128.load(w, 224), b7 = v128.load(w, 240);
    let dA = sumA, dB = sumB;
    let startA01 = zero, startB01 = zero, startA23 = zero, startB23 = zero;
    if (!single) {
      startA01 = withoutExcess(pairs, zero, a0, a2, a4, a6);
      startB01 = withoutExcess(pairs, zero, b0, b2, b4, b6);
      startA23 = withoutExcess(pairs, zero, a1, a3, a5, a7);
      startB23 = withoutExcess(pairs, zero, b1, b3, b5, b7);
      dA = f32FromHalf(v128.load_ext<i16>(w, 256), bitsA, unitA);
      dB = f32FromHalf(v128.load_ext<i16>(w, 264), bitsB, unitB);
    }
    let s = sums;
    for (let v = nVectors; v > 0; v--) {
      const p0 = v128.load64_splat(x), p1 = v128.load64_splat(x, 8);
      const p2 = v128.load64_splat(x, 16), p3 = v128.load64_splat(x, 24);
      const n0 = v128.load64_splat(x, 32), n1 = v128.load64_splat(x, 40);
      const n2 = v128.load64_splat(x, 48), n3 = v128.load64_splat(x, 56);
      let a01 = twoRows(pairs, onesA, startA01, a0, a2, a4, a6, p0, p1, p2, p3, n0, n1, n2, n3);
      let b01 = twoRows(pairs, onesB, startB01, b0, b2, b4, b6, p0, p1, p2, p3, n0, n1, n2, n3);
      let a23 = twoRows(pairs, onesA, startA23, a1, a3, a5, a7, p0, p1, p2, p3, n0, n1, n2, n3);
      let b23 = twoRows(pairs, onesB, startB23, b1, b3, b5, b7, p0, p1, p2, p3, n0, n1, n2, n3);
      if (single) { // only now, as in nibble-types.ts
        a01 = withoutExcess(pairs, a01, a0, a2, a4, a6);
        b01 = withoutExcess(pairs, b01, b0, b2, b4, b6);
        a23 = withoutExcess(pairs, a23, a1, a3, a5, a7);
        b23 = withoutExcess(pairs, b23, b1, b3, b5, b7);
        dA = f32FromHalf(v128.load_ext<i16>(w, 256), bitsA, unitA);
        dB = f32FromHalf(v128.load_ext<i16>(w, 264), bitsB, unitB);
      }
      const dy = v128.load32_splat(x, 64);
      const tA = scaled(a01, a23, dA, dy), tB = scaled(b01, b23, dB, dy);
      x += VECTOR_BYTES;
      if (single) {
        sumA = f32x4.add(sumA, tA);
        sumB = f32x4.add(sumB, tB);
        break;
      }
      const newA = f32x4.add(tA, v128.load(s)), newB = f32x4.add(tB, v128.load(s, 16));
      v128.store(s, newB, 16);
      v128.store(s, newA);
      s += 32;
    }
    w += COLUMN_BYTES;
  }
  if (single) {
    v128.store(sums, sumB, 16);
    v128.store(sums, sumA);
  }
}

/** As `multiply` in nibble-types.ts. */
// @ts-ignore: decorator
@inline
function multiply(
  pairs: bool, weights: usize, activations: usize, out: usize,
  rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32,
): void {
  const groupBytes = <usize>nBlocks * COLUMN_BYTES;
  const sums = scratch + SUMS;
  for (let first = 0; first < nVectors; first += TILE) {
    const width = min(TILE, nVectors - first);
    const x = activations + <usize>first * <usize>nBlocks * VECTOR_BYTES;
    const nTurns = turnsOf(width, rowEnd - rowStart, groupBytes);
    const piece = pieceOf(nTurns, nBlocks, COLUMN_BYTES);
    let w = weights + <usize>(rowStart >> 3) * groupBytes;
    for (let row = rowStart; row < rowEnd; row += nTurns << 3) {
      const nRows = min(nTurns << 3, rowEnd - row);
      clear(sums, <usize>((nRows + 7) >> 3) * <usize>width << 5);
      for (let block = 0; block < nBlocks; block += piece) {
        const n = min(piece, nBlocks - block), at = x + <usize>block * <usize>width * VECTOR_BYTES;
        let from = w + <usize>block * COLUMN_BYTES, to = sums;
        for (let group = 0; group < nRows; group += 8) {
          if (width == 1) multiplyGroup(pairs, true, from, at, n, 1, to);
          else multiplyGroup(pairs, false, from, at, n, width, to);
          from += groupBytes;
          to += <usize>width << 5;
        }
      }
      storeGroups(out + ((<usize>first * <usize>outStride + <usize>row) << 2), sums, nRows, width, outStride);
      w += groupBytes * nTurns;
    }
  }
}

export function multiply_q8_0(
  w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32,
): void {
  if (ASC_FEATURE_RELAXED_SIMD && excess < 0) multiply_q8_0_pairs(w, x, out, rowStart, rowEnd, nBlocks, nVectors, outStride);
  else multiply(false, w, x, out, rowStart, rowEnd, nBlocks, nVectors, outStride);
}

export function multiply_q8_0_pairs(
  w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32,
): void {
  if (ASC_FEATURE_RELAXED_SIMD) multiply(true, w, x, out, rowStart, rowEnd, nBlocks, nVectors, outStride);
}
