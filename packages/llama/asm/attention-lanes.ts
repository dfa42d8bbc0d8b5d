// Attention in the arithmetic `lanes`, of the query heads that share one KV head: src/arithmetic/lanes.ts writes it down.
//
// Rows are taken in chunks of up to 32, and a chunk goes through the tiles of 32 positions: keys and values of a tile are widened to
// binary32 once and used for all rows of the chunk, four at a time. Fewer than four rows read binary16 where it is, with 256-bit code two
// at a time: 1.4 times as fast as one by one (head of 128 in the cache, Xeon with AVX-VNNI; 1.3 from memory). What is kept of a row from
// tile to tile is its largest score, the sum of its weights and its output so far; scores are those of one tile.
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
import { addValues, BLOCKS, F16, F32, multiplyKeys, ROW } from "./attention-sums";
import { exp } from "./functions";
import { BLOCK_BYTES, nBlocks } from "./kv-blocks";
import { HEADER_BYTES, isFinite, paddedChannels, TILE } from "./kv-head";
import { constants, HALF_BITS, HALF_UNIT, isWide, loadFew, storeFew } from "./vectors";

// @ts-ignore: decorator
@inline const CHUNK: i32 = 32;

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

/** `nRows` rows, 2 or 4, and the tile at position `t`; all elements are finite, so that weights of 0 leave outputs as they are. */
function tileOfSome(nRows: i32, kType: i32, vType: i32, row: i32, inChunk: i32, t: i32, keys: usize, values: usize): void {
  let from = TILE, to = 0;
  const lastRow = row + nRows - 1, start = startOf(row) - t, end = endOf(lastRow) - t;
  if (end <= 0 || start >= TILE && startOf(lastRow) - t >= TILE) return;
  if (kType == BLOCKS) keysInBlocks(nRows, inChunk, keys, weights);
  else multiplyKeys(nRows, kType, keys, queryOf(row), queryOf(row + 1), queryOf(row + 2), queryOf(row + 3), weights);
  for (let r = 0; r < nRows; r++) {
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
  if (vType == BLOCKS) valuesInBlocks(nRows, values, weights, kept, out);
  else addValues(nRows, vType, values, weights, from, to, out, kept);
}

/** One row likewise, with any elements. */
function tileOfOne(kType: i32, vType: i32, row: i32, inChunk: i32, t: i32, keys: usize, values: usize): void {
  const first = max(0, startOf(row) - t), last = min(TILE, endOf(row) - t);
  if (first >= last) return;
  const q = queryOf(row);
  if (kType == BLOCKS) keysInBlocks(1, inChunk, keys, weights);
  else multiplyKeys(1, kType, keys, q, q, q, q, weights);
  store<f32>(kept, weigh(weights, states + (<usize>inChunk << 3), first, last));
  const out = sums + (<usize>(inChunk * paddedChannels(headDim)) << 2);
  if (vType == BLOCKS) valuesInBlocks(1, values, weights, kept, out);
  else addValues(1, vType, values, weights, first, last, out, kept);
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
  const nInTwos = areFinite && isWide && kType != BLOCKS && vType != BLOCKS ? nRows & ~1 : nInFours;
  const isWidened = nInFours > 0 || !areFinite; // else binary16 is read where it is
  memory.fill(sums, 0, <usize>(nRows * channels) << 2);
  for (let r = 0; r < nRows; r++) {
    store<f32>(states + (<usize>r << 3), sinkOf(first + r));
    store<f32>(states + (<usize>r << 3), hasSinks() ? 1 : 0, 4);
  }
  if (kType == BLOCKS) packQueries(first, nRows);
  const keyBytes = tileBytes(kType, headDim), valueBytes = tileBytes(vType, channels);
  const kRead = kType == F16 && isWidened ? F32 : kType, vRead = vType == F16 && isWidened ? F32 : vType;
  const end = endOf(first + nRows - 1);
  for (let t = startOf(first) & ~(TILE - 1); t < end; t += TILE) {
    let keys = kvHead + HEADER_BYTES + <usize>(t / TILE) * keyBytes, values = kvValues + <usize>(t / TILE) * valueBytes;
    if (kRead != kType) keys = widenTile(tileKeys, keys, TILE * headDim);
    if (vRead != vType) values = widenTile(tileValues, values, TILE * channels);
    let r = 0;
    for (; r < nInFours; r += 4) tileOfSome(4, kRead, vRead, first + r, r, t, keys, values);
    for (; r < nInTwos; r += 2) tileOfSome(2, kRead, vRead, first + r, r, t, keys, values);
    for (; r < nRows; r++) tileOfOne(kRead, vRead, first + r, r, t, keys, values);
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
