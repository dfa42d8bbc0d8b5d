// Rows of the K types as they are in a file → groups of 8 rows as k-sums.ts describes them. What the functions take and return is
// said in repack.ts.

import { isFinite16 } from "./half";
import { hasMinimums, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K } from "./k-layout";
import { levelsOffset, stepBytes, sumColumnBytes, UNITS_OFFSET } from "./k-sums";
import { q3Scale, q4Minimum, q4Scale } from "./repack-k";

/** Eight chunks of a row, 2 bytes of each group, to its lane in as many units. */
// @ts-ignore: decorator
@inline
function storeChunks(to: usize, first: v128, second: v128): void {
  const low = v128.shuffle<i16>(first, second, 0, 8, 1, 9, 2, 10, 3, 11);
  const high = v128.shuffle<i16>(first, second, 4, 12, 5, 13, 6, 14, 7, 15);
  v128.store_lane<i32>(to, low, 0);
  v128.store_lane<i32>(to, low, 1, 32);
  v128.store_lane<i32>(to, low, 2, 64);
  v128.store_lane<i32>(to, low, 3, 96);
  v128.store_lane<i32>(to, high, 0, 128);
  v128.store_lane<i32>(to, high, 1, 160);
  v128.store_lane<i32>(to, high, 2, 192);
  v128.store_lane<i32>(to, high, 3, 224);
}

/** Bit `bit` of eight pairs of bytes at `src`: those of even bytes, then those of odd ones. */
// @ts-ignore: decorator
@inline
function bitsOfPairs(src: usize, bit: i32): u32 {
  const bytes = v128.load(src);
  const sorted = v128.shuffle<i8>(bytes, bytes, 0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15);
  return i8x16.bitmask(i8x16.shl(sorted, 7 - bit));
}

/** Bits `2m` and `2m + 1` of four pairs of bytes, where they are in a unit. */
// @ts-ignore: decorator
@inline
function fourPairs(src: usize, m: i32): u32 {
  const twos = (load<u64>(src) >> (2 * m)) & 0x0303030303030303;
  return <u32>(twos | (twos >> 14) | (twos >> 28) | (twos >> 42)) & 0xffff;
}

/** Bits `2m` and `2m + 1` of 32 bytes, the values of a couple, to the row's lane in two units. */
// @ts-ignore: decorator
@inline
function storeTwoBits(to: usize, src: usize, m: i32): void {
  store<u32>(to, fourPairs(src, m) | (fourPairs(src + 16, m) << 16));
  store<u32>(to, fourPairs(src + 8, m) | (fourPairs(src + 24, m) << 16), 32);
}

/** Low nibbles (scales; `shift` 0) or high ones (minimums; 4) of 16 bytes as word `word` of four, see k-sums.ts. */
// @ts-ignore: decorator
@inline
function nibbleWord(bytes: usize, word: i32, shift: i32): u16 {
  let bits: u32 = 0;
  for (let k = 0; k < 4; k++) {
    const group = 2 * (4 * (word >> 1) + k) + (word & 1);
    bits |= ((<u32>load<u8>(bytes + group) >> shift) & 15) << (4 * k);
  }
  return <u16>bits;
}

/** Where a group's scale, or minimum, is in a row's lane of words: bytes of groups 4i, 4i + 2, 4i + 1, 4i + 3. */
// @ts-ignore: decorator
@inline
function placeInWords(group: i32): usize {
  return 32 * (group >> 2) + (((group & 1) << 1) | ((group >> 1) & 1));
}

/** One block of row `row` to its places in the column at `to`; true if a scale is not finite. */
// @ts-ignore: decorator
@inline
function repackBlock(type: i32, src: usize, to: usize, row: i32): bool {
  const lane: usize = 16 * (row >> 2) + 4 * (row & 3);
  const t = to + lane, u = to + UNITS_OFFSET + (row << 1);
  let w = to + levelsOffset(type) + lane;
  if (type == Q2_K || type == Q3_K) {
    const levels = src + (type == Q2_K ? 16 : 32);
    for (let couple = 0; couple < 8; couple++, w += stepBytes(type)) {
      storeTwoBits(w, levels + 32 * (couple >> 2), couple & 3);
      if (type == Q3_K) store<u32>(w, bitsOfPairs(src, couple) | (bitsOfPairs(src + 16, couple) << 16), 64);
    }
  } else if (type == Q6_K) {
    for (let half: usize = 0; half < 2; half++) {
      const ql = src + (half << 6), qh = src + 128 + (half << 5);
      const a = v128.load(ql), b = v128.load(ql, 16), c = v128.load(ql, 32), d = v128.load(ql, 48);
      const low = i8x16.splat(15), high = i8x16.splat(-16);
      storeChunks(w, v128.bitselect(a, i8x16.shl(c, 4), low), v128.bitselect(b, i8x16.shl(d, 4), low));
      storeTwoBits(w + 256, qh, 0);
      storeTwoBits(w + 320, qh, 1);
      w += stepBytes(type);
      storeChunks(w, v128.bitselect(c, i8x16.shr_u(a, 4), high), v128.bitselect(d, i8x16.shr_u(b, 4), high));
      storeTwoBits(w + 256, qh, 2);
      storeTwoBits(w + 320, qh, 3);
      w += stepBytes(type);
    }
  } else {
    const levels: usize = type == Q4_K ? 16 : 48;
    for (let couple = 0; couple < 4; couple++, w += stepBytes(type)) {
      const q = src + levels + 32 * couple;
      const a = v128.load(q), b = v128.load(q, 16), low = i8x16.splat(15), high = i8x16.splat(-16);
      storeChunks(w, v128.bitselect(a, i8x16.shl(b, 4), low), v128.bitselect(b, i8x16.shr_u(a, 4), high));
      if (type == Q4_K) continue;
      for (let half: usize = 0; half < 2; half++) {
        const bits = src + 16 + (half << 4);
        store<u32>(w + (half << 5), bitsOfPairs(bits, 2 * couple) | (bitsOfPairs(bits, 2 * couple + 1) << 16), 256);
      }
    }
  }

  if (type == Q2_K) {
    for (let word = 0; word < 4; word++) {
      const at = t + 32 * (word >> 1) + ((word & 1) << 1);
      store<u16>(at, nibbleWord(src, word, 0));
      store<u16>(at, nibbleWord(src, word, 4), 64);
    }
  } else if (hasMinimums(type)) {
    for (let group = 0; group < 8; group++) {
      store<u8>(t + placeInWords(group), q4Scale(src + 4, group));
      store<u8>(t + placeInWords(group), q4Minimum(src + 4, group), 64);
    }
  } else {
    for (let group = 0; group < 16; group++) {
      store<u8>(t + placeInWords(group), type == Q3_K ? <u8>q3Scale(src + 96, group) : load<u8>(src + group, 192));
    }
  }

  const at: usize = type == Q2_K ? 80 : type == Q3_K ? 108 : type == Q6_K ? 208 : 0;
  const d = load<u16>(src + at);
  store<u16>(u, d);
  if (!hasMinimums(type)) return !isFinite16(d);
  const dmin = load<u16>(src + at, 2);
  store<u16>(u, dmin, 16);
  return !isFinite16(d) || !isFinite16(dmin);
}

// @ts-ignore: decorator
@inline
function repackSuperBlocks(type: i32, src: usize, dst: usize, nRows: i32, nBlocks: i32): i32 {
  const blockBytes: usize = type == Q2_K ? 84 : type == Q3_K ? 110 : type == Q4_K ? 144 : type == Q5_K ? 176 : 210;
  let nBad = 0;
  for (let first = 0; first < nRows; first += 8) {
    if (nRows - first < 8) memory.fill(dst, 0, <usize>nBlocks * sumColumnBytes(type));
    for (let row = 0; row < min(8, nRows - first); row++) {
      let column = dst;
      for (let b = 0; b < nBlocks; b++) {
        nBad += <i32>repackBlock(type, src, column, row);
        src += blockBytes;
        column += sumColumnBytes(type);
      }
    }
    dst += <usize>nBlocks * sumColumnBytes(type);
  }
  return nBad;
}

export function repack_q2_K(src: usize, dst: usize, nRows: i32, nBlocks: i32): i32 {
  return repackSuperBlocks(Q2_K, src, dst, nRows, nBlocks);
}
export function repack_q3_K_lanes(src: usize, dst: usize, nRows: i32, nBlocks: i32): i32 {
  return repackSuperBlocks(Q3_K, src, dst, nRows, nBlocks);
}
export function repack_q4_K_lanes(src: usize, dst: usize, nRows: i32, nBlocks: i32): i32 {
  return repackSuperBlocks(Q4_K, src, dst, nRows, nBlocks);
}
export function repack_q5_K_lanes(src: usize, dst: usize, nRows: i32, nBlocks: i32): i32 {
  return repackSuperBlocks(Q5_K, src, dst, nRows, nBlocks);
}
export function repack_q6_K_lanes(src: usize, dst: usize, nRows: i32, nBlocks: i32): i32 {
  return repackSuperBlocks(Q6_K, src, dst, nRows, nBlocks);
}
