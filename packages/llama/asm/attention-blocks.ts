// Attention over keys or values in blocks (kv-blocks.ts), a tile at a time, for one row or four: sums of whole numbers, which are
// exact, and then scaled. Queries and weights are made whole numbers first.
//
// Working memory from `work` on, with B blocks of a head:
//
//   queries   32 · B · 64 bytes   (32, B, 32): levels of 16 bits
//   scales    32 · B · 4          (32, B): their scales in binary32
//   integers  512                 (4, 32): 32-bit sums
//   weights   256                 (4, 32): levels of 16 bits
//   factors   64                  (4): their scales
//   scaled    128                 (32): a row's weights times the scales of the values

import { headDim, queryOf } from "./attention-call";
import { BLOCK, paddedChannels, TILE } from "./kv-head";
import { BLOCK_BYTES, fourScales, largestLane, nBlocks, SCALES, toLevels, wholeNumbers } from "./kv-blocks";
import { constants, HALF_BITS, HALF_UNIT, isWide } from "./vectors";

// @ts-ignore: decorator
@inline const CHUNK: i32 = 32;

/** Bytes of a row of 32 numbers of 32 bits. */
// @ts-ignore: decorator
@inline const ROW: usize = 128;

/** Below it a tile's weights are nothing. */
// @ts-ignore: decorator
@inline const LEAST: f32 = 7.888609052210118e-31; // 2^-100

let queries: usize = 0, scales: usize = 0, integers: usize = 0, levels: usize = 0, factors: usize = 0, scaled: usize = 0;

export function setBlockWork(work: usize): void {
  queries = work;
  scales = queries + <usize>(CHUNK * nBlocks(headDim)) * 64;
  integers = scales + <usize>(CHUNK * nBlocks(headDim)) * 4;
  levels = integers + 512;
  factors = levels + 256;
  scaled = factors + 64;
}

/** The queries of `nRows` rows from `first` on. */
export function packQueries(first: i32, nRows: i32): void {
  let to = queries, scale = scales;
  for (let r = 0; r < nRows; r++) {
    for (let c = 0; c < headDim; c += BLOCK, to += 64, scale += 4) {
      const half = toLevels(to, queryOf(first + r) + (c << 2), min(BLOCK, headDim - c));
      store<f32>(scale, reinterpret<f32>(half << 13) * <f32>5192296858534827628530496329220096.0); // 2^112
    }
  }
}

/** Sums of a block's 16 pairs times those of four rows, `bStride` bytes apart: (4, 32) to `integers`. */
// @ts-ignore: decorator
@inline
function multiplyFour(is16: bool, a: usize, b: usize, bStride: usize): void {
  const zero = i32x4.splat(0), end = b + 64;
  const b1 = bStride, b2 = b1 + bStride, b3 = b2 + bStride;
  for (let column: usize = 0; column < 32; column += is16 ? 16 : 8) {
    let s00 = zero, s01 = zero, s02 = zero, s03 = zero, s10 = zero, s11 = zero, s12 = zero, s13 = zero;
    let s20 = zero, s21 = zero, s22 = zero, s23 = zero, s30 = zero, s31 = zero, s32 = zero, s33 = zero;
    let at = a + 2 * column;
    for (let x = b; x != end; x += 4, at += 64) {
      const a0 = v128.load_ext<i8>(at), a1 = v128.load_ext<i8>(at, 8);
      const a2 = is16 ? v128.load_ext<i8>(at, 16) : a0, a3 = is16 ? v128.load_ext<i8>(at, 24) : a1;
      const x0 = v128.load32_splat(x);
      s00 = i32x4.add(s00, i32x4.dot_i16x8_s(a0, x0));
      s01 = i32x4.add(s01, i32x4.dot_i16x8_s(a1, x0));
      if (is16) s02 = i32x4.add(s02, i32x4.dot_i16x8_s(a2, x0));
      if (is16) s03 = i32x4.add(s03, i32x4.dot_i16x8_s(a3, x0));
      const x1 = v128.load32_splat(x + b1);
      s10 = i32x4.add(s10, i32x4.dot_i16x8_s(a0, x1));
      s11 = i32x4.add(s11, i32x4.dot_i16x8_s(a1, x1));
      if (is16) s12 = i32x4.add(s12, i32x4.dot_i16x8_s(a2, x1));
      if (is16) s13 = i32x4.add(s13, i32x4.dot_i16x8_s(a3, x1));
      const x2 = v128.load32_splat(x + b2);
      s20 = i32x4.add(s20, i32x4.dot_i16x8_s(a0, x2));
      s21 = i32x4.add(s21, i32x4.dot_i16x8_s(a1, x2));
      if (is16) s22 = i32x4.add(s22, i32x4.dot_i16x8_s(a2, x2));
      if (is16) s23 = i32x4.add(s23, i32x4.dot_i16x8_s(a3, x2));
      const x3 = v128.load32_splat(x + b3);
      s30 = i32x4.add(s30, i32x4.dot_i16x8_s(a0, x3));
      s31 = i32x4.add(s31, i32x4.dot_i16x8_s(a1, x3));
      if (is16) s32 = i32x4.add(s32, i32x4.dot_i16x8_s(a2, x3));
      if (is16) s33 = i32x4.add(s33, i32x4.dot_i16x8_s(a3, x3));
    }
    const to = integers + 4 * column;
    if (is16) { v128.store(to, s03, 48); v128.store(to, s02, 32); }
    v128.store(to, s01, 16); v128.store(to, s00);
    if (is16) { v128.store(to, s13, 176); v128.store(to, s12, 160); }
    v128.store(to, s11, 144); v128.store(to, s10, 128);
    if (is16) { v128.store(to, s23, 304); v128.store(to, s22, 288); }
    v128.store(to, s21, 272); v128.store(to, s20, 256);
    if (is16) { v128.store(to, s33, 432); v128.store(to, s32, 416); }
    v128.store(to, s31, 400); v128.store(to, s30, 384);
  }
}

function multiplyFourWide(a: usize, b: usize, bStride: usize): void {
  multiplyFour(true, a, b, bStride);
}
function multiplyFourNarrow(a: usize, b: usize, bStride: usize): void {
  multiplyFour(false, a, b, bStride);
}

/** The same for one row: (32) to `integers`. */
function multiplyOne(a: usize, b: usize): void {
  const zero = i32x4.splat(0), end = b + 64;
  let s0 = zero, s1 = zero, s2 = zero, s3 = zero, s4 = zero, s5 = zero, s6 = zero, s7 = zero;
  for (; b != end; b += 4, a += 64) {
    const x = v128.load32_splat(b);
    s0 = i32x4.add(s0, i32x4.dot_i16x8_s(v128.load_ext<i8>(a), x));
    s1 = i32x4.add(s1, i32x4.dot_i16x8_s(v128.load_ext<i8>(a, 8), x));
    s2 = i32x4.add(s2, i32x4.dot_i16x8_s(v128.load_ext<i8>(a, 16), x));
    s3 = i32x4.add(s3, i32x4.dot_i16x8_s(v128.load_ext<i8>(a, 24), x));
    s4 = i32x4.add(s4, i32x4.dot_i16x8_s(v128.load_ext<i8>(a, 32), x));
    s5 = i32x4.add(s5, i32x4.dot_i16x8_s(v128.load_ext<i8>(a, 40), x));
    s6 = i32x4.add(s6, i32x4.dot_i16x8_s(v128.load_ext<i8>(a, 48), x));
    s7 = i32x4.add(s7, i32x4.dot_i16x8_s(v128.load_ext<i8>(a, 56), x));
  }
  const to = integers;
  v128.store(to, s7, 112); v128.store(to, s6, 96); v128.store(to, s5, 80); v128.store(to, s4, 64);
  v128.store(to, s3, 48); v128.store(to, s2, 32); v128.store(to, s1, 16); v128.store(to, s0);
}

function multiply(nRows: i32, a: usize, b: usize, bStride: usize): void {
  if (nRows == 1) multiplyOne(a, b);
  else if (isWide) multiplyFourWide(a, b, bStride);
  else multiplyFourNarrow(a, b, bStride);
}

/** Products of one query or four, from the `row`-th of the chunk on, with the keys of a tile: (nRows, 32) binary32 to `products`. */
export function keysInBlocks(nRows: i32, row: i32, keys: usize, products: usize): void {
  const n = nBlocks(headDim), zero = f32x4.splat(0);
  const bits0 = v128.load(constants, HALF_BITS), bits1 = v128.load(constants, HALF_BITS + 16);
  const unit0 = v128.load(constants, HALF_UNIT), unit1 = v128.load(constants, HALF_UNIT + 16);
  for (let b = 0; b < n; b++, keys += BLOCK_BYTES) {
    multiply(nRows, keys, queries + <usize>(row * n + b) * 64, <usize>n * 64);
    for (let r = 0; r < nRows; r++) {
      const scale = v128.load32_splat(scales + (<usize>((row + r) * n + b) << 2));
      const from = integers + (<usize>r << 7), to = products + (<usize>r << 7);
      if (b == 0) for (let t: usize = 0; t < ROW; t += 16) v128.store(to + t, zero);
      for (let t: usize = 0; t < <usize>TILE; t += 8) {
        const s0 = fourScales(v128.load_ext<i16>(keys + 2 * t, SCALES), bits0, unit0);
        const s1 = fourScales(v128.load_ext<i16>(keys + 2 * t, SCALES + 8), bits1, unit1);
        const p0 = f32x4.mul(f32x4.convert_i32x4_s(v128.load(from + 4 * t)), f32x4.mul(scale, s0));
        const p1 = f32x4.mul(f32x4.convert_i32x4_s(v128.load(from + 4 * t, 16)), f32x4.mul(scale, s1));
        const a0 = f32x4.add(v128.load(to + 4 * t), p0), a1 = f32x4.add(v128.load(to + 4 * t, 16), p1);
        v128.store(to + 4 * t, a1, 16);
        v128.store(to + 4 * t, a0);
      }
    }
  }
}

/** The weights of a row, (32) binary32, times the scales of a block's positions as levels, and their scale. */
function packWeights(row: i32, weights: usize, blockScales: usize): void {
  const to = levels + (<usize>row << 6);
  const bits0 = v128.load(constants, HALF_BITS), bits1 = v128.load(constants, HALF_BITS + 16);
  const unit0 = v128.load(constants, HALF_UNIT), unit1 = v128.load(constants, HALF_UNIT + 16);
  const zero = f32x4.splat(0);
  let most0 = zero, most1 = zero;
  for (let t: usize = 0; t < <usize>TILE; t += 8) {
    const w0 = v128.load(weights + 4 * t), w1 = v128.load(weights + 4 * t, 16);
    const s0 = fourScales(v128.load_ext<i16>(blockScales + 2 * t), bits0, unit0);
    const s1 = fourScales(v128.load_ext<i16>(blockScales + 2 * t, 8), bits1, unit1);
    // positions that are not seen have any scale
    const x0 = v128.and(f32x4.mul(w0, s0), f32x4.gt(w0, zero)), x1 = v128.and(f32x4.mul(w1, s1), f32x4.gt(w1, zero));
    v128.store(scaled + 4 * t, x1, 16);
    v128.store(scaled + 4 * t, x0);
    most0 = f32x4.pmax(most0, x0);
    most1 = f32x4.pmax(most1, x1);
  }
  const largest = largestLane(f32x4.pmax(most0, most1)), isSome = largest >= LEAST;
  const inverse = f32x4.splat(isSome ? <f32>32767 / largest : 0);
  store<f32>(factors + (<usize>row << 2), isSome ? largest / 32767 : 0);
  for (let t: usize = 0; t < <usize>TILE; t += 8) {
    const low = f32x4.mul(v128.load(scaled + 4 * t), inverse), high = f32x4.mul(v128.load(scaled + 4 * t, 16), inverse);
    v128.store(to + 2 * t, wholeNumbers(low, high));
  }
}

/**
 * Adds the weighted values of a tile to one row of outputs or four, (nRows, paddedChannels(headDim)).
 * @param weights (nRows, 32) binary32, 0 where a position is not seen
 * @param kept (nRows): factors on what is in `out`
 */
export function valuesInBlocks(nRows: i32, values: usize, weights: usize, kept: usize, out: usize): void {
  const zero = f32x4.splat(0), channels = paddedChannels(headDim);
  for (let c = 0; c < channels; c += BLOCK, values += BLOCK_BYTES) {
    for (let r = 0; r < nRows; r++) packWeights(r, weights + (<usize>r << 7), values + SCALES);
    multiply(nRows, values, levels, 64);
    const nBytes = <usize>min(BLOCK, channels - c) << 2;
    for (let r = 0; r < nRows; r++) {
      const factor = v128.load32_splat(factors + (<usize>r << 2)), keep = v128.load32_splat(kept + (<usize>r << 2));
      const from = integers + (<usize>r << 7), to = out + (<usize>(r * channels + c) << 2);
      for (let i: usize = 0; i < nBytes; i += 32) { // adding 0 makes 0 of -0
        const p0 = f32x4.mul(f32x4.convert_i32x4_s(v128.load(from + i)), factor);
        const p1 = f32x4.mul(f32x4.convert_i32x4_s(v128.load(from + i, 16)), factor);
        const a0 = f32x4.add(f32x4.add(f32x4.mul(v128.load(to + i), keep), zero), p0);
        const a1 = f32x4.add(f32x4.add(f32x4.mul(v128.load(to + i, 16), keep), zero), p1);
        v128.store(to + i, a1, 16);
        v128.store(to + i, a0);
      }
    }
  }
}
