// The keys and values of one KV head in one layer, as binary16 (2 bytes) or binary32 (4 bytes); kv-blocks.ts has blocks of whole numbers.
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

/** Stores the keys of `n` positions from `nPast` on, rounded: rows of (headDim) binary32, rotated, `rowStride` values apart. */
export function store_keys(elementBytes: i32, head: usize, keys: usize, nPast: i32, n: i32, headDim: i32, rowStride: i32): void {
  const mask = v128.load(constants, MAGNITUDE), step = <usize>(TILE * elementBytes);
  let large = i32x4.splat(0);
  for (let position = nPast; position < nPast + n; position++) {
    let key = keyOf(head, elementBytes, headDim, position);
    for (let c = 0; c < headDim; c += 4, key += 4 * step) {
      const here = min(4, headDim - c);
      const k = loadFew(keys + (c << 2), here);
      large = i32x4.max_s(large, v128.and(k, mask));
      if (elementBytes == 2) {
        const bits = halfBits(k);
        v128.store_lane<i16>(key, bits, 0);
        if (here > 1) v128.store_lane<i16>(key + step, bits, 2);
        if (here > 2) v128.store_lane<i16>(key + 2 * step, bits, 4);
        if (here > 3) v128.store_lane<i16>(key + 3 * step, bits, 6);
      } else {
        v128.store_lane<i32>(key, k, 0);
        if (here > 1) v128.store_lane<i32>(key + step, k, 1);
        if (here > 2) v128.store_lane<i32>(key + 2 * step, k, 2);
        if (here > 3) v128.store_lane<i32>(key + 3 * step, k, 3);
      }
    }
    keys += <usize>rowStride << 2;
  }
  noteLarge(head, elementBytes, large);
}

/** The same for values, to `region`; channels of the padding become 0. */
export function store_values(
  elementBytes: i32, head: usize, region: usize, values: usize, nPast: i32, n: i32, headDim: i32, rowStride: i32,
): void {
  const mask = v128.load(constants, MAGNITUDE), channels = paddedChannels(headDim);
  let large = i32x4.splat(0);
  for (let position = nPast; position < nPast + n; position++) {
    for (let c = 0; c < channels; c += 4) {
      const at = valueAt(region, elementBytes, headDim, position, c);
      const v = c < headDim ? loadFew(values + (c << 2), headDim - c) : i32x4.splat(0);
      large = i32x4.max_s(large, v128.and(v, mask));
      if (elementBytes == 2) {
        const bits = halfBits(v);
        v128.store_lane<i64>(at, i16x8.narrow_i32x4_u(bits, bits), 0);
      } else {
        v128.store(at, v);
      }
    }
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

/** Copies the keys of the first `n` positions to `out` or, if `isWrite`, from it: (n, headDim) elements. */
export function copy_keys(isWrite: bool, elementBytes: i32, head: usize, out: usize, n: i32, headDim: i32): void {
  let large: u32 = 0;
  for (let position = 0; position < n; position++) {
    let key = keyOf(head, elementBytes, headDim, position);
    for (let c = 0; c < headDim; c++, out += elementBytes, key += <usize>(TILE * elementBytes)) {
      large |= isWrite ? copyElement(elementBytes, key, out) : copyElement(elementBytes, out, key);
    }
  }
  if (isWrite && large != 0) store<u32>(head, 1);
}

/** The same for the values at `region`, channel by channel: (headDim, n) elements. Channels of the padding stay as they are. */
export function copy_values(
  isWrite: bool, elementBytes: i32, head: usize, region: usize, out: usize, n: i32, headDim: i32,
): void {
  let large: u32 = 0;
  for (let c = 0; c < headDim; c++) {
    for (let position = 0; position < n; position++, out += elementBytes) {
      const value = valueAt(region, elementBytes, headDim, position, c);
      large |= isWrite ? copyElement(elementBytes, value, out) : copyElement(elementBytes, out, value);
    }
  }
  if (isWrite && large != 0) store<u32>(head, 1);
}
