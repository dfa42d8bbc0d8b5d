// Q4_0, Q4_1, Q5_0 and Q5_1: matrix times vectors, 8 rows at a time.
//
// A row is a sequence of blocks of 32 values. A group of 8 rows holds, for each block column:
//
//   byte  0       16      32            112     128
//         ├─ A·p0 ┼─ B·p0 ┼─ A·p1 … B·p2 ┼ A·p3 ┼ B·p3 ┤   levels: nibbles
//         ├─ A fifth bits ┼─ B fifth bits ┤                Q5_0 and Q5_1 only, 16 bytes each
//         ├─ d of rows 0 … 7: f16 ┼─ m of rows 0 … 7: f16 ┤  16 bytes each; m in Q4_1 and Q5_1 only
//
//   vector   bytes 0 … 7             bytes 8 … 15            (half A; half B has rows 4 … 7)
//   p0       row 0, qs[0] … qs[7]    row 1, qs[0] … qs[7]
//   p1       row 2, qs[0] … qs[7]    row 3, qs[0] … qs[7]
//   p2       row 0, qs[8] … qs[15]   row 1, qs[8] … qs[15]
//   p3       row 2, qs[8] … qs[15]   row 3, qs[8] … qs[15]
//
// qs[j] holds value j in its low nibble and value j + 16 in its high one, as in a file. Bit i of byte k of the fifth bits
// belongs to byte k of the low nibbles of p_i (i < 4) or the high nibbles of p_(i-4).
//
// 8 values of a vector are broadcast to both halves of a register and meet two rows at once, which gives two partial sums
// per row: half the broadcasts of a layout with one row per 32-bit lane, for two shuffles at the end of a block.
//
// Activations (activations.ts): for each tile of up to 32 vectors, block after block, 48 bytes per vector:
//
//   byte  0                32                 36      40      44        48
//         ├─ q[0] … q[31] ─┼─ start: i32 ─────┼─ 0 ───┼─ d: f32┼─ s: f32 ┤
//
// start = -8 · Σq for Q4_0, -16 · Σq for Q5_0, else 0: integer sums start there, so that levels are used as 0 … 31.

import { dot2, dot4, widened } from "./byte-dot";
import {
  BIT4, clear, f32FromHalf, HALF_BITS, HALF_UNIT, joinPairs, NIBBLE, ONE16, pieceOf, scratch, storeGroups, SUMS, TILE,
  turnsOf,
} from "./vectors";

// @ts-ignore: decorator
@inline const Q4_0 = 0;
// @ts-ignore: decorator
@inline const Q4_1 = 1;
// @ts-ignore: decorator
@inline const Q5_0 = 2;
// @ts-ignore: decorator
@inline const Q5_1 = 3;

// @ts-ignore: decorator
@inline const VECTOR_BYTES: usize = 48;

// Every function below is inlined with a constant `type`: what belongs to other types disappears.

// @ts-ignore: decorator
@inline
function columnBytes(type: i32): usize {
  return type == Q4_0 ? 144 : type == Q4_1 ? 160 : type == Q5_0 ? 176 : 192;
}

/** Low nibbles of `p`, with fifth bits moved up to bit 4 by `shift`. */
// @ts-ignore: decorator
@inline
function low(type: i32, p: v128, fifths: v128, shift: i32, nibble: v128, bit4: v128): v128 {
  const levels = v128.and(p, nibble);
  return type >= Q5_0 ? v128.or(levels, v128.and(i16x8.shl(fifths, shift), bit4)) : levels;
}

/** High nibbles of `p`, with fifth bits moved down to bit 4 by `shift`. */
// @ts-ignore: decorator
@inline
function high(type: i32, p: v128, fifths: v128, shift: i32, nibble: v128, bit4: v128): v128 {
  const levels = v128.and(i16x8.shr_u(p, 4), nibble);
  return type >= Q5_0 ? v128.or(levels, v128.and(i16x8.shr_u(fifths, shift), bit4)) : levels;
}

/**
 * Sums of a block for two rows: x0 … x3 are 8 values of the vector each, twice; l0, l2, h0, h2 the levels of the rows. With `pairs`
 * levels may be up to 31: 4 · 2 · 31 · 127 = 31,496 fits into 16 bits.
 */
// @ts-ignore: decorator
@inline
export function twoRowsOfLevels(
  pairs: bool, x0: v128, x1: v128, x2: v128, x3: v128, start: v128, ones: v128, l0: v128, l2: v128, h0: v128, h2: v128,
): v128 {
  if (!pairs) return dot4(x3, h2, dot4(x2, h0, dot4(x1, l2, dot4(x0, l0, start))));
  return widened(i16x8.add(i16x8.add(dot2(x0, l0), dot2(x1, l2)), i16x8.add(dot2(x2, h0), dot2(x3, h2))), ones, start);
}

/** The same for four rows; l and h are the levels of p0 … p3. */
// @ts-ignore: decorator
@inline
export function levelSums(
  pairs: bool, x0: v128, x1: v128, x2: v128, x3: v128, start: v128, ones: v128,
  l0: v128, l1: v128, l2: v128, l3: v128,
  h0: v128, h1: v128, h2: v128, h3: v128,
): v128 {
  const rows01 = twoRowsOfLevels(pairs, x0, x1, x2, x3, start, ones, l0, l2, h0, h2);
  const rows23 = twoRowsOfLevels(pairs, x0, x1, x2, x3, start, ones, l1, l3, h1, h3);
  return f32x4.convert_i32x4_s(joinPairs(rows01, rows23));
}

/** What a block adds to four rows. The order of the multiplications is that of build 803, type by type. */
// @ts-ignore: decorator
@inline
function scaled(type: i32, sums: v128, d: v128, m: v128, dy: v128, sy: v128): v128 {
  if (type == Q4_0) return f32x4.mul(f32x4.mul(sums, d), dy);
  const product = f32x4.mul(f32x4.mul(d, dy), sums);
  return type == Q5_0 ? product : f32x4.add(product, f32x4.mul(m, sy));
}

/**
 * Adds a group of rows times one vector or a tile of them to (nVectors, 8) sums at `sums`. With one vector the sums stay in
 * registers. With several, the unpacked levels of a block stay in registers and a loop over the vectors adds to sums in
 * memory: straight-line code for 8 vectors spills, and reached 117 GMAC/s where this loop reaches 190.
 */
// @ts-ignore: decorator
@inline
function multiplyGroup(type: i32, pairs: bool, single: bool, w: usize, x: usize, nBlocks: i32, nVectors: i32, sums: usize): void {
  const hasMin = type == Q4_1 || type == Q5_1;
  const nibbleA = v128.load(scratch, NIBBLE), nibbleB = v128.load(scratch, NIBBLE + 16);
  const bit4A = v128.load(scratch, BIT4), bit4B = v128.load(scratch, BIT4 + 16);
  const bitsA = v128.load(scratch, HALF_BITS), bitsB = v128.load(scratch, HALF_BITS + 16);
  const unitA = v128.load(scratch, HALF_UNIT), unitB = v128.load(scratch, HALF_UNIT + 16);
  const onesA = v128.load(scratch, ONE16), onesB = v128.load(scratch, ONE16 + 16);
  let sumA = f32x4.splat(0), sumB = f32x4.splat(0);
  if (single) {
    sumA = v128.load(sums);
    sumB = v128.load(sums, 16);
  }

  for (; nBlocks > 0; nBlocks--) {
    const a0 = v128.load(w, 0), b0 = v128.load(w, 16), a1 = v128.load(w, 32), b1 = v128.load(w, 48);
    const a2 = v128.load(w, 64), b2 = v128.load(w, 80), a3 = v128.load(w, 96), b3 = v128.load(w, 112);
    const fA = type >= Q5_0 ? v128.load(w, 128) : a0, fB = type >= Q5_0 ? v128.load(w, 144) : b0;
    const lA0 = low(type, a0, fA, 4, nibbleA, bit4A), lB0 = low(type, b0, fB, 4, nibbleB, bit4B);
    const lA1 = low(type, a1, fA, 3, nibbleA, bit4A), lB1 = low(type, b1, fB, 3, nibbleB, bit4B);
    const lA2 = low(type, a2, fA, 2, nibbleA, bit4A), lB2 = low(type, b2, fB, 2, nibbleB, bit4B);
    const lA3 = low(type, a3, fA, 1, nibbleA, bit4A), lB3 = low(type, b3, fB, 1, nibbleB, bit4B);
    const hA0 = high(type, a0, fA, 0, nibbleA, bit4A), hB0 = high(type, b0, fB, 0, nibbleB, bit4B);
    const hA1 = high(type, a1, fA, 1, nibbleA, bit4A), hB1 = high(type, b1, fB, 1, nibbleB, bit4B);
    const hA2 = high(type, a2, fA, 2, nibbleA, bit4A), hB2 = high(type, b2, fB, 2, nibbleB, bit4B);
    const hA3 = high(type, a3, fA, 3, nibbleA, bit4A), hB3 = high(type, b3, fB, 3, nibbleB, bit4B);

    if (single) {
      const x0 = v128.load64_splat(x), x1 = v128.load64_splat(x, 8);
      const x2 = v128.load64_splat(x, 16), x3 = v128.load64_splat(x, 24), start = v128.load64_splat(x, 32);
      const levelsA = levelSums(pairs, x0, x1, x2, x3, start, onesA, lA0, lA1, lA2, lA3, hA0, hA1, hA2, hA3);
      const levelsB = levelSums(pairs, x0, x1, x2, x3, start, onesB, lB0, lB1, lB2, lB3, hB0, hB1, hB2, hB3);
      // scales only now: unpacked earlier they push the running sums out of the registers (0.36 ns per block, here 0.29)
      const dA = scaleA(type, w, bitsA, unitA), dB = scaleB(type, w, bitsB, unitB);
      const mA = hasMin ? minA(type, w, bitsA, unitA) : dA, mB = hasMin ? minB(type, w, bitsB, unitB) : dB;
      const dy = v128.load32_splat(x, 40), sy = hasMin ? v128.load32_splat(x, 44) : dy;
      sumA = f32x4.add(sumA, scaled(type, levelsA, dA, mA, dy, sy));
      sumB = f32x4.add(sumB, scaled(type, levelsB, dB, mB, dy, sy));
      x += VECTOR_BYTES;
    } else {
      const dA = scaleA(type, w, bitsA, unitA), dB = scaleB(type, w, bitsB, unitB);
      const mA = hasMin ? minA(type, w, bitsA, unitA) : dA, mB = hasMin ? minB(type, w, bitsB, unitB) : dB;
      let s = sums;
      for (let v = nVectors; v > 0; v--) {
        const x0 = v128.load64_splat(x), x1 = v128.load64_splat(x, 8);
        const x2 = v128.load64_splat(x, 16), x3 = v128.load64_splat(x, 24), start = v128.load64_splat(x, 32);
        const levelsA = levelSums(pairs, x0, x1, x2, x3, start, onesA, lA0, lA1, lA2, lA3, hA0, hA1, hA2, hA3);
        const levelsB = levelSums(pairs, x0, x1, x2, x3, start, onesB, lB0, lB1, lB2, lB3, hB0, hB1, hB2, hB3);
        const dy = v128.load32_splat(x, 40), sy = hasMin ? v128.load32_splat(x, 44) : dy;
        const newA = f32x4.add(scaled(type, levelsA, dA, mA, dy, sy), v128.load(s));
        const newB = f32x4.add(scaled(type, levelsB, dB, mB, dy, sy), v128.load(s, 16));
        v128.store(s, newB, 16);
        v128.store(s, newA);
        x += VECTOR_BYTES;
        s += 32;
      }
    }
    w += columnBytes(type);
  }
  if (single) {
    v128.store(sums, sumB, 16);
    v128.store(sums, sumA);
  }
}

// d and m of the rows of each half, in binary32; offsets of loads must be literals

// @ts-ignore: decorator
@inline
function scaleA(type: i32, w: usize, bits: v128, unit: v128): v128 {
  return f32FromHalf(type >= Q5_0 ? v128.load_ext<i16>(w, 160) : v128.load_ext<i16>(w, 128), bits, unit);
}
// @ts-ignore: decorator
@inline
function scaleB(type: i32, w: usize, bits: v128, unit: v128): v128 {
  return f32FromHalf(type >= Q5_0 ? v128.load_ext<i16>(w, 168) : v128.load_ext<i16>(w, 136), bits, unit);
}
// @ts-ignore: decorator
@inline
function minA(type: i32, w: usize, bits: v128, unit: v128): v128 {
  return f32FromHalf(type == Q5_1 ? v128.load_ext<i16>(w, 176) : v128.load_ext<i16>(w, 144), bits, unit);
}
// @ts-ignore: decorator
@inline
function minB(type: i32, w: usize, bits: v128, unit: v128): v128 {
  return f32FromHalf(type == Q5_1 ? v128.load_ext<i16>(w, 184) : v128.load_ext<i16>(w, 152), bits, unit);
}

/**
 * Rows `rowStart` (a multiple of 8) up to `rowEnd` of the matrix at `weights` times `nVectors` packed vectors:
 * out[vector * outStride + row], in binary32.
 */
// @ts-ignore: decorator
@inline
function multiply(
  type: i32, pairs: bool, weights: usize, activations: usize, out: usize,
  rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32,
): void {
  const groupBytes = <usize>nBlocks * columnBytes(type);
  const sums = scratch + SUMS;
  // tiles outside, groups inside: a tile of activations stays in the L2 cache while the weights stream past
  for (let first = 0; first < nVectors; first += TILE) {
    const width = min(TILE, nVectors - first);
    const x = activations + <usize>first * <usize>nBlocks * VECTOR_BYTES;
    const nTurns = turnsOf(width, rowEnd - rowStart, groupBytes);
    const piece = pieceOf(nTurns, nBlocks, columnBytes(type));
    let w = weights + <usize>(rowStart >> 3) * groupBytes;
    for (let row = rowStart; row < rowEnd; row += nTurns << 3) {
      const nRows = min(nTurns << 3, rowEnd - row);
      clear(sums, <usize>((nRows + 7) >> 3) * <usize>width << 5);
      for (let block = 0; block < nBlocks; block += piece) {
        const n = min(piece, nBlocks - block), at = x + <usize>block * <usize>width * VECTOR_BYTES;
        let from = w + <usize>block * columnBytes(type), to = sums;
        for (let group = 0; group < nRows; group += 8) {
          if (width == 1) multiplyGroup(type, pairs, true, from, at, n, 1, to);
          else multiplyGroup(type, pairs, false, from, at, n, width, to);
          from += groupBytes;
          to += <usize>width << 5;
        }
      }
      storeGroups(out + ((<usize>first * <usize>outStride + <usize>row) << 2), sums, nRows, width, outStride);
      w += groupBytes * nTurns;
    }
  }
}

export function multiply_q4_0(
  w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32,
): void {
  multiply(Q4_0, false, w, x, out, rowStart, rowEnd, nBlocks, nVectors, outStride);
}
export function multiply_q4_1(
  w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32,
): void {
  multiply(Q4_1, false, w, x, out, rowStart, rowEnd, nBlocks, nVectors, outStride);
}
export function multiply_q5_0(
  w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32,
): void {
  multiply(Q5_0, false, w, x, out, rowStart, rowEnd, nBlocks, nVectors, outStride);
}
export function multiply_q5_1(
  w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32,
): void {
  multiply(Q5_1, false, w, x, out, rowStart, rowEnd, nBlocks, nVectors, outStride);
}
export function multiply_q4_0_pairs(
  w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32,
): void {
  if (ASC_FEATURE_RELAXED_SIMD) multiply(Q4_0, true, w, x, out, rowStart, rowEnd, nBlocks, nVectors, outStride);
}
export function multiply_q4_1_pairs(
  w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32,
): void {
  if (ASC_FEATURE_RELAXED_SIMD) multiply(Q4_1, true, w, x, out, rowStart, rowEnd, nBlocks, nVectors, outStride);
}
export function multiply_q5_0_pairs(
  w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32,
): void {
  if (ASC_FEATURE_RELAXED_SIMD) multiply(Q5_0, true, w, x, out, rowStart, rowEnd, nBlocks, nVectors, outStride);
}
export function multiply_q5_1_pairs(
  w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32,
): void {
  if (ASC_FEATURE_RELAXED_SIMD) multiply(Q5_1, true, w, x, out, rowStart, rowEnd, nBlocks, nVectors, outStride);
}
