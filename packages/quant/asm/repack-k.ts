// Rows of Q3_K, Q4_K, Q5_K and Q6_K as they are in a file → groups of 8 rows as k-layout.ts describes them. What the
// functions take and return is said in repack.ts.

import { isFinite16 } from "./half";
import { columnBytes, hasMinimums, headBytes, Q3_K, Q4_K, Q5_K, Q6_K, rowBytes } from "./k-layout";

/** 32 bytes to lane order: byte 4l + k is value l + 8k. */
// @ts-ignore: decorator
@inline
function storeUnit(dst: usize, src: usize): void {
  const low = v128.load(src), high = v128.load(src, 16);
  v128.store(dst, v128.shuffle<i8>(low, high, 4, 12, 20, 28, 5, 13, 21, 29, 6, 14, 22, 30, 7, 15, 23, 31), 16);
  v128.store(dst, v128.shuffle<i8>(low, high, 0, 8, 16, 24, 1, 9, 17, 25, 2, 10, 18, 26, 3, 11, 19, 27));
}

/** Scale of group `group` (0 … 15) of a Q3_K block's 12 bytes, -32 … 31. */
// @ts-ignore: decorator
@inline
export function q3Scale(scales: usize, group: i32): i32 {
  const low = <i32>load<u8>(scales + (group & 7)) >> (4 * (group >> 3));
  const high = <i32>load<u8>(scales + 8 + (group & 3)) >> (2 * (group >> 2));
  return ((low & 15) | ((high & 3) << 4)) - 32;
}

/** Scale of the pair `pair` (0 … 7) of a Q4_K or Q5_K block's 12 bytes, 0 … 63. */
// @ts-ignore: decorator
@inline
export function q4Scale(scales: usize, pair: i32): u8 {
  if (pair < 4) return load<u8>(scales + pair) & 63;
  return (load<u8>(scales + pair + 4) & 15) | ((load<u8>(scales + pair - 4) >> 6) << 4);
}

// @ts-ignore: decorator
@inline
export function q4Minimum(scales: usize, pair: i32): u8 {
  if (pair < 4) return load<u8>(scales + pair + 4) & 63;
  return (load<u8>(scales + pair + 4) >> 4) | ((load<u8>(scales + pair) >> 6) << 4);
}

/** One block of row `row` to its place at `to`, and what belongs to all rows to `t`; true if a scale is not finite. */
// @ts-ignore: decorator
@inline
function repackBlock(type: i32, src: usize, to: usize, t: usize, row: i32): bool {
  const lane: usize = 16 * (row >> 2) + 4 * (row & 3); // of the row's minimums, twice 32 bytes
  if (type == Q3_K) {
    storeUnit(to, src + 32);
    storeUnit(to + 32, src + 64);
    storeUnit(to + 64, src);
    for (let i = 0; i < 16; i += 4) {
      store<u8>(to + i, <u8>q3Scale(src + 96, i), 96);
      store<u8>(to + i, <u8>q3Scale(src + 96, i + 2), 97);
      store<u8>(to + i, <u8>q3Scale(src + 96, i + 1), 98);
      store<u8>(to + i, <u8>q3Scale(src + 96, i + 3), 99);
    }
  } else if (type == Q6_K) {
    for (let unit = 0; unit < 192; unit += 32) storeUnit(to + unit, src + unit);
    for (let i = 0; i < 16; i += 4) {
      store<u8>(to + i, load<u8>(src + i, 192), 192);
      store<u8>(to + i, load<u8>(src + i, 194), 193);
      store<u8>(to + i, load<u8>(src + i, 193), 194);
      store<u8>(to + i, load<u8>(src + i, 195), 195);
    }
  } else {
    const levels: usize = type == Q4_K ? 16 : 48;
    const scales: usize = type == Q4_K ? 128 : 160;
    for (let unit = 0; unit < 128; unit += 32) storeUnit(to + unit, src + levels + unit);
    if (type == Q5_K) storeUnit(to + 128, src + 16);
    for (let pair = 0; pair < 8; pair++) {
      store<u8>(to + scales + pair, q4Scale(src + 4, pair));
      // bytes 4i, 4i + 2, 4i + 1, 4i + 3
      store<u8>(t + lane + 32 * (pair >> 2) + (((pair & 1) << 1) | ((pair >> 1) & 1)), q4Minimum(src + 4, pair));
    }
  }

  const at: usize = type == Q3_K ? 108 : type == Q6_K ? 208 : 0;
  const d = load<u16>(src + at);
  const scale = t + (hasMinimums(type) ? 64 : 0) + (row << 1);
  store<u16>(scale, d);
  if (!hasMinimums(type)) return !isFinite16(d);
  const dmin = load<u16>(src + at, 2);
  store<u16>(scale, dmin, 16);
  return !isFinite16(d) || !isFinite16(dmin);
}

// @ts-ignore: decorator
@inline
function repackSuperBlocks(type: i32, src: usize, dst: usize, nRows: i32, nBlocks: i32): i32 {
  const blockBytes: usize = type == Q3_K ? 110 : type == Q4_K ? 144 : type == Q5_K ? 176 : 210;
  let nBad = 0;
  for (let first = 0; first < nRows; first += 8) {
    if (nRows - first < 8) memory.fill(dst, 0, <usize>nBlocks * columnBytes(type));
    for (let row = 0; row < min(8, nRows - first); row++) {
      let column = dst;
      for (let b = 0; b < nBlocks; b++) {
        nBad += <i32>repackBlock(type, src, column + headBytes(type) + <usize>row * rowBytes(type), column, row);
        src += blockBytes;
        column += columnBytes(type);
      }
    }
    dst += <usize>nBlocks * columnBytes(type);
  }
  return nBad;
}

export function repack_q3_K(src: usize, dst: usize, nRows: i32, nBlocks: i32): i32 {
  return repackSuperBlocks(Q3_K, src, dst, nRows, nBlocks);
}
export function repack_q4_K(src: usize, dst: usize, nRows: i32, nBlocks: i32): i32 {
  return repackSuperBlocks(Q4_K, src, dst, nRows, nBlocks);
}
export function repack_q5_K(src: usize, dst: usize, nRows: i32, nBlocks: i32): i32 {
  return repackSuperBlocks(Q5_K, src, dst, nRows, nBlocks);
}
export function repack_q6_K(src: usize, dst: usize, nRows: i32, nBlocks: i32): i32 {
  return repackSuperBlocks(Q6_K, src, dst, nRows, nBlocks);
}
