// Causal attention of the query heads that share one KV head.
//
// Rows are taken in chunks of up to 32, so that their scores and sums stay in the
// L2 cache. Keys and values of a tile of 32 positions are widened to binary64 once and used for all rows of a chunk, four at a
// time; a chunk of one row reads them where they are.
//
// Working memory from `work` on, with H8 = headDim rounded up to a multiple of 8:
//
//   queries   32 · H8 · 8 bytes   (8, H8, 4): four rows together, as `dot-blocks` wants them; one row: (H8)
//   tile      32 · H8 · 8         a tile of keys or values as TINY; not used for binary32
//   sums      32 · H8 · 8         (8, H8 / 8, 4, 8) binary64: sums of values; one row: (H8)
//   weights   1024                (32, 4): probabilities of a tile, four rows together; one row: (32)
//   block     256                 (4, 8) binary64: sums of scores; one row: (32)
//   scores    min(32, rows) · 4 · (positions seen, rounded up to a multiple of 32)

import { endOf, group, headDim, kvHead, kvValues, outputOf, queryOf, score, setCall, sinkOf, startOf } from "./attention-call";
import { packFour, packOne, storeOutput, storeProducts, widen, widenAny } from "./attention-packing";
import { addFour, addOneF16, addOneF32, addOneTiny, F16, F32 } from "./dot-blocks";
import { BLOCK, isFinite, keyOf, paddedChannels, TILE } from "./kv-head";
import { softmax } from "./softmax";

// @ts-ignore: decorator
@inline const CHUNK: i32 = 32;

// Parts of the working memory, and the table of e^x.
let packedQueries: usize, tile: usize, sums: usize, weights: usize, block: usize, scores: usize, exp16: usize;

/** `memory.fill` is a call into the runtime, which takes as long as 200 products. */
// @ts-ignore: decorator
@inline
function clearBlock(): void {
  const zero = f64x2.splat(0);
  for (let at = block, end = block + 256; at != end; at += 32) {
    v128.store(at, zero, 16);
    v128.store(at, zero);
  }
}

/** Attention of one row. */
// @ts-ignore: decorator
@inline
function attendOne(type: i32, row: i32): void {
  const elementBytes: i32 = type == F16 ? 2 : 4;
  const channels = paddedChannels(headDim);
  const start = startOf(row), end = endOf(row), firstTile = start & ~(TILE - 1);
  const isWidened = type == F16 && !isFinite(kvHead);

  packOne(type, type == F16, packedQueries, queryOf(row), headDim);
  for (let t = firstTile; t < end; t += TILE) {
    const keys = keyOf(kvHead, elementBytes, headDim, t);
    clearBlock();
    if (isWidened) {
      widenAny(tile, keys, headDim * TILE);
      addOneTiny(block, tile, packedQueries, 0, headDim, TILE);
    } else if (type == F16) {
      addOneF16(block, keys, packedQueries, 0, headDim, TILE);
    } else {
      addOneF32(block, keys, packedQueries, 0, headDim, TILE);
    }
    storeProducts(scores + (<usize>(t - firstTile) << 2), block, TILE);
  }

  score(scores, (end - firstTile + TILE - 1) & ~(TILE - 1));
  softmax(scores, start - firstTile, end - firstTile, exp16, type == F16, sinkOf(row));

  memory.fill(sums, 0, channels << 3);
  let values = kvValues + <usize>firstTile * <usize>(channels * elementBytes);
  for (let t = firstTile; t < end; t += TILE) {
    const from = max(0, start - t), to = min(TILE, end - t);
    packOne(type, false, weights, scores + (<usize>(t - firstTile) << 2), TILE);
    if (isWidened) {
      widenAny(tile, values, TILE * channels);
      addOneTiny(sums, tile, weights, from, to, channels);
    } else if (type == F16) {
      addOneF16(sums, values, weights, from, to, channels);
    } else {
      addOneF32(sums, values, weights, from, to, channels);
    }
    values += TILE * channels * elementBytes;
  }
  storeOutput(outputOf(row), sums, 64, headDim);
}

/** Attention of `nRows` (up to CHUNK) rows from `first` on; all elements are finite. */
// @ts-ignore: decorator
@inline
function attendMany(type: i32, first: i32, nRows: i32): void {
  const elementBytes: i32 = type == F16 ? 2 : 4;
  const columnBytes: usize = type == F16 ? 8 : 4; // of what the inner loops read: binary16 is widened before
  const numberBytes: usize = type == F16 ? 8 : 4; // of packed queries and weights
  const channels = paddedChannels(headDim);
  const firstTile = startOf(first) & ~(TILE - 1), end = endOf(first + nRows - 1);
  const scoreBytes = <usize>((end - firstTile + TILE - 1) & ~(TILE - 1)) << 2; // of a row of scores

  for (let r = 0; r < nRows; r += 4) {
    // a last group of fewer than four repeats its last row
    const last = first + nRows - 1, row = first + r;
    packFour(type, type == F16, packedQueries + <usize>(r * channels) * numberBytes,
      queryOf(row), queryOf(min(row + 1, last)), queryOf(min(row + 2, last)), queryOf(min(row + 3, last)), headDim);
  }
  for (let t = firstTile; t < end; t += TILE) {
    let keys = keyOf(kvHead, elementBytes, headDim, t);
    if (type == F16) {
      widen(tile, keys, headDim * TILE);
      keys = tile;
    }
    for (let r = 0; r < nRows; r += 4) {
      const nHere = min(4, nRows - r);
      if (endOf(first + r + nHere - 1) <= t || startOf(first + r) >= t + TILE) continue;
      const packed = packedQueries + <usize>(r * channels) * numberBytes;
      for (let column = 0; column < TILE; column += 8) {
        clearBlock();
        addFour(type, block, keys + <usize>column * columnBytes, <usize>TILE * columnBytes, packed, headDim);
        for (let j = 0; j < nHere; j++) {
          const to = scores + <usize>(r + j) * scoreBytes + (<usize>(t - firstTile + column) << 2);
          storeProducts(to, block + (j << 6), 8);
        }
      }
    }
  }

  for (let r = 0; r < nRows; r++) {
    const row = first + r, from = (startOf(row) - firstTile) & ~3;
    score(scores + <usize>r * scoreBytes + (<usize>from << 2), ((endOf(row) - firstTile + 3) & ~3) - from);
    softmax(scores + <usize>r * scoreBytes, startOf(row) - firstTile, endOf(row) - firstTile, exp16, type == F16, sinkOf(row));
    // what later rows see weighs nothing for this one
    for (let i = endOf(row) - firstTile; i < <i32>(scoreBytes >> 2); i++) store<f32>(scores + <usize>r * scoreBytes + (<usize>i << 2), 0);
  }

  memory.fill(sums, 0, <usize>(((nRows + 3) & ~3) * channels) << 3);
  let cached = kvValues + <usize>firstTile * <usize>(channels * elementBytes);
  for (let t = firstTile; t < end; t += TILE) {
    let values = cached;
    if (type == F16) {
      widen(tile, values, TILE * channels);
      values = tile;
    }
    for (let r = 0; r < nRows; r += 4) {
      const last = min(r + 3, nRows - 1);
      const nHere = min(TILE, endOf(first + last) - t);
      if (nHere <= 0 || startOf(first + r) >= t + TILE) continue;
      const at = scores + (<usize>(t - firstTile) << 2);
      packFour(type, false, weights, at + <usize>r * scoreBytes, at + <usize>min(r + 1, last) * scoreBytes,
        at + <usize>min(r + 2, last) * scoreBytes, at + <usize>last * scoreBytes, TILE);
      for (let c = 0; c < channels; c += 8) {
        const blockStart = c & ~(BLOCK - 1), width = min(BLOCK, channels - blockStart);
        const from = values + <usize>(blockStart * TILE + c - blockStart) * columnBytes, stride = <usize>width * columnBytes;
        const to = sums + (<usize>(r * channels + 4 * c) << 3);
        addFour(type, to, from, stride, weights, nHere);
      }
    }
    cached += TILE * channels * elementBytes;
  }
  for (let r = 0; r < nRows; r++) {
    storeOutput(outputOf(first + r), sums + (<usize>((r & ~3) * channels + 8 * (r & 3)) << 3), 256, headDim);
  }
}

// @ts-ignore: decorator
@inline
function attend(type: i32, work: usize, exps: usize, n: i32): void {
  exp16 = exps;
  const rowsBytes = <usize>(CHUNK * paddedChannels(headDim)) << 3;
  packedQueries = work;
  tile = packedQueries + rowsBytes;
  sums = tile + rowsBytes;
  weights = sums + rowsBytes;
  block = weights + 1024;
  scores = block + 256;

  // with an infinity about, a row must not touch positions that it does not see, not even with a weight of zero
  const nRows = n * group, chunk = isFinite(kvHead) ? CHUNK : 1;
  for (let first = 0; first < nRows; first += chunk) {
    const nHere = min(chunk, nRows - first);
    if (nHere == 1) attendOne(type, first);
    else attendMany(type, first, nHere);
  }
}

/**
 * Attention of the `heads` query heads of the KV head `head`, whose values begin at `values`, at positions `past` … `past + n - 1`, which are already stored.
 *
 * q, out: rows of (heads, headDim) binary32, one per position, `qStride` and `outStride` values apart. exps: (65536) binary32.
 * A position sees `nSeen` positions up to its own. cap: 0 for none. sinks: (heads) binary32, or 0.
 */
export function attend_f16(
  head: usize, values: usize, q: usize, out: usize, work: usize, exps: usize, past: i32, n: i32, heads: i32, dim: i32,
  qStride: i32, outStride: i32, factor: f32, nSeen: i32, cap: f32, sinks: usize,
): void {
  setCall(head, values, q, out, past, heads, dim, qStride, outStride, factor, nSeen, cap, sinks);
  attend(F16, work, exps, n);
}

/** The same for a head with elements in binary32. */
export function attend_f32(
  head: usize, values: usize, q: usize, out: usize, work: usize, exps: usize, past: i32, n: i32, heads: i32, dim: i32,
  qStride: i32, outStride: i32, factor: f32, nSeen: i32, cap: f32, sinks: usize,
): void {
  setCall(head, values, q, out, past, heads, dim, qStride, outStride, factor, nSeen, cap, sinks);
  attend(F32, work, exps, n);
}
