// Keys and values of one KV head as Q8_0: whole numbers of 8 bits and a binary16 scale for each position's 32 channels.
// src/arithmetic/levels.ts writes the arithmetic down.
//
// A tile of 32 positions is one block after the other, each of 32 channels; channels that are not there have any levels. A block has
//
//   byte  0                              1024                     1088
//         ├─ levels of 32 × 32 numbers ──┼─ scales of positions ──┤
//
//   keys     (16, 32, 2)   pairs of channels, the 32 positions of each
//   values   (16, 32, 2)   pairs of positions, the 32 channels of each
//
// so that one instruction multiplies and adds two neighbours of what is summed, for four of what is not.

import { BLOCK, TILE } from "./kv-head";
import { constants, halfBits, HALF_BITS, HALF_UNIT, LEVELS, loadFew, ROUNDER } from "./vectors";

// @ts-ignore: decorator
@inline export const SCALES: usize = 1024;
// @ts-ignore: decorator
@inline export const BLOCK_BYTES: usize = 1088;

/** Blocks of a head. */
// @ts-ignore: decorator
@inline
export function nBlocks(headDim: i32): i32 {
  return (headDim + BLOCK - 1) / BLOCK;
}

/** Four binary16 numbers, loaded as 32 bits, as binary32; what is not finite becomes any number. */
// @ts-ignore: decorator
@inline
export function fourScales(halves: v128, bits: v128, unit: v128): v128 {
  return f32x4.mul(v128.and(i32x4.shl(halves, 13), bits), unit);
}

/** The largest lane of numbers that are positive or 0. */
// @ts-ignore: decorator
@inline
export function largestLane(x: v128): f32 {
  const pairs = f32x4.pmax(x, v128.shuffle<f32>(x, x, 2, 3, 0, 1));
  return f32x4.extract_lane(f32x4.pmax(pairs, v128.shuffle<f32>(pairs, pairs, 1, 0, 3, 2)), 0);
}

/** Eight numbers below 2^22 in magnitude to the nearest whole ones, ties to even, in 16 bits. */
// @ts-ignore: decorator
@inline
export function wholeNumbers(low: v128, high: v128): v128 {
  const rounder = v128.load(constants, ROUNDER);
  return i16x8.narrow_i32x4_s(i32x4.sub(f32x4.add(low, rounder), rounder), i32x4.sub(f32x4.add(high, rounder), rounder));
}

// @ts-ignore: decorator
@inline
function known(x: v128): v128 {
  return v128.and(x, f32x4.eq(x, x)); // NaN becomes 0
}

/**
 * Up to 32 numbers at `x` as 32 levels of 16 bits at `levels`; those behind `n` are 0.
 * @returns the bits of their scale
 */
export function toLevels(levels: usize, x: usize, n: i32): u32 {
  let most = f32x4.splat(0);
  for (let i = 0; i < n; i += 4) most = f32x4.pmax(most, f32x4.abs(known(loadFew(x + (i << 2), n - i))));
  const bits = halfBits(f32x4.splat(min<f32>(largestLane(most), 8319008) / 127)); // 65504 · 127
  const half = <u32>i32x4.extract_lane(bits, 0);
  const scale = f32x4.mul(i32x4.shl(bits, 13), v128.load(constants, HALF_UNIT));
  const inverse = half == 0 ? f32x4.splat(0) : f32x4.div(f32x4.splat(1), scale);
  const largest = f32x4.splat(127), smallest = f32x4.splat(-127);
  for (let i = 0; i < BLOCK; i += 8) {
    const a = i < n ? known(loadFew(x + (i << 2), n - i)) : f32x4.splat(0);
    const b = i + 4 < n ? known(loadFew(x + (i << 2) + 16, n - i - 4)) : f32x4.splat(0);
    const low = f32x4.pmax(f32x4.pmin(f32x4.mul(a, inverse), largest), smallest);
    const high = f32x4.pmax(f32x4.pmin(f32x4.mul(b, inverse), largest), smallest);
    v128.store(levels + (i << 1), wholeNumbers(low, high));
  }
  return half;
}

/** Where in a tile's block the level of channel `c` of the block at `position` is. */
// @ts-ignore: decorator
@inline
function placeOf(isKey: bool, position: i32, c: i32): usize {
  const t = position % TILE;
  return isKey ? <usize>((c >> 1) * 64 + 2 * t + (c & 1)) : <usize>((t >> 1) * 64 + 2 * c + (t & 1));
}

/** The block with channel `c` at `position`, in the keys or the values of a head. */
// @ts-ignore: decorator
@inline
function blockAt(region: usize, headDim: i32, position: i32, c: i32): usize {
  return region + <usize>(position / TILE * nBlocks(headDim) + c / BLOCK) * BLOCK_BYTES;
}

/** Stores `n` positions from `nPast` on: rows of (headDim) binary32, `rowStride` values apart, to the keys or values at `region`. */
export function store_blocks(isKey: bool, region: usize, rows: usize, nPast: i32, n: i32, headDim: i32, rowStride: i32): void {
  const levels = constants + LEVELS;
  for (let position = nPast; position < nPast + n; position++) {
    for (let c = 0; c < headDim; c += BLOCK) {
      const width = min(BLOCK, headDim - c), block = blockAt(region, headDim, position, c);
      store<u16>(block + (<usize>(position % TILE) << 1), <u16>toLevels(levels, rows + (c << 2), width), SCALES);
      for (let i = 0; i < width; i++) store<u8>(block + placeOf(isKey, position, i), load<u8>(levels + (i << 1)));
    }
    rows += <usize>rowStride << 2;
  }
}

/**
 * Copies the first `n` positions to `out` or, if `isWrite`, from it: position by position blocks of up to 32 channels, scale and levels.
 * Scales that are no finite positive number become one.
 */
export function copy_blocks(isWrite: bool, isKey: bool, region: usize, out: usize, n: i32, headDim: i32): void {
  for (let position = 0; position < n; position++) {
    for (let c = 0; c < headDim; c += BLOCK) {
      const width = min(BLOCK, headDim - c), block = blockAt(region, headDim, position, c);
      const scale = block + SCALES + (<usize>(position % TILE) << 1);
      if (isWrite) store<u16>(scale, <u16>min<u32>(<u32>load<u16>(out) & 0x7fff, 0x7bff));
      else store<u16>(out, load<u16>(scale));
      out += 2;
      for (let i = 0; i < width; i++, out++) {
        const level = block + placeOf(isKey, position, i);
        if (isWrite) store<u8>(level, load<u8>(out));
        else store<u8>(out, load<u8>(level));
      }
    }
  }
}
