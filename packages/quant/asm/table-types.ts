// MXFP4, IQ4_NL and IQ4_XS: matrix times vectors, 8 rows at a time. A nibble is the number of one of 16 levels. Read nibble-types.ts
// first: nibbles lie as there.
//
// A group of 8 rows holds, for each block column:
//
//   MXFP4    nibbles as in Q4_0 (128 bytes), exponents of rows 0 … 7 (8 bytes)
//   IQ4_NL   nibbles as in Q4_0 (128 bytes), d of rows 0 … 7: f16 (16 bytes)
//   IQ4_XS   nibbles of 8 sub-blocks as in Q4_0 (8 times 128 bytes), 8 times the scales of a sub-block in rows 0 … 7: signed bytes
//            (64 bytes), d of rows 0 … 7: f16 (16 bytes)
//
// V8 does not look up 32 levels at once. So the levels of up to 8 blocks are looked up first, 16 at a time, and stored in working
// memory; what is done with them is fused to 256 bits as elsewhere. One block after the other would be slow: 32 bytes that were just
// stored as twice 16 cannot be read before both have reached the cache.
//
// The relaxed byte product takes 7 bits on one side.
//
//   MXFP4    twice a level plus 12 is 0 … 24: activations as for Q4_0, with start = -12 · Σq
//   IQ4_NL   activations as for Q8_0
//   IQ4_XS   positive and negative parts of the levels: activations are -128 … 127. Vectors: q of 256 values, d: f32, 12 zeros

import { dot4, signedDot4, widened } from "./byte-dot";
import { levelsOf, lookUp } from "./level-lookup";
import { twoRowsOfLevels } from "./nibble-types";
import { signedDot2, twoRows, withoutExcess } from "./q8_0";
import {
  clear, excess, EXPONENT_63, f32FromHalf, FP4, HALF_BITS, HALF_UNIT, IQ4, IQ4_NEGATIVE, IQ4_POSITIVE, joinPairs, NIBBLE, ONE16, pieceOf,
  scratch, storeGroups, SUMS, TILE, turnsOf,
} from "./vectors";

// @ts-ignore: decorator
@inline const MXFP4 = 0;
// @ts-ignore: decorator
@inline const IQ4_NL = 1;
// @ts-ignore: decorator
@inline const IQ4_XS = 2;

/** Blocks whose levels are looked up together. */
// @ts-ignore: decorator
@inline const BATCH: i32 = 8;

// Working memory, from `scratch`:
// @ts-ignore: decorator
@inline const LEVELS: usize = SUMS + 1024; // (BATCH, 4, low and high, A and B, 16); for IQ4_XS (BATCH, 4, signs, low and high, …)
// @ts-ignore: decorator
@inline const SCALES: usize = SUMS + 5120; // (8 sub-blocks, 8 rows): 32-bit scales

// Every function below is inlined with a constant `type`: what belongs to other types disappears.

// @ts-ignore: decorator
@inline
function columnBytes(type: i32): usize {
  return type == MXFP4 ? 136 : type == IQ4_NL ? 144 : 1104;
}

// @ts-ignore: decorator
@inline
function vectorBytes(type: i32): usize {
  return type == MXFP4 ? 48 : type == IQ4_NL ? 80 : 272;
}

/** Whether positive and negative parts of levels are apart. */
// @ts-ignore: decorator
@inline
function isSplit(type: i32): bool {
  return type == IQ4_XS && ASC_FEATURE_RELAXED_SIMD;
}

// @ts-ignore: decorator
@inline
function levelBytes(type: i32): usize {
  return isSplit(type) ? 512 : 256;
}

/** Sums of two rows of IQ4_XS; `n` are the negative parts of levels, if they are apart. */
// @ts-ignore: decorator
@inline
function twoRowsIq4(
  pairs: bool, ones: v128,
  x0: v128, x1: v128, x2: v128, x3: v128,
  l0: v128, l2: v128, h0: v128, h2: v128,
  nl0: v128, nl2: v128, nh0: v128, nh2: v128,
): v128 {
  const zero = i32x4.splat(0);
  if (!ASC_FEATURE_RELAXED_SIMD) return signedDot4(x3, h2, signedDot4(x2, h0, signedDot4(x1, l2, signedDot4(x0, l0, zero))));
  if (pairs) { // in each 16 bits up to 2 · 128 · 127
    const sum1 = widened(signedDot2(x1, l2, nl2), ones, widened(signedDot2(x0, l0, nl0), ones, zero));
    return widened(signedDot2(x3, h2, nh2), ones, widened(signedDot2(x2, h0, nh0), ones, sum1));
  }
  const negative = twoRowsOfLevels(false, x0, x1, x2, x3, zero, ones, nl0, nl2, nh0, nh2);
  return i32x4.sub(twoRowsOfLevels(false, x0, x1, x2, x3, zero, ones, l0, l2, h0, h2), negative);
}

/** 2^(e - 128) for four exponents, 0 … 255, as a product of two numbers that are in the range of normal ones. */
// @ts-ignore: decorator
@inline
function powerOfTwo(e: v128, unit: v128): v128 {
  const half = i32x4.shr_u(e, 1);
  const rest = i32x4.sub(e, half);
  return f32x4.mul(i32x4.add(i32x4.shl(half, 23), unit), i32x4.add(i32x4.shl(rest, 23), unit));
}

/** Adds what a block of MXFP4 or IQ4_NL gives, whose levels are at `l`, to the sums of each vector. */
// @ts-ignore: decorator
@inline
function multiplyBlock(type: i32, pairs: bool, w: usize, l: usize, x: usize, nVectors: i32, s: usize): void {
  let dA: v128, dB: v128;
  if (type == MXFP4) {
    const exponents = v128.load_ext<u8>(w, 128);
    dA = powerOfTwo(i32x4.extend_low_i16x8_u(exponents), v128.load(scratch, EXPONENT_63));
    dB = powerOfTwo(i32x4.extend_high_i16x8_u(exponents), v128.load(scratch, EXPONENT_63 + 16));
  } else {
    dA = f32FromHalf(v128.load_ext<i16>(w, 128), v128.load(scratch, HALF_BITS), v128.load(scratch, HALF_UNIT));
    dB = f32FromHalf(v128.load_ext<i16>(w, 136), v128.load(scratch, HALF_BITS + 16), v128.load(scratch, HALF_UNIT + 16));
  }
  const lA0 = v128.load(l, 0), lB0 = v128.load(l, 16), hA0 = v128.load(l, 32), hB0 = v128.load(l, 48);
  const lA1 = v128.load(l, 64), lB1 = v128.load(l, 80), hA1 = v128.load(l, 96), hB1 = v128.load(l, 112);
  const lA2 = v128.load(l, 128), lB2 = v128.load(l, 144), hA2 = v128.load(l, 160), hB2 = v128.load(l, 176);
  const lA3 = v128.load(l, 192), lB3 = v128.load(l, 208), hA3 = v128.load(l, 224), hB3 = v128.load(l, 240);
  const onesA = v128.load(scratch, ONE16), onesB = v128.load(scratch, ONE16 + 16);
  const zero = i32x4.splat(0);
  let startA01 = zero, startA23 = zero, startB01 = zero, startB23 = zero;
  if (type != MXFP4) {
    startA01 = withoutExcess(pairs, zero, lA0, lA2, hA0, hA2);
    startA23 = withoutExcess(pairs, zero, lA1, lA3, hA1, hA3);
    startB01 = withoutExcess(pairs, zero, lB0, lB2, hB0, hB2);
    startB23 = withoutExcess(pairs, zero, lB1, lB3, hB1, hB3);
  }
  for (; nVectors > 0; nVectors--) {
    const x0 = v128.load64_splat(x), x1 = v128.load64_splat(x, 8);
    const x2 = v128.load64_splat(x, 16), x3 = v128.load64_splat(x, 24);
    let a01: v128, a23: v128, b01: v128, b23: v128;
    if (type == MXFP4) {
      const start = v128.load64_splat(x, 32);
      a01 = twoRowsOfLevels(pairs, x0, x1, x2, x3, start, onesA, lA0, lA2, hA0, hA2);
      a23 = twoRowsOfLevels(pairs, x0, x1, x2, x3, start, onesA, lA1, lA3, hA1, hA3);
      b01 = twoRowsOfLevels(pairs, x0, x1, x2, x3, start, onesB, lB0, lB2, hB0, hB2);
      b23 = twoRowsOfLevels(pairs, x0, x1, x2, x3, start, onesB, lB1, lB3, hB1, hB3);
    } else {
      const n0 = v128.load64_splat(x, 32), n1 = v128.load64_splat(x, 40);
      const n2 = v128.load64_splat(x, 48), n3 = v128.load64_splat(x, 56);
      a01 = twoRows(pairs, onesA, startA01, lA0, lA2, hA0, hA2, x0, x1, x2, x3, n0, n1, n2, n3);
      a23 = twoRows(pairs, onesA, startA23, lA1, lA3, hA1, hA3, x0, x1, x2, x3, n0, n1, n2, n3);
      b01 = twoRows(pairs, onesB, startB01, lB0, lB2, hB0, hB2, x0, x1, x2, x3, n0, n1, n2, n3);
      b23 = twoRows(pairs, onesB, startB23, lB1, lB3, hB1, hB3, x0, x1, x2, x3, n0, n1, n2, n3);
    }
    const dy = type == MXFP4 ? v128.load32_splat(x, 40) : v128.load32_splat(x, 64);
    const tA = f32x4.mul(f32x4.convert_i32x4_s(joinPairs(a01, a23)), f32x4.mul(dA, dy));
    const tB = f32x4.mul(f32x4.convert_i32x4_s(joinPairs(b01, b23)), f32x4.mul(dB, dy));
    const newA = f32x4.add(tA, v128.load(s)), newB = f32x4.add(tB, v128.load(s, 16));
    v128.store(s, newB, 16);
    v128.store(s, newA);
    x += vectorBytes(type);
    s += 32;
  }
}

/** Adds what a super-block of IQ4_XS gives to the sums of each vector. */
// @ts-ignore: decorator
@inline
function multiplySuperBlock(pairs: bool, w: usize, x: usize, nVectors: i32, s: usize): void {
  for (let b: usize = 0; b < 8; b++) {
    const scales = v128.load_ext<i8>(w + 1024 + (b << 3));
    const to = scratch + SCALES + (b << 5);
    v128.store(to, i32x4.extend_high_i16x8_s(scales), 16);
    v128.store(to, i32x4.extend_low_i16x8_s(scales));
  }
  const dA = f32FromHalf(v128.load_ext<i16>(w, 1088), v128.load(scratch, HALF_BITS), v128.load(scratch, HALF_UNIT));
  const dB = f32FromHalf(v128.load_ext<i16>(w, 1096), v128.load(scratch, HALF_BITS + 16), v128.load(scratch, HALF_UNIT + 16));
  const onesA = v128.load(scratch, ONE16), onesB = v128.load(scratch, ONE16 + 16);
  for (; nVectors > 0; nVectors--) {
    let sumA = i32x4.splat(0), sumB = i32x4.splat(0);
    let l = scratch + LEVELS;
    for (let b: usize = 0; b < 8; b++) {
      const at = x + (b << 5);
      const x0 = v128.load64_splat(at), x1 = v128.load64_splat(at, 8);
      const x2 = v128.load64_splat(at, 16), x3 = v128.load64_splat(at, 24);
      let a01: v128, a23: v128, b01: v128, b23: v128;
      if (isSplit(IQ4_XS)) {
        a01 = twoRowsIq4(
          pairs, onesA, x0, x1, x2, x3, v128.load(l, 0), v128.load(l, 256), v128.load(l, 32), v128.load(l, 288),
          v128.load(l, 64), v128.load(l, 320), v128.load(l, 96), v128.load(l, 352),
        );
        a23 = twoRowsIq4(
          pairs, onesA, x0, x1, x2, x3, v128.load(l, 128), v128.load(l, 384), v128.load(l, 160), v128.load(l, 416),
          v128.load(l, 192), v128.load(l, 448), v128.load(l, 224), v128.load(l, 480),
        );
        b01 = twoRowsIq4(
          pairs, onesB, x0, x1, x2, x3, v128.load(l, 16), v128.load(l, 272), v128.load(l, 48), v128.load(l, 304),
          v128.load(l, 80), v128.load(l, 336), v128.load(l, 112), v128.load(l, 368),
        );
        b23 = twoRowsIq4(
          pairs, onesB, x0, x1, x2, x3, v128.load(l, 144), v128.load(l, 400), v128.load(l, 176), v128.load(l, 432),
          v128.load(l, 208), v128.load(l, 464), v128.load(l, 240), v128.load(l, 496),
        );
      } else {
        const none = x0; // no negative parts
        a01 = twoRowsIq4(
          pairs, onesA, x0, x1, x2, x3, v128.load(l, 0), v128.load(l, 128), v128.load(l, 32), v128.load(l, 160), none, none, none, none,
        );
        a23 = twoRowsIq4(
          pairs, onesA, x0, x1, x2, x3, v128.load(l, 64), v128.load(l, 192), v128.load(l, 96), v128.load(l, 224), none, none, none, none,
        );
        b01 = twoRowsIq4(
          pairs, onesB, x0, x1, x2, x3, v128.load(l, 16), v128.load(l, 144), v128.load(l, 48), v128.load(l, 176), none, none, none, none,
        );
        b23 = twoRowsIq4(
          pairs, onesB, x0, x1, x2, x3, v128.load(l, 80), v128.load(l, 208), v128.load(l, 112), v128.load(l, 240), none, none, none, none,
        );
      }
      const scales = scratch + SCALES + (b << 5);
      sumA = i32x4.add(sumA, i32x4.mul(joinPairs(a01, a23), v128.load(scales)));
      sumB = i32x4.add(sumB, i32x4.mul(joinPairs(b01, b23), v128.load(scales, 16)));
      l += levelBytes(IQ4_XS);
    }
    const dy = v128.load32_splat(x, 256);
    const newA = f32x4.add(f32x4.mul(f32x4.mul(dA, dy), f32x4.convert_i32x4_s(sumA)), v128.load(s));
    const newB = f32x4.add(f32x4.mul(f32x4.mul(dB, dy), f32x4.convert_i32x4_s(sumB)), v128.load(s, 16));
    v128.store(s, newB, 16);
    v128.store(s, newA);
    x += vectorBytes(IQ4_XS);
    s += 32;
  }
}

/** Half of the rows times one vector, of which p and n are 8 values each, twice; `w` is where the half's nibbles are. */
// @ts-ignore: decorator
@inline
function halfSums(
  type: i32, pairs: bool, ones: v128, w: usize, table: v128, nibble: v128, start: v128,
  p0: v128, p1: v128, p2: v128, p3: v128, n0: v128, n1: v128, n2: v128, n3: v128,
): v128 {
  const w0 = v128.load(w), w1 = v128.load(w, 32), w2 = v128.load(w, 64), w3 = v128.load(w, 96);
  const l0 = levelsOf(table, v128.and(w0, nibble)), h0 = levelsOf(table, v128.and(i16x8.shr_u(w0, 4), nibble));
  const l1 = levelsOf(table, v128.and(w1, nibble)), h1 = levelsOf(table, v128.and(i16x8.shr_u(w1, 4), nibble));
  const l2 = levelsOf(table, v128.and(w2, nibble)), h2 = levelsOf(table, v128.and(i16x8.shr_u(w2, 4), nibble));
  const l3 = levelsOf(table, v128.and(w3, nibble)), h3 = levelsOf(table, v128.and(i16x8.shr_u(w3, 4), nibble));
  if (type == MXFP4) {
    return joinPairs(
      twoRowsOfLevels(pairs, p0, p1, p2, p3, start, ones, l0, l2, h0, h2),
      twoRowsOfLevels(pairs, p0, p1, p2, p3, start, ones, l1, l3, h1, h3),
    );
  }
  const zero = i32x4.splat(0);
  const rows01 = twoRows(pairs, ones, zero, l0, l2, h0, h2, p0, p1, p2, p3, n0, n1, n2, n3);
  const rows23 = twoRows(pairs, ones, zero, l1, l3, h1, h3, p0, p1, p2, p3, n0, n1, n2, n3);
  return joinPairs(
    withoutExcess(pairs, rows01, l0, l2, h0, h2),
    withoutExcess(pairs, rows23, l1, l3, h1, h3),
  );
}

// @ts-ignore: decorator
@inline
function multiplyOne(type: i32, pairs: bool, w: usize, x: usize, nBlocks: i32, sums: usize): void {
  const nibble = v128.load(scratch, NIBBLE);
  const table = type == MXFP4 ? v128.load(scratch, FP4) : v128.load(scratch, IQ4);
  const unit = v128.load(scratch, EXPONENT_63);
  const bits = v128.load(scratch, HALF_BITS), half = v128.load(scratch, HALF_UNIT), ones = v128.load(scratch, ONE16);
  let sumA = v128.load(sums), sumB = v128.load(sums, 16);
  for (; nBlocks > 0; nBlocks--) {
    const p0 = v128.load64_splat(x), p1 = v128.load64_splat(x, 8);
    const p2 = v128.load64_splat(x, 16), p3 = v128.load64_splat(x, 24), start = v128.load64_splat(x, 32);
    const n0 = type == MXFP4 ? start : v128.load64_splat(x, 32), n1 = type == MXFP4 ? start : v128.load64_splat(x, 40);
    const n2 = type == MXFP4 ? start : v128.load64_splat(x, 48), n3 = type == MXFP4 ? start : v128.load64_splat(x, 56);
    const a = halfSums(type, pairs, ones, w, table, nibble, start, p0, p1, p2, p3, n0, n1, n2, n3);
    const b = halfSums(type, pairs, ones, w + 16, table, nibble, start, p0, p1, p2, p3, n0, n1, n2, n3);
    const dy = type == MXFP4 ? v128.load32_splat(x, 40) : v128.load32_splat(x, 64);
    let dA: v128, dB: v128;
    if (type == MXFP4) {
      const exponents = v128.load_ext<u8>(w, 128);
      dA = powerOfTwo(i32x4.extend_low_i16x8_u(exponents), unit);
      dB = powerOfTwo(i32x4.extend_high_i16x8_u(exponents), unit);
    } else {
      dA = f32FromHalf(v128.load_ext<i16>(w, 128), bits, half);
      dB = f32FromHalf(v128.load_ext<i16>(w, 136), bits, half);
    }
    sumA = f32x4.add(sumA, f32x4.mul(f32x4.convert_i32x4_s(a), f32x4.mul(dA, dy)));
    sumB = f32x4.add(sumB, f32x4.mul(f32x4.convert_i32x4_s(b), f32x4.mul(dB, dy)));
    w += columnBytes(type);
    x += vectorBytes(type);
  }
  v128.store(sums, sumB, 16);
  v128.store(sums, sumA);
}

/** Adds a group of rows times a tile of vectors to (nVectors, 8) sums at `sums`. */
// @ts-ignore: decorator
@inline
function multiplyGroup(type: i32, pairs: bool, w: usize, x: usize, nBlocks: i32, nVectors: i32, sums: usize): void {
  const xBytes = <usize>nVectors * vectorBytes(type);
  const nibble = v128.load(scratch, NIBBLE);
  const table = isSplit(type) ? v128.load(scratch, IQ4_POSITIVE) : type == MXFP4 ? v128.load(scratch, FP4) : v128.load(scratch, IQ4);
  const negative = v128.load(scratch, IQ4_NEGATIVE);
  for (let first = 0; first < nBlocks; first += type == IQ4_XS ? 1 : BATCH) {
    const batch = type == IQ4_XS ? BATCH : min(BATCH, nBlocks - first);
    const blockBytes = type == IQ4_XS ? 128 : columnBytes(type);
    let at = w, l = scratch + LEVELS;
    for (let b = 0; b < batch; b++, at += blockBytes, l += levelBytes(type)) lookUp(isSplit(type), at, l, table, negative, nibble);
    if (type == IQ4_XS) {
      multiplySuperBlock(pairs, w, x, nVectors, sums);
      w += columnBytes(type);
      x += xBytes;
    } else {
      l = scratch + LEVELS;
      for (let b = 0; b < batch; b++, l += levelBytes(type)) {
        multiplyBlock(type, pairs, w, l, x, nVectors, sums);
        w += columnBytes(type);
        x += xBytes;
      }
    }
  }
}

/** As `multiply` in nibble-types.ts. */
// @ts-ignore: decorator
@inline
function multiply(
  type: i32, pairs: bool, weights: usize, activations: usize, out: usize,
  rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32,
): void {
  const groupBytes = <usize>nBlocks * columnBytes(type);
  const sums = scratch + SUMS;
  for (let first = 0; first < nVectors; first += TILE) {
    const width = min(TILE, nVectors - first);
    const x = activations + <usize>first * <usize>nBlocks * vectorBytes(type);
    // levels of a tile of IQ4_XS are looked up for a whole column: turns cost it a fifteenth
    const nTurns = type == IQ4_XS && width > 1 ? 1 : turnsOf(width, rowEnd - rowStart, groupBytes);
    const piece = pieceOf(nTurns, nBlocks, columnBytes(type));
    let w = weights + <usize>(rowStart >> 3) * groupBytes;
    for (let row = rowStart; row < rowEnd; row += nTurns << 3) {
      const nRows = min(nTurns << 3, rowEnd - row);
      clear(sums, <usize>((nRows + 7) >> 3) * <usize>width << 5);
      for (let block = 0; block < nBlocks; block += piece) {
        const n = min(piece, nBlocks - block), at = x + <usize>block * <usize>width * vectorBytes(type);
        let from = w + <usize>block * columnBytes(type), to = sums;
        for (let group = 0; group < nRows; group += 8) {
          if (type != IQ4_XS && width == 1) multiplyOne(type, pairs, from, at, n, to);
          else multiplyGroup(type, pairs, from, at, n, width, to);
          from += groupBytes;
          to += <usize>width << 5;
        }
      }
      storeGroups(out + ((<usize>first * <usize>outStride + <usize>row) << 2), sums, nRows, width, outStride);
      w += groupBytes * nTurns;
    }
  }
}

export function multiply_mxfp4(
  w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32,
): void {
  multiply(MXFP4, false, w, x, out, rowStart, rowEnd, nBlocks, nVectors, outStride);
}
export function multiply_iq4_nl(
  w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32,
): void {
  if (ASC_FEATURE_RELAXED_SIMD && excess < 0) multiply_iq4_nl_pairs(w, x, out, rowStart, rowEnd, nBlocks, nVectors, outStride);
  else multiply(IQ4_NL, false, w, x, out, rowStart, rowEnd, nBlocks, nVectors, outStride);
}
export function multiply_iq4_xs(
  w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32,
): void {
  multiply(IQ4_XS, false, w, x, out, rowStart, rowEnd, nBlocks, nVectors, outStride);
}
export function multiply_mxfp4_pairs(
  w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32,
): void {
  if (ASC_FEATURE_RELAXED_SIMD) multiply(MXFP4, true, w, x, out, rowStart, rowEnd, nBlocks, nVectors, outStride);
}
export function multiply_iq4_nl_pairs(
  w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32,
): void {
  if (ASC_FEATURE_RELAXED_SIMD) multiply(IQ4_NL, true, w, x, out, rowStart, rowEnd, nBlocks, nVectors, outStride);
}
export function multiply_iq4_xs_pairs(
  w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32,
): void {
  if (ASC_FEATURE_RELAXED_SIMD) multiply(IQ4_XS, true, w, x, out, rowStart, rowEnd, nBlocks, nVectors, outStride);
}
