// The histograms that build 803 prints for Q4_0, Q4_1, Q5_0, Q5_1 and Q8_0. The twins are in src/level-counts.ts and src/q8_0.ts.
//
// Bytes are counted, each byte holding two levels (Q8_0: one), and the counts of the 256 bytes are then added up to 16 bins.

import { scratch, SUMS } from "./vectors";

// Four tables of 256 counts: neighbouring bytes are often equal, and a count that was just stored is slow to load.
// @ts-ignore: decorator
@inline const TABLE: usize = 1024;

// @ts-ignore: decorator
@inline
function countByte(table: usize, byte: u64): void {
  const at = table + (<usize>(byte & 255) << 2);
  store<u32>(at, load<u32>(at) + 1);
}

/** Counts the 8 bytes of `bytes`. */
// @ts-ignore: decorator
@inline
function countBytes(table: usize, bytes: u64): void {
  countByte(table, bytes);
  countByte(table + TABLE, bytes >> 8);
  countByte(table + 2 * TABLE, bytes >> 16);
  countByte(table + 3 * TABLE, bytes >> 24);
  countByte(table, bytes >> 32);
  countByte(table + TABLE, bytes >> 40);
  countByte(table + 2 * TABLE, bytes >> 48);
  countByte(table + 3 * TABLE, bytes >> 56);
}

/** How often `byte` was counted. */
// @ts-ignore: decorator
@inline
function countOf(byte: i32): u32 {
  const at = scratch + SUMS + (<usize>byte << 2);
  return load<u32>(at) + load<u32>(at + TABLE) + load<u32>(at + 2 * TABLE) + load<u32>(at + 3 * TABLE);
}

// @ts-ignore: decorator
@inline
function addTo(counts: usize, bin: i32, count: u32): void {
  const at = counts + (<usize>bin << 2);
  store<u32>(at, load<u32>(at) + count);
}

/** Adds the counts of bytes to those of their nibbles, (16) u32 at `counts`. */
// @ts-ignore: decorator
@inline
function addNibbles(counts: usize): void {
  for (let byte = 0; byte < 256; byte++) {
    addTo(counts, byte & 15, countOf(byte));
    addTo(counts, byte >> 4, countOf(byte));
  }
}

// @ts-ignore: decorator
@inline
function countNibbles(src: usize, counts: usize, nBlocks: i32, blockBytes: usize): void {
  const table = scratch + SUMS;
  memory.fill(table, 0, 4 * TABLE);
  for (src += blockBytes - 16; nBlocks > 0; nBlocks--, src += blockBytes) {
    countBytes(table, load<u64>(src));
    countBytes(table, load<u64>(src, 8));
  }
  addNibbles(counts);
}

/**
 * As build 803 pairs nibbles and fifth bits, which is wrong: byte k has bits 2k (low nibble) and 2k + 16 (high nibble; nothing
 * for bytes 8 and 9, and 2k - 16 after them, because shifts wrap).
 */
// @ts-ignore: decorator
@inline
function countFiveBits(src: usize, counts: usize, nBlocks: i32, blockBytes: usize): void {
  const table = scratch + SUMS;
  const evenBit = i8x16(1, 4, 16, 64, 1, 4, 16, 64, 1, 4, 16, 64, 1, 4, 16, 64);
  const highBit = i8x16(1, 4, 16, 64, 1, 4, 16, 64, 0, 0, 16, 64, 1, 4, 16, 64);
  memory.fill(table, 0, 4 * TABLE);
  for (src += blockBytes - 20; nBlocks > 0; nBlocks--, src += blockBytes) {
    const fifths = v128.load32_splat(src), nibbles = v128.load(src, 4);
    const low = v128.shuffle<i8>(fifths, fifths, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    const high = v128.shuffle<i8>(fifths, fifths, 2, 2, 2, 2, 3, 3, 3, 3, 0, 0, 0, 0, 1, 1, 1, 1);
    const bits3 = v128.and(i8x16.eq(v128.and(low, evenBit), evenBit), i8x16.splat(8));
    const bits7 = v128.and(i8x16.ne(v128.and(high, highBit), i8x16.splat(0)), i8x16.splat(-128));
    const halved = v128.and(i16x8.shr_u(nibbles, 1), i8x16.splat(0x77));
    const levels = v128.or(halved, v128.or(bits3, bits7));
    countBytes(table, i64x2.extract_lane(levels, 0));
    countBytes(table, i64x2.extract_lane(levels, 1));
  }
  addNibbles(counts);
}

/** Adds the levels of `nBlocks` blocks at `src` to `counts`, (16) u32. */
export function count_q4_0(src: usize, counts: usize, nBlocks: i32): void {
  countNibbles(src, counts, nBlocks, 18);
}
export function count_q4_1(src: usize, counts: usize, nBlocks: i32): void {
  countNibbles(src, counts, nBlocks, 20);
}
export function count_q5_0(src: usize, counts: usize, nBlocks: i32): void {
  countFiveBits(src, counts, nBlocks, 22);
}
export function count_q5_1(src: usize, counts: usize, nBlocks: i32): void {
  countFiveBits(src, counts, nBlocks, 24);
}

/** Bin = level / 16, cut towards zero, + 8. */
export function count_q8_0(src: usize, counts: usize, nBlocks: i32): void {
  const table = scratch + SUMS;
  memory.fill(table, 0, 4 * TABLE);
  for (; nBlocks > 0; nBlocks--, src += 34) {
    countBytes(table, load<u64>(src, 2));
    countBytes(table, load<u64>(src, 10));
    countBytes(table, load<u64>(src, 18));
    countBytes(table, load<u64>(src, 26));
  }
  for (let byte = 0; byte < 256; byte++) addTo(counts, <i32><i8>byte / 16 + 8, countOf(byte));
}
