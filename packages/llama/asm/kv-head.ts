// The keys and values of one KV head in one layer. Elements are binary16 (2 bytes) or binary32 (4 bytes).
//
//   header    64 bytes: u32, not 0 if an element was ever infinite or NaN; the rest is unused
//   keys      tiles of 32 positions: (headDim, 32), the elements of a channel together
//   values    tiles of 32 positions: blocks of 32 channels, (32, 32), those of a position together; a last block has the
//             remaining channels, rounded up to a multiple of 8 and padded with zeros
//
// with ⌈capacity / 32⌉ tiles each. Attention sums keys over channels and values over positions, each in order; lanes run along
// the other dimension. In this layout it reads a tile from its first byte to its last. With the channels of a position side by
// side and no blocks, the values of one head of 128 channels took 2.5 times as long from main memory (Zen 5, 64 MiB of heads);
// and with all positions of a channel side by side, neighbouring channels would fall into the same set of the L1 cache.

import { halfBits, loadFew, MAGNITUDE, constants } from "./vectors";

// @ts-ignore: decorator
@inline export const HEADER_BYTES: usize = 64;

/** Positions of a tile. */
// @ts-ignore: decorator
@inline export const TILE: i32 = 32;

/** Channels of a block of values. */
// @ts-ignore: decorator
@inline export const BLOCK: i32 = 32;

// @ts-ignore: decorator
@inline
export function paddedChannels(headDim: i32): i32 {
  return (headDim + 7) & ~7;
}

/** First byte of the values. */
// @ts-ignore: decorator
@inline
export function valuesOf(head: usize, elementBytes: i32, headDim: i32, capacity: i32): usize {
  const nTiles = <usize>((capacity + TILE - 1) / TILE);
  return head + HEADER_BYTES + nTiles * <usize>(headDim * TILE * elementBytes);
}

/** First byte of channel `c` of `position`; the next channels follow up to the end of a block. */
// @ts-ignore: decorator
@inline
function valueAt(values: usize, elementBytes: i32, headDim: i32, position: i32, c: i32): usize {
  const channels = paddedChannels(headDim);
  const block = c & ~(BLOCK - 1), width = min(BLOCK, channels - block);
  const inTile = block * TILE + (position % TILE) * width + (c - block);
  return values + (<usize>(position / TILE) * <usize>(channels * TILE) + <usize>inTile) * <usize>elementBytes;
}

/** First byte of the key of `position`; its channels are TILE elements apart. */
// @ts-ignore: decorator
@inline
export function keyOf(head: usize, elementBytes: i32, headDim: i32, position: i32): usize {
  const tile = <usize>(position / TILE), inTile = <usize>(position % TILE);
  return head + HEADER_BYTES + (tile * <usize>(headDim * TILE) + inTile) * <usize>elementBytes;
}

/** True while all elements ever stored were finite. */
// @ts-ignore: decorator
@inline
export function isFinite(head: usize): bool {
  return load<u32>(head) == 0;
}

/** Makes the head empty: nothing that was at this address before matters any more. */
export function clear_head(head: usize): void {
  memory.fill(head, 0, HEADER_BYTES);
}

/** Notes whether one of the lanes of `magnitudes`, of binary32 numbers, is infinite or NaN, or will be as binary16. */
function noteLarge(head: usize, elementBytes: i32, magnitudes: v128): void {
  const limit = elementBytes == 2 ? 0x477ff000 : 0x7f800000;
  if (v128.any_true(i32x4.ge_s(magnitudes, i32x4.splat(limit)))) store<u32>(head, 1);
}

/**
 * Stores `n` positions from `nPast` on, rounded to the elements' precision.
 *
 * keys (rotated), values: rows of (headDim) binary32, `rowStride` values apart.
 */
export function store_positions(
  elementBytes: i32, head: usize, keys: usize, values: usize,
  nPast: i32, n: i32, headDim: i32, capacity: i32, rowStride: i32,
): void {
  const channels = paddedChannels(headDim);
  const mask = v128.load(constants, MAGNITUDE);
  let large = i32x4.splat(0);
  const valueTiles = valuesOf(head, elementBytes, headDim, capacity);
  for (let position = nPast; position < nPast + n; position++) {
    let key = keyOf(head, elementBytes, headDim, position);
    for (let c = 0; c < channels; c += 4) {
      const here = min(4, headDim - c);
      const value = valueAt(valueTiles, elementBytes, headDim, position, c);
      const k = here > 0 ? loadFew(keys + (c << 2), here) : i32x4.splat(0);
      const v = here > 0 ? loadFew(values + (c << 2), here) : i32x4.splat(0);
      large = i32x4.max_s(large, i32x4.max_s(v128.and(k, mask), v128.and(v, mask)));
      const step = <usize>(TILE * elementBytes);
      if (elementBytes == 2) {
        const bits = halfBits(k), valueBits = halfBits(v);
        if (here > 0) v128.store_lane<i16>(key, bits, 0);
        if (here > 1) v128.store_lane<i16>(key + step, bits, 2);
        if (here > 2) v128.store_lane<i16>(key + 2 * step, bits, 4);
        if (here > 3) v128.store_lane<i16>(key + 3 * step, bits, 6);
        v128.store_lane<i64>(value, i16x8.narrow_i32x4_u(valueBits, valueBits), 0);
      } else {
        if (here > 0) v128.store_lane<i32>(key, k, 0);
        if (here > 1) v128.store_lane<i32>(key + step, k, 1);
        if (here > 2) v128.store_lane<i32>(key + 2 * step, k, 2);
        if (here > 3) v128.store_lane<i32>(key + 3 * step, k, 3);
        v128.store(value, v);
      }
      key += 4 * step;
    }
    keys += <usize>rowStride << 2;
    values += <usize>rowStride << 2;
  }
  noteLarge(head, elementBytes, large);
}

// The elements of a session file: keys position by position, values channel by channel.

// @ts-ignore: decorator
@inline
function copyElement(elementBytes: i32, to: usize, from: usize): u32 {
  if (elementBytes == 2) {
    const bits = load<u16>(from);
    store<u16>(to, bits);
    return (<u32>bits & 0x7fff) >= 0x7c00 ? 1 : 0;
  }
  const bits = load<u32>(from);
  store<u32>(to, bits);
  return (bits & 0x7fffffff) >= 0x7f800000 ? 1 : 0;
}

/** Copies the keys of the first `n` positions to `out` or, if `isWrite`, from it: rows `rowStride` elements apart. */
// @ts-ignore: decorator
@inline
function copyKeys(isWrite: bool, elementBytes: i32, head: usize, out: usize, n: i32, headDim: i32, rowStride: i32): void {
  let large: u32 = 0;
  for (let position = 0; position < n; position++) {
    let key = keyOf(head, elementBytes, headDim, position), at = out;
    for (let c = 0; c < headDim; c++) {
      large |= isWrite ? copyElement(elementBytes, key, at) : copyElement(elementBytes, at, key);
      key += <usize>(TILE * elementBytes);
      at += elementBytes;
    }
    out += <usize>rowStride * <usize>elementBytes;
  }
  if (isWrite && large != 0) store<u32>(head, 1);
}

/** The same for values: `out` has the `n` elements of a channel together. */
// @ts-ignore: decorator
@inline
function copyValues(isWrite: bool, elementBytes: i32, head: usize, out: usize, n: i32, headDim: i32, capacity: i32): void {
  let large: u32 = 0;
  const values = valuesOf(head, elementBytes, headDim, capacity);
  for (let c = 0; c < headDim; c++) {
    for (let position = 0; position < n; position++) {
      const value = valueAt(values, elementBytes, headDim, position, c);
      large |= isWrite ? copyElement(elementBytes, value, out) : copyElement(elementBytes, out, value);
      out += elementBytes;
    }
  }
  if (isWrite && large != 0) store<u32>(head, 1);
}

/** Keys of the first `n` positions to `out`: rows of (headDim) elements, `rowStride` elements apart. */
export function read_keys(elementBytes: i32, head: usize, out: usize, n: i32, headDim: i32, rowStride: i32): void {
  if (elementBytes == 2) copyKeys(false, 2, head, out, n, headDim, rowStride);
  else copyKeys(false, 4, head, out, n, headDim, rowStride);
}

/** The inverse of `read_keys`. */
export function write_keys(elementBytes: i32, head: usize, src: usize, n: i32, headDim: i32, rowStride: i32): void {
  if (elementBytes == 2) copyKeys(true, 2, head, src, n, headDim, rowStride);
  else copyKeys(true, 4, head, src, n, headDim, rowStride);
}

/** Values of the first `n` positions to `out`: (headDim, n) elements. */
export function read_values(elementBytes: i32, head: usize, out: usize, n: i32, headDim: i32, capacity: i32): void {
  if (elementBytes == 2) copyValues(false, 2, head, out, n, headDim, capacity);
  else copyValues(false, 4, head, out, n, headDim, capacity);
}

/** The inverse of `read_values`; the padding channels stay as they are. */
export function write_values(elementBytes: i32, head: usize, src: usize, n: i32, headDim: i32, capacity: i32): void {
  if (elementBytes == 2) copyValues(true, 2, head, src, n, headDim, capacity);
  else copyValues(true, 4, head, src, n, headDim, capacity);
}
