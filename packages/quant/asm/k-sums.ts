// K types of which a super-block's products have one sum: Q2_K, and in the arithmetic `lanes` Q3_K, Q4_K, Q5_K and Q6_K as well. Matrix
// times vectors, 8 rows at a time. Read nibble-types.ts first.
//
// A super-block has 16 groups of 16 values with a scale each, or 8 of 32 (Q4_K, Q5_K). Two neighbouring groups are a couple. A register
// has one row in each 32-bit lane (half A rows 0 … 3, half B rows 4 … 7), two values of either group: chunk k of a couple is
//
//   byte  0 … 1                                 2 … 3
//         values 2k, 2k + 1 of its first group, values 2k, 2k + 1 of its second
//
// so that a product of bytes gives 16-bit sums (first group, second group), which are added as long as they fit; multiplying those by the
// 16-bit scales of the two groups gives the row's 32-bit sum. Eight chunks are a step: all of a couple of 32 values, half of one of 64.
// Each of the 8 steps of a super-block has 32 bytes of a vector.
//
// A group of 8 rows holds, for each column of super-blocks, first what is needed first: words of scales, one 32-bit lane per row, A and B
// each (32 bytes):
//
//   Q2_K          2 words: 16-bit halves g = 0, 1 of nibbles k: group 2(4i + k) + g
//   Q4_K, Q5_K    2 words: bytes of groups 4i, 4i + 2, 4i + 1, 4i + 3
//   Q3_K, Q6_K    4 words: the same, signed
//
// minimums in two such words (Q2_K, Q4_K and Q5_K only), d: f16 of rows 0 … 7, dmin: f16 of rows 0 … 7 (16 bytes each; dmin where there
// are minimums); and then the levels in units of 32 bytes, A and B:
//
//   Q2_K   for each couple  2 units: chunk 4j + m in bits 2m, 2m + 1 of unit j
//   Q3_K                    the same, 1 unit: third bit of chunk k in bit k
//   Q4_K                    8 units: chunk k low, k + 8 high nibble
//   Q5_K                    the same, 2 units: fifth bit of chunk 8j + k in bit k of unit j
//   Q6_K   for two couples  8 units: chunk k of the first low, of the second high nibble; for each couple
//                           2 units: high two bits of chunk 4j + m in bits 2m, 2m + 1 of unit j
//
// Activations (activations.ts): for each tile of up to 32 vectors, super-block after super-block, per vector:
//
//   Q4_K, Q5_K         256 bytes in chunks: q, 8 sums of groups: i16, d: f32, 12 zeros
//   Q2_K, Q3_K, Q6_K   256 bytes in chunks: q, 16 sums of groups: i16, d: f32, 12 zeros
//
// Levels are stored from 0 up, but mean -4 … 3 (Q3_K) and -32 … 31 (Q6_K): sums begin with that much less.

import { dot2 } from "./byte-dot";
import { hasMinimums, isOffset, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K } from "./k-layout";
import { nibbles, twoBits } from "./k-levels";
import { minimumSums } from "./k-minimums";
import {
  BIT2, BIT4, BITS01, BITS45, clear, f32FromHalf, HALF_BITS, HALF_UNIT, LOW_BYTE, LOW_NIBBLE, NIBBLE, pieceOf, scratch,
  storeGroups, SUMS, TILE, turnsOf,
} from "./vectors";

// Every function is inlined with a constant `type`: what belongs to other types disappears.

// Working memory, from `scratch`:
// @ts-ignore: decorator
@inline const SCALES: usize = SUMS; // (8, 2): 16-bit scales of each couple
// @ts-ignore: decorator
@inline const TOTALS: usize = SUMS + 256; // (TILE, 8): one integer sum per row
// @ts-ignore: decorator
@inline const ROWS: usize = SUMS + 1280; // (TILE, 8), or of fewer vectors of several groups: one binary32 sum per row

/** Groups of 32 values. */
// @ts-ignore: decorator
@inline
function isLong(type: i32): bool {
  return type == Q4_K || type == Q5_K;
}

/** Whether units of nibbles hold two steps. */
// @ts-ignore: decorator
@inline
function isDouble(type: i32): bool {
  return isLong(type) || type == Q6_K;
}

/** Bytes of the levels of a step, or of two where units hold two. */
// @ts-ignore: decorator
@inline
export function stepBytes(type: i32): usize {
  return type == Q2_K ? 64 : type == Q3_K ? 96 : type == Q4_K ? 256 : type == Q5_K ? 320 : 384;
}

/** Where d is; scales are in the first bytes, minimums, if there are any, in the 64 before d. */
// @ts-ignore: decorator
@inline export const UNITS_OFFSET: usize = 128; // four words of scales, or two of scales and two of minimums

// @ts-ignore: decorator
@inline
export function levelsOffset(type: i32): usize {
  return UNITS_OFFSET + (hasMinimums(type) ? 32 : 16);
}

// @ts-ignore: decorator
@inline
export function sumColumnBytes(type: i32): usize {
  return levelsOffset(type) + (isDouble(type) ? 4 : 8) * stepBytes(type);
}

// @ts-ignore: decorator
@inline
function vectorBytes(type: i32): usize {
  return isLong(type) ? 288 : 304;
}

/** The words of scales at `t` to 16-bit scales of each couple. */
// @ts-ignore: decorator
@inline
function unpackScales(type: i32, t: usize): void {
  const to = scratch + SCALES;
  if (type == Q2_K) {
    const maskA = v128.load(scratch, LOW_NIBBLE), maskB = v128.load(scratch, LOW_NIBBLE + 16);
    for (let i: usize = 0; i < 2; i++) {
      const a = v128.load(t + (i << 5)), b = v128.load(t + (i << 5), 16), at = to + (i << 7);
      v128.store(at, v128.and(b, maskB), 16);
      v128.store(at, v128.and(a, maskA));
      v128.store(at, v128.and(i16x8.shr_u(b, 4), maskB), 48);
      v128.store(at, v128.and(i16x8.shr_u(a, 4), maskA), 32);
      v128.store(at, v128.and(i16x8.shr_u(b, 8), maskB), 80);
      v128.store(at, v128.and(i16x8.shr_u(a, 8), maskA), 64);
      v128.store(at, i16x8.shr_u(b, 12), 112);
      v128.store(at, i16x8.shr_u(a, 12), 96);
    }
    return;
  }
  const maskA = v128.load(scratch, LOW_BYTE), maskB = v128.load(scratch, LOW_BYTE + 16);
  for (let i: usize = 0; i < (isOffset(type) ? 4 : 2); i++) {
    const a = v128.load(t + (i << 5)), b = v128.load(t + (i << 5), 16), at = to + (i << 6);
    if (isOffset(type)) {
      v128.store(at, i16x8.shr_s(i16x8.shl(b, 8), 8), 16);
      v128.store(at, i16x8.shr_s(i16x8.shl(a, 8), 8));
      v128.store(at, i16x8.shr_s(b, 8), 48);
      v128.store(at, i16x8.shr_s(a, 8), 32);
    } else {
      v128.store(at, v128.and(b, maskB), 16);
      v128.store(at, v128.and(a, maskA));
      v128.store(at, i16x8.shr_u(b, 8), 48);
      v128.store(at, i16x8.shr_u(a, 8), 32);
    }
  }
}

/** Σ scale · sum of the group's activations, of four rows; `s` is where their scales begin. */
// @ts-ignore: decorator
@inline
function groupSums(s: usize, x: usize): v128 {
  const sum0 = i32x4.add(
    i32x4.dot_i16x8_s(v128.load(s), v128.load32_splat(x, 256)),
    i32x4.dot_i16x8_s(v128.load(s, 32), v128.load32_splat(x, 260)),
  );
  const sum1 = i32x4.add(
    i32x4.dot_i16x8_s(v128.load(s, 64), v128.load32_splat(x, 264)),
    i32x4.dot_i16x8_s(v128.load(s, 96), v128.load32_splat(x, 268)),
  );
  const sum2 = i32x4.add(
    i32x4.dot_i16x8_s(v128.load(s, 128), v128.load32_splat(x, 272)),
    i32x4.dot_i16x8_s(v128.load(s, 160), v128.load32_splat(x, 276)),
  );
  const sum3 = i32x4.add(
    i32x4.dot_i16x8_s(v128.load(s, 192), v128.load32_splat(x, 280)),
    i32x4.dot_i16x8_s(v128.load(s, 224), v128.load32_splat(x, 284)),
  );
  return i32x4.add(i32x4.add(sum0, sum1), i32x4.add(sum2, sum3));
}

/** What the sums of a super-block begin with. */
// @ts-ignore: decorator
@inline
function startTotals(type: i32, x: usize, nVectors: i32): void {
  const s = scratch + SCALES, shift = type == Q3_K ? 2 : 5;
  let totals = scratch + TOTALS;
  for (let v = nVectors; v > 0; v--) {
    const a = isOffset(type) ? i32x4.neg(i32x4.shl(groupSums(s, x), shift)) : i32x4.splat(0);
    const b = isOffset(type) ? i32x4.neg(i32x4.shl(groupSums(s + 16, x), shift)) : i32x4.splat(0);
    v128.store(totals, b, 16);
    v128.store(totals, a);
    totals += 32;
    x += vectorBytes(type);
  }
}

/** Levels of chunk `k` of a step from its unit `u` and those with upper bits. */
// @ts-ignore: decorator
@inline
function chunk(type: i32, isSecond: bool, k: i32, u: v128, high: v128, low: v128, upper: v128): v128 {
  if (isDouble(type)) return nibbles(type, u, isSecond, high, k, low, upper);
  return twoBits(type, u, k & 3, high, k, low, upper);
}

/** Scaled integer sums of a step for four rows: x are 4 bytes of the vector each, in all lanes, l the levels of the chunks. */
// @ts-ignore: decorator
@inline
function stepSums(
  type: i32, scale: v128, x: usize, l0: v128, l1: v128, l2: v128, l3: v128, l4: v128, l5: v128, l6: v128, l7: v128,
): v128 {
  const p01 = i16x8.add(dot2(v128.load32_splat(x), l0), dot2(v128.load32_splat(x, 4), l1));
  const p23 = i16x8.add(dot2(v128.load32_splat(x, 8), l2), dot2(v128.load32_splat(x, 12), l3));
  const p45 = i16x8.add(dot2(v128.load32_splat(x, 16), l4), dot2(v128.load32_splat(x, 20), l5));
  const p67 = i16x8.add(dot2(v128.load32_splat(x, 24), l6), dot2(v128.load32_splat(x, 28), l7));
  if (type == Q6_K) { // two fit into 16 bits: 2 · 2 · 63 · 127 = 32,004
    const low = i32x4.add(i32x4.dot_i16x8_s(p01, scale), i32x4.dot_i16x8_s(p23, scale));
    return i32x4.add(low, i32x4.add(i32x4.dot_i16x8_s(p45, scale), i32x4.dot_i16x8_s(p67, scale)));
  }
  const low = i16x8.add(p01, p23), high = i16x8.add(p45, p67);
  // four fit: 4 · 2 · 31 · 127 = 31,496; of the others eight: 8 · 2 · 15 · 127 = 30,480
  if (type == Q5_K) return i32x4.add(i32x4.dot_i16x8_s(low, scale), i32x4.dot_i16x8_s(high, scale));
  return i32x4.dot_i16x8_s(i16x8.add(low, high), scale);
}

/** Adds a step, the second in units of nibbles or not, to the sums of each vector; `s` is where the couple's scales are. */
// @ts-ignore: decorator
@inline
function addStep(type: i32, isSecond: bool, w: usize, s: usize, x: usize, nVectors: i32): void {
  const double = isDouble(type);
  const a0 = v128.load(w), b0 = v128.load(w, 16), a4 = double ? v128.load(w, 128) : v128.load(w, 32);
  const b4 = double ? v128.load(w, 144) : v128.load(w, 48);
  const a1 = double ? v128.load(w, 32) : a0, b1 = double ? v128.load(w, 48) : b0;
  const a2 = double ? v128.load(w, 64) : a0, b2 = double ? v128.load(w, 80) : b0;
  const a3 = double ? v128.load(w, 96) : a0, b3 = double ? v128.load(w, 112) : b0;
  const a5 = double ? v128.load(w, 160) : a4, b5 = double ? v128.load(w, 176) : b4;
  const a6 = double ? v128.load(w, 192) : a4, b6 = double ? v128.load(w, 208) : b4;
  const a7 = double ? v128.load(w, 224) : a4, b7 = double ? v128.load(w, 240) : b4;
  const h = type == Q3_K ? w + 64 : type == Q5_K ? w + (isSecond ? 288 : 256) : type == Q6_K ? w + (isSecond ? 320 : 256) : w;
  const hA0 = v128.load(h), hB0 = v128.load(h, 16);
  const hA4 = type == Q6_K ? v128.load(h, 32) : hA0, hB4 = type == Q6_K ? v128.load(h, 48) : hB0;

  const lowA = double ? v128.load(scratch, NIBBLE) : v128.load(scratch, BITS01);
  const lowB = double ? v128.load(scratch, NIBBLE + 16) : v128.load(scratch, BITS01 + 16);
  const upA = type == Q3_K ? v128.load(scratch, BIT2) : type == Q5_K ? v128.load(scratch, BIT4) : v128.load(scratch, BITS45);
  const upB = type == Q3_K ? v128.load(scratch, BIT2 + 16)
    : type == Q5_K ? v128.load(scratch, BIT4 + 16) : v128.load(scratch, BITS45 + 16);
  const lA0 = chunk(type, isSecond, 0, a0, hA0, lowA, upA), lB0 = chunk(type, isSecond, 0, b0, hB0, lowB, upB);
  const lA1 = chunk(type, isSecond, 1, a1, hA0, lowA, upA), lB1 = chunk(type, isSecond, 1, b1, hB0, lowB, upB);
  const lA2 = chunk(type, isSecond, 2, a2, hA0, lowA, upA), lB2 = chunk(type, isSecond, 2, b2, hB0, lowB, upB);
  const lA3 = chunk(type, isSecond, 3, a3, hA0, lowA, upA), lB3 = chunk(type, isSecond, 3, b3, hB0, lowB, upB);
  const lA4 = chunk(type, isSecond, 4, a4, hA4, lowA, upA), lB4 = chunk(type, isSecond, 4, b4, hB4, lowB, upB);
  const lA5 = chunk(type, isSecond, 5, a5, hA4, lowA, upA), lB5 = chunk(type, isSecond, 5, b5, hB4, lowB, upB);
  const lA6 = chunk(type, isSecond, 6, a6, hA4, lowA, upA), lB6 = chunk(type, isSecond, 6, b6, hB4, lowB, upB);
  const lA7 = chunk(type, isSecond, 7, a7, hA4, lowA, upA), lB7 = chunk(type, isSecond, 7, b7, hB4, lowB, upB);
  const sA = v128.load(s), sB = v128.load(s, 16);
  let totals = scratch + TOTALS;
  for (let v = nVectors; v > 0; v--) {
    const a = stepSums(type, sA, x, lA0, lA1, lA2, lA3, lA4, lA5, lA6, lA7);
    const b = stepSums(type, sB, x, lB0, lB1, lB2, lB3, lB4, lB5, lB6, lB7);
    const newA = i32x4.add(a, v128.load(totals)), newB = i32x4.add(b, v128.load(totals, 16));
    v128.store(totals, newB, 16);
    v128.store(totals, newA);
    totals += 32;
    x += vectorBytes(type);
  }
}

/** Adds the sums of a super-block, scaled, less what minimums contribute, to those of the rows; `t` is where d is. */
// @ts-ignore: decorator
@inline
function addTotals(type: i32, t: usize, x: usize, nVectors: i32, rows: usize): void {
  const bitsA = v128.load(scratch, HALF_BITS), bitsB = v128.load(scratch, HALF_BITS + 16);
  const unitA = v128.load(scratch, HALF_UNIT), unitB = v128.load(scratch, HALF_UNIT + 16);
  const maskA = type == Q2_K ? v128.load(scratch, LOW_NIBBLE) : v128.load(scratch, LOW_BYTE);
  const maskB = type == Q2_K ? v128.load(scratch, LOW_NIBBLE + 16) : v128.load(scratch, LOW_BYTE + 16);
  const dA = f32FromHalf(v128.load_ext<i16>(t), bitsA, unitA), dB = f32FromHalf(v128.load_ext<i16>(t, 8), bitsB, unitB);
  const hasMins = hasMinimums(type);
  const minA = hasMins ? f32FromHalf(v128.load_ext<i16>(t, 16), bitsA, unitA) : dA;
  const minB = hasMins ? f32FromHalf(v128.load_ext<i16>(t, 24), bitsB, unitB) : dB;
  const m = t - 64;
  const a0 = v128.load(m), b0 = v128.load(m, 16), a1 = v128.load(m, 32), b1 = v128.load(m, 48);
  let totals = scratch + TOTALS;
  for (let v = nVectors; v > 0; v--) {
    const dy = isLong(type) ? v128.load32_splat(x, 272) : v128.load32_splat(x, 288);
    let plusA = f32x4.mul(f32x4.mul(dA, dy), f32x4.convert_i32x4_s(v128.load(totals)));
    let plusB = f32x4.mul(f32x4.mul(dB, dy), f32x4.convert_i32x4_s(v128.load(totals, 16)));
    if (hasMins) {
      const mA = f32x4.convert_i32x4_s(minimumSums(type, a0, a1, x, maskA));
      const mB = f32x4.convert_i32x4_s(minimumSums(type, b0, b1, x, maskB));
      plusA = f32x4.sub(plusA, f32x4.mul(f32x4.mul(minA, dy), mA));
      plusB = f32x4.sub(plusB, f32x4.mul(f32x4.mul(minB, dy), mB));
    }
    const newA = f32x4.add(v128.load(rows), plusA), newB = f32x4.add(v128.load(rows, 16), plusB);
    v128.store(rows, newB, 16);
    v128.store(rows, newA);
    x += vectorBytes(type);
    totals += 32;
    rows += 32;
  }
}

/** Adds a group of rows times one vector or a tile of them to (nVectors, 8) sums at `sums`. */
// @ts-ignore: decorator
@inline
function multiplyGroup(type: i32, w: usize, x: usize, nBlocks: i32, nVectors: i32, sums: usize): void {
  for (; nBlocks > 0; nBlocks--) {
    const t = w + UNITS_OFFSET, end = w + sumColumnBytes(type);
    unpackScales(type, w);
    startTotals(type, x, nVectors);
    let s = scratch + SCALES, at = x;
    for (w += levelsOffset(type); w < end; w += stepBytes(type)) {
      addStep(type, false, w, s, at, nVectors);
      if (isDouble(type)) addStep(type, true, w, type == Q6_K ? s + 32 : s, at + 32, nVectors);
      at += isDouble(type) ? 64 : 32;
      s += type == Q6_K ? 64 : 32;
    }
    addTotals(type, t, x, nVectors, sums);
    x += <usize>nVectors * vectorBytes(type);
  }
}

/** As `multiply` in nibble-types.ts; `nBlocks` counts super-blocks. */
// @ts-ignore: decorator
@inline
function multiply(
  type: i32, weights: usize, activations: usize, out: usize,
  rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32,
): void {
  const groupBytes = <usize>nBlocks * sumColumnBytes(type);
  const sums = scratch + ROWS;
  for (let first = 0; first < nVectors; first += TILE) {
    const width = min(TILE, nVectors - first);
    const x = activations + <usize>first * <usize>nBlocks * vectorBytes(type);
    const nTurns = turnsOf(width, rowEnd - rowStart, groupBytes);
    const piece = pieceOf(nTurns, nBlocks, sumColumnBytes(type));
    let w = weights + <usize>(rowStart >> 3) * groupBytes;
    for (let row = rowStart; row < rowEnd; row += nTurns << 3) {
      const nRows = min(nTurns << 3, rowEnd - row);
      clear(sums, <usize>((nRows + 7) >> 3) * <usize>width << 5);
      for (let block = 0; block < nBlocks; block += piece) {
        const n = min(piece, nBlocks - block), at = x + <usize>block * <usize>width * vectorBytes(type);
        let from = w + <usize>block * sumColumnBytes(type), to = sums;
        for (let group = 0; group < nRows; group += 8) {
          multiplyGroup(type, from, at, n, width, to);
          from += groupBytes;
          to += <usize>width << 5;
        }
      }
      storeGroups(out + ((<usize>first * <usize>outStride + <usize>row) << 2), sums, nRows, width, outStride);
      w += groupBytes * nTurns;
    }
  }
}

export function multiply_q2_K(
  w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32,
): void {
  multiply(Q2_K, w, x, out, rowStart, rowEnd, nBlocks, nVectors, outStride);
}
export function multiply_q3_K_lanes(
  w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32,
): void {
  multiply(Q3_K, w, x, out, rowStart, rowEnd, nBlocks, nVectors, outStride);
}
export function multiply_q4_K_lanes(
  w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32,
): void {
  multiply(Q4_K, w, x, out, rowStart, rowEnd, nBlocks, nVectors, outStride);
}
export function multiply_q5_K_lanes(
  w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32,
): void {
  multiply(Q5_K, w, x, out, rowStart, rowEnd, nBlocks, nVectors, outStride);
}
export function multiply_q6_K_lanes(
  w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32,
): void {
  multiply(Q6_K, w, x, out, rowStart, rowEnd, nBlocks, nVectors, outStride);
}
