// Attention in the arithmetic `lanes`, of the query heads that share one KV head: src/arithmetic/lanes.ts writes it down.
//
// Rows are taken in chunks of up to 32, and a chunk goes through the tiles of 32 positions: keys and values of a tile are widened to
// binary32 once and used for all rows of the chunk, four at a time. What is kept of a row from tile to tile is its largest score, the
// sum of its weights and its output so far; scores are those of one tile.
//
// Working memory from `work` on, with H8 = headDim rounded up to a multiple of 8:
//
//   keys, values   2 · 32 · H8 · 4 bytes   a tile of each in binary32, widened from binary16
//   sums           32 · H8 · 4             outputs so far: (32, H8)
//   weights        512                     (4, 32): scores, then weights, of a tile
//   states         256                     (32, 2): largest score, sum of weights
//   kept           64                      (4): factors on what was summed before a tile
//   blocks         for keys or values in blocks: attention-blocks.ts

import { keysInBlocks, packQueries, setBlockWork, valuesInBlocks } from "./attention-blocks";
import {
  endOf, group, hasSinks, headDim, kvHead, kvValues, outputOf, queryOf, score, setCall, sinkOf, startOf,
} from "./attention-call";
import { exp } from "./functions";
import { BLOCK_BYTES, nBlocks } from "./kv-blocks";
import { BLOCK, HEADER_BYTES, isFinite, paddedChannels, TILE } from "./kv-head";
import { constants, HALF_BITS, HALF_UNIT, isWide, loadFew, storeFew } from "./vectors";

// What keys or values are, as the host counts them:
// @ts-ignore: decorator
@inline const F16 = 0;
// @ts-ignore: decorator
@inline const F32 = 1;
// @ts-ignore: decorator
@inline const BLOCKS = 2;

// @ts-ignore: decorator
@inline const CHUNK: i32 = 32;

/** Bytes of the weights of a row. */
// @ts-ignore: decorator
@inline const ROW: usize = 128;

let tileKeys: usize = 0, tileValues: usize = 0, sums: usize = 0, weights: usize = 0, states: usize = 0, kept: usize = 0;

/** `n` binary16 numbers, a multiple of 8, as binary32. Infinities and NaN need `isAny`. */
// @ts-ignore: decorator
@inline
function widen(isAny: bool, out: usize, halves: usize, n: i32): void {
  const bits0 = v128.load(constants, HALF_BITS), bits1 = v128.load(constants, HALF_BITS + 16);
  const unit0 = v128.load(constants, HALF_UNIT), unit1 = v128.load(constants, HALF_UNIT + 16);
  for (; n > 0; n -= 8) {
    let a = f32x4.mul(v128.and(i32x4.shl(v128.load_ext<i16>(halves), 13), bits0), unit0);
    let b = f32x4.mul(v128.and(i32x4.shl(v128.load_ext<i16>(halves, 8), 13), bits1), unit1);
    if (isAny) { // an exponent of all ones has become 2^16 and more
      a = v128.or(a, v128.and(f32x4.ge(f32x4.abs(a), f32x4.splat(65536)), i32x4.splat(0x7f800000)));
      b = v128.or(b, v128.and(f32x4.ge(f32x4.abs(b), f32x4.splat(65536)), i32x4.splat(0x7f800000)));
    }
    v128.store(out, b, 16);
    v128.store(out, a);
    halves += 16;
    out += 32;
  }
}

function widenFinite(out: usize, halves: usize, n: i32): void {
  widen(false, out, halves, n);
}
function widenAny(out: usize, halves: usize, n: i32): void {
  widen(true, out, halves, n);
}

/** Four numbers, `at` numbers behind `a`; finite, if they are F16, and 2^-112 of their values if `isTiny`. */
// @ts-ignore: decorator
@inline
function four(type: i32, isTiny: bool, a: usize, at: usize, bits: v128, unit: v128): v128 {
  if (type == F32) return v128.load(a + 4 * at);
  const tiny = v128.and(i32x4.shl(v128.load_ext<i16>(a + 2 * at), 13), bits);
  return isTiny ? tiny : f32x4.mul(tiny, unit);
}

// Sums over k of a row of columns times one number, in order: sums[j][i] = first[j][i] + Σ_k a[k][i] · b[j][k]. For products of
// queries and keys k is the channel and a column a position; for outputs k is the position and a column a channel.

/**
 * Four rows of 8 columns, or 16 if `is16`, that fill the registers.
 *
 * @param first factors on what is in `out`, (4); 0: nothing is there
 * @param a (nK, columns) binary32, rows `aStride` bytes apart
 * @param b0 … b3: (nK) of each row
 * @param out rows `outStride` bytes apart
 */
// @ts-ignore: decorator
@inline
function addFour(
  is16: bool, isKept: bool, a: usize, aStride: usize, b0: usize, b1: usize, b2: usize, b3: usize, nK: i32,
  out: usize, outStride: usize,
): void {
  const zero = f32x4.splat(0);
  const o1 = out + outStride, o2 = o1 + outStride, o3 = o2 + outStride;
  let s00 = zero, s01 = zero, s02 = zero, s03 = zero, s10 = zero, s11 = zero, s12 = zero, s13 = zero;
  let s20 = zero, s21 = zero, s22 = zero, s23 = zero, s30 = zero, s31 = zero, s32 = zero, s33 = zero;
  if (isKept) {
    // adding 0 makes 0 of -0
    const k0 = v128.load32_splat(kept), k1 = v128.load32_splat(kept, 4), k2 = v128.load32_splat(kept, 8), k3 = v128.load32_splat(kept, 12);
    s00 = f32x4.add(f32x4.mul(v128.load(out), k0), zero);
    s01 = f32x4.add(f32x4.mul(v128.load(out, 16), k0), zero);
    s10 = f32x4.add(f32x4.mul(v128.load(o1), k1), zero);
    s11 = f32x4.add(f32x4.mul(v128.load(o1, 16), k1), zero);
    s20 = f32x4.add(f32x4.mul(v128.load(o2), k2), zero);
    s21 = f32x4.add(f32x4.mul(v128.load(o2, 16), k2), zero);
    s30 = f32x4.add(f32x4.mul(v128.load(o3), k3), zero);
    s31 = f32x4.add(f32x4.mul(v128.load(o3, 16), k3), zero);
    if (is16) {
      s02 = f32x4.add(f32x4.mul(v128.load(out, 32), k0), zero);
      s03 = f32x4.add(f32x4.mul(v128.load(out, 48), k0), zero);
      s12 = f32x4.add(f32x4.mul(v128.load(o1, 32), k1), zero);
      s13 = f32x4.add(f32x4.mul(v128.load(o1, 48), k1), zero);
      s22 = f32x4.add(f32x4.mul(v128.load(o2, 32), k2), zero);
      s23 = f32x4.add(f32x4.mul(v128.load(o2, 48), k2), zero);
      s32 = f32x4.add(f32x4.mul(v128.load(o3, 32), k3), zero);
      s33 = f32x4.add(f32x4.mul(v128.load(o3, 48), k3), zero);
    }
  }
  for (; nK > 0; nK--) {
    const a0 = v128.load(a), a1 = v128.load(a, 16), a2 = is16 ? v128.load(a, 32) : a0, a3 = is16 ? v128.load(a, 48) : a1;
    const x0 = v128.load32_splat(b0);
    s00 = f32x4.add(s00, f32x4.mul(a0, x0));
    s01 = f32x4.add(s01, f32x4.mul(a1, x0));
    if (is16) s02 = f32x4.add(s02, f32x4.mul(a2, x0));
    if (is16) s03 = f32x4.add(s03, f32x4.mul(a3, x0));
    const x1 = v128.load32_splat(b1);
    s10 = f32x4.add(s10, f32x4.mul(a0, x1));
    s11 = f32x4.add(s11, f32x4.mul(a1, x1));
    if (is16) s12 = f32x4.add(s12, f32x4.mul(a2, x1));
    if (is16) s13 = f32x4.add(s13, f32x4.mul(a3, x1));
    const x2 = v128.load32_splat(b2);
    s20 = f32x4.add(s20, f32x4.mul(a0, x2));
    s21 = f32x4.add(s21, f32x4.mul(a1, x2));
    if (is16) s22 = f32x4.add(s22, f32x4.mul(a2, x2));
    if (is16) s23 = f32x4.add(s23, f32x4.mul(a3, x2));
    const x3 = v128.load32_splat(b3);
    s30 = f32x4.add(s30, f32x4.mul(a0, x3));
    s31 = f32x4.add(s31, f32x4.mul(a1, x3));
    if (is16) s32 = f32x4.add(s32, f32x4.mul(a2, x3));
    if (is16) s33 = f32x4.add(s33, f32x4.mul(a3, x3));
    a += aStride;
    b0 += 4;
    b1 += 4;
    b2 += 4;
    b3 += 4;
  }
  if (is16) { v128.store(out, s03, 48); v128.store(out, s02, 32); }
  v128.store(out, s01, 16); v128.store(out, s00);
  if (is16) { v128.store(o1, s13, 48); v128.store(o1, s12, 32); }
  v128.store(o1, s11, 16); v128.store(o1, s10);
  if (is16) { v128.store(o2, s23, 48); v128.store(o2, s22, 32); }
  v128.store(o2, s21, 16); v128.store(o2, s20);
  if (is16) { v128.store(o3, s33, 48); v128.store(o3, s32, 32); }
  v128.store(o3, s31, 16); v128.store(o3, s30);
}

/** One row of 32 columns, or of 8; with `isKept` of values. */
// @ts-ignore: decorator
@inline
function addOne(type: i32, is32: bool, isKept: bool, a: usize, aStride: usize, b: usize, nK: i32, out: usize): void {
  const zero = f32x4.splat(0);
  const bits0 = v128.load(constants, HALF_BITS), bits1 = v128.load(constants, HALF_BITS + 16);
  const unit0 = v128.load(constants, HALF_UNIT), unit1 = v128.load(constants, HALF_UNIT + 16);
  let s0 = zero, s1 = zero, s2 = zero, s3 = zero, s4 = zero, s5 = zero, s6 = zero, s7 = zero;
  if (isKept) {
    const k = v128.load32_splat(kept);
    s0 = f32x4.add(f32x4.mul(v128.load(out), k), zero);
    s1 = f32x4.add(f32x4.mul(v128.load(out, 16), k), zero);
    if (is32) {
      s2 = f32x4.add(f32x4.mul(v128.load(out, 32), k), zero);
      s3 = f32x4.add(f32x4.mul(v128.load(out, 48), k), zero);
      s4 = f32x4.add(f32x4.mul(v128.load(out, 64), k), zero);
      s5 = f32x4.add(f32x4.mul(v128.load(out, 80), k), zero);
      s6 = f32x4.add(f32x4.mul(v128.load(out, 96), k), zero);
      s7 = f32x4.add(f32x4.mul(v128.load(out, 112), k), zero);
    }
  }
  for (; nK > 0; nK--) {
    // a weight, at most 1, times 2^112 is exact; a query may be too large for that
    const x = type == F16 && isKept ? f32x4.mul(v128.load32_splat(b), unit0) : v128.load32_splat(b);
    s0 = f32x4.add(s0, f32x4.mul(four(type, isKept, a, 0, bits0, unit0), x));
    s1 = f32x4.add(s1, f32x4.mul(four(type, isKept, a, 4, bits1, unit1), x));
    if (is32) {
      s2 = f32x4.add(s2, f32x4.mul(four(type, isKept, a, 8, bits0, unit0), x));
      s3 = f32x4.add(s3, f32x4.mul(four(type, isKept, a, 12, bits1, unit1), x));
      s4 = f32x4.add(s4, f32x4.mul(four(type, isKept, a, 16, bits0, unit0), x));
      s5 = f32x4.add(s5, f32x4.mul(four(type, isKept, a, 20, bits1, unit1), x));
      s6 = f32x4.add(s6, f32x4.mul(four(type, isKept, a, 24, bits0, unit0), x));
      s7 = f32x4.add(s7, f32x4.mul(four(type, isKept, a, 28, bits1, unit1), x));
    }
    a += aStride;
    b += 4;
  }
  if (is32) {
    v128.store(out, s7, 112); v128.store(out, s6, 96); v128.store(out, s5, 80); v128.store(out, s4, 64);
    v128.store(out, s3, 48); v128.store(out, s2, 32);
  }
  v128.store(out, s1, 16); v128.store(out, s0);
}

/** Products of four queries with the keys of a tile, (headDim, 32) binary32, to `weights`. */
// @ts-ignore: decorator
@inline
function keysOfFour(is16: bool, keys: usize, q0: usize, q1: usize, q2: usize, q3: usize): void {
  for (let column: usize = 0; column < ROW; column += is16 ? 64 : 32) {
    addFour(is16, false, keys + column, ROW, q0, q1, q2, q3, headDim, weights + column, ROW);
  }
}

/** The values at positions `from` … `to` - 1 of a tile, weighted, to four rows of sums. */
// @ts-ignore: decorator
@inline
function valuesOfFour(is16: bool, values: usize, from: i32, to: i32, out: usize): void {
  const channels = paddedChannels(headDim), outStride = <usize>channels << 2;
  const b = weights + (<usize>from << 2);
  for (let c = 0; c < channels; c += BLOCK) {
    const width = min(BLOCK, channels - c), stride = <usize>width << 2;
    let a = values + (<usize>(c * TILE) << 2) + <usize>from * stride, done = 0;
    if (is16) {
      for (; done + 16 <= width; done += 16, a += 64) {
        addFour(true, true, a, stride, b, b + ROW, b + 2 * ROW, b + 3 * ROW, to - from, out + (<usize>(c + done) << 2), outStride);
      }
    }
    for (; done < width; done += 8, a += 32) {
      addFour(false, true, a, stride, b, b + ROW, b + 2 * ROW, b + 3 * ROW, to - from, out + (<usize>(c + done) << 2), outStride);
    }
  }
}

// one function for each, rather than copies wherever they are used
function keysOfFourWide(keys: usize, q0: usize, q1: usize, q2: usize, q3: usize): void {
  keysOfFour(true, keys, q0, q1, q2, q3);
}
function keysOfFourNarrow(keys: usize, q0: usize, q1: usize, q2: usize, q3: usize): void {
  keysOfFour(false, keys, q0, q1, q2, q3);
}
function valuesOfFourWide(values: usize, from: i32, to: i32, out: usize): void {
  valuesOfFour(true, values, from, to, out);
}
function valuesOfFourNarrow(values: usize, from: i32, to: i32, out: usize): void {
  valuesOfFour(false, values, from, to, out);
}

/** The same for one row. */
// @ts-ignore: decorator
@inline
function valuesOfOne(type: i32, values: usize, from: i32, to: i32, out: usize): void {
  const elementBytes: usize = type == F16 ? 2 : 4;
  const b = weights + (<usize>from << 2);
  let channels = paddedChannels(headDim);
  for (; channels >= BLOCK; channels -= BLOCK) {
    addOne(type, true, true, values + <usize>from * 32 * elementBytes, 32 * elementBytes, b, to - from, out);
    values += <usize>(TILE * BLOCK) * elementBytes;
    out += 128;
  }
  const stride = <usize>channels * elementBytes;
  for (values += <usize>from * stride; channels > 0; channels -= 8) {
    addOne(type, false, true, values, stride, b, to - from, out);
    values += 8 * elementBytes;
    out += 32;
  }
}

function oneF16(keys: usize, q: usize): void {
  addOne(F16, true, false, keys, 64, q, headDim, weights);
}
function oneF32(keys: usize, q: usize): void {
  addOne(F32, true, false, keys, 128, q, headDim, weights);
}
function valuesOfOneF16(values: usize, from: i32, to: i32, out: usize): void {
  valuesOfOne(F16, values, from, to, out);
}
function valuesOfOneF32(values: usize, from: i32, to: i32, out: usize): void {
  valuesOfOne(F32, values, from, to, out);
}

/**
 * A row's products with the keys of a tile, (32) at `row`, become its weights: those of positions `from` … `to` - 1, and 0 elsewhere.
 * @returns the factor on what was summed before
 */
function weigh(row: usize, state: usize, from: i32, to: i32): f32 {
  const step = i32x4.splat(4), first = i32x4.splat(from), end = i32x4.splat(to), none = f32x4.splat(-Infinity);
  let index = i32x4(0, 1, 2, 3), most = none;
  score(row, TILE);
  for (let at = row; at != row + ROW; at += 16) {
    const isSeen = v128.and(i32x4.ge_s(index, first), i32x4.lt_s(index, end));
    const scores = v128.bitselect(v128.load(at), none, isSeen);
    v128.store(at, scores);
    most = f32x4.pmax(most, scores);
    index = i32x4.add(index, step);
  }
  most = f32x4.pmax(most, v128.shuffle<f32>(most, most, 2, 3, 0, 1));
  most = f32x4.pmax(most, v128.shuffle<f32>(most, most, 1, 0, 3, 2));
  const before = v128.load32_splat(state), largest = f32x4.pmax(before, most);
  let low = f32x4.splat(0), high = low;
  index = i32x4(0, 1, 2, 3);
  for (let at = row; at != row + ROW; at += 32) {
    const isSeen = v128.and(i32x4.ge_s(index, first), i32x4.lt_s(index, end));
    const w0 = v128.and(exp(f32x4.sub(v128.load(at), largest)), isSeen);
    index = i32x4.add(index, step);
    const isNextSeen = v128.and(i32x4.ge_s(index, first), i32x4.lt_s(index, end));
    const w1 = v128.and(exp(f32x4.sub(v128.load(at, 16), largest)), isNextSeen);
    index = i32x4.add(index, step);
    v128.store(at, w0);
    v128.store(at, w1, 16);
    low = f32x4.add(low, w0);
    high = f32x4.add(high, w1);
  }
  const sum4 = f32x4.add(low, high), sum2 = f32x4.add(sum4, v128.shuffle<f32>(sum4, sum4, 2, 3, 0, 1));
  const factor = f32x4.extract_lane(exp(f32x4.sub(before, largest)), 0);
  store<f32>(state, f32x4.extract_lane(largest, 0));
  store<f32>(state, load<f32>(state, 4) * factor + (f32x4.extract_lane(sum2, 0) + f32x4.extract_lane(sum2, 1)), 4);
  return factor;
}

/** Four rows and the tile at position `t`; all elements are finite, so that weights of 0 leave outputs as they are. */
function tileOfFour(kType: i32, vType: i32, row: i32, inChunk: i32, t: i32, keys: usize, values: usize): void {
  let from = TILE, to = 0;
  const start = startOf(row) - t, end = endOf(row + 3) - t;
  if (end <= 0 || start >= TILE && startOf(row + 3) - t >= TILE) return;
  if (kType == BLOCKS) keysInBlocks(4, inChunk, keys, weights);
  else if (isWide) keysOfFourWide(keys, queryOf(row), queryOf(row + 1), queryOf(row + 2), queryOf(row + 3));
  else keysOfFourNarrow(keys, queryOf(row), queryOf(row + 1), queryOf(row + 2), queryOf(row + 3));
  for (let r = 0; r < 4; r++) {
    const at = weights + <usize>r * ROW;
    const first = max(0, startOf(row + r) - t), last = min(TILE, endOf(row + r) - t);
    if (first < last) {
      store<f32>(kept + (<usize>r << 2), weigh(at, states + (<usize>(inChunk + r) << 3), first, last));
      from = min(from, first);
      to = max(to, last);
    } else {
      store<f32>(kept + (<usize>r << 2), 1);
      memory.fill(at, 0, ROW);
    }
  }
  const out = sums + (<usize>(inChunk * paddedChannels(headDim)) << 2);
  if (vType == BLOCKS) valuesInBlocks(4, values, weights, kept, out);
  else if (isWide) valuesOfFourWide(values, from, to, out);
  else valuesOfFourNarrow(values, from, to, out);
}

/** One row likewise, with any elements. */
function tileOfOne(kType: i32, vType: i32, row: i32, inChunk: i32, t: i32, keys: usize, values: usize): void {
  const first = max(0, startOf(row) - t), last = min(TILE, endOf(row) - t);
  if (first >= last) return;
  if (kType == BLOCKS) keysInBlocks(1, inChunk, keys, weights);
  else if (kType == F16) oneF16(keys, queryOf(row));
  else oneF32(keys, queryOf(row));
  store<f32>(kept, weigh(weights, states + (<usize>inChunk << 3), first, last));
  const out = sums + (<usize>(inChunk * paddedChannels(headDim)) << 2);
  if (vType == BLOCKS) valuesInBlocks(1, values, weights, kept, out);
  else if (vType == F16) valuesOfOneF16(values, first, last, out);
  else valuesOfOneF32(values, first, last, out);
}

/** Bytes of a tile of `n` channels of `type`. */
function tileBytes(type: i32, n: i32): usize {
  return type == BLOCKS ? <usize>nBlocks(headDim) * BLOCK_BYTES : <usize>(TILE * n) << (type == F16 ? 1 : 2);
}

/** `n` binary16 numbers in binary32 at `to`, whatever they are. */
function widenTile(to: usize, halves: usize, n: i32): usize {
  if (isFinite(kvHead)) widenFinite(to, halves, n);
  else widenAny(to, halves, n);
  return to;
}

/** Attention of `nRows` (up to CHUNK) rows from `first` on. */
function attendChunk(kType: i32, vType: i32, first: i32, nRows: i32): void {
  const channels = paddedChannels(headDim);
  const areFinite = isFinite(kvHead);
  const nInFours = areFinite ? nRows & ~3 : 0;
  const isWidened = nInFours > 0 || !areFinite; // else binary16 is read where it is
  memory.fill(sums, 0, <usize>(nRows * channels) << 2);
  for (let r = 0; r < nRows; r++) {
    store<f32>(states + (<usize>r << 3), sinkOf(first + r));
    store<f32>(states + (<usize>r << 3), hasSinks() ? 1 : 0, 4);
  }
  if (kType == BLOCKS) packQueries(first, nRows);
  const keyBytes = tileBytes(kType, headDim), valueBytes = tileBytes(vType, channels);
  const kOne = kType == F16 && isWidened ? F32 : kType, vOne = vType == F16 && isWidened ? F32 : vType;
  const end = endOf(first + nRows - 1);
  for (let t = startOf(first) & ~(TILE - 1); t < end; t += TILE) {
    let keys = kvHead + HEADER_BYTES + <usize>(t / TILE) * keyBytes, values = kvValues + <usize>(t / TILE) * valueBytes;
    if (kOne != kType) keys = widenTile(tileKeys, keys, TILE * headDim);
    if (vOne != vType) values = widenTile(tileValues, values, TILE * channels);
    let r = 0;
    for (; r < nInFours; r += 4) tileOfFour(kType, vType, first + r, r, t, keys, values);
    for (; r < nRows; r++) tileOfOne(kOne, vOne, first + r, r, t, keys, values);
  }
  for (let r = 0; r < nRows; r++) {
    const inverse = f32x4.splat(<f32>1 / load<f32>(states + (<usize>r << 3), 4));
    let from = sums + (<usize>(r * channels) << 2), to = outputOf(first + r);
    for (let n = headDim; n > 0; n -= 4) {
      storeFew(to, f32x4.mul(v128.load(from), inverse), n);
      from += 16;
      to += 16;
    }
  }
}

/**
 * As `attend_f16` in attention.ts, without tables, for keys and values of any types: 0 binary16, 1 binary32, 2 blocks.
 */
export function attend_lanes(
  kType: i32, vType: i32, head: usize, values: usize, q: usize, out: usize, work: usize, past: i32, n: i32, heads: i32, dim: i32,
  qStride: i32, outStride: i32, factor: f32, nSeen: i32, cap: f32, sinkScores: usize,
): void {
  setCall(head, values, q, out, past, heads, dim, qStride, outStride, factor, nSeen, cap, sinkScores);
  const rowsBytes = <usize>(CHUNK * paddedChannels(headDim)) << 2;
  tileKeys = work;
  tileValues = tileKeys + rowsBytes;
  sums = tileValues + rowsBytes;
  weights = sums + rowsBytes;
  states = weights + 4 * ROW;
  kept = states + 256;
  setBlockWork(kept + 64);
  const nRows = n * group;
  for (let first = 0; first < nRows; first += CHUNK) attendChunk(kType, vType, first, min(CHUNK, nRows - first));
}
