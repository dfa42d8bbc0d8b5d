// Rows as they are in a file → groups of 8 rows as the matrix kernels want them. The layouts are described in
// nibble-types.ts, q8_0.ts, k-layout.ts and float-types.ts; the twin of this file, in TypeScript, is
// test/kernels/layout-twins.ts.
//
// Each function takes `nRows` rows of `nBlocks` blocks at `src` and writes whole groups at `dst`; rows that a last group
// lacks are zeros. It returns the number of blocks whose scale or minimum is infinite or NaN (for F16 and F32: of values):
// the kernels do not compute with those as build 803 would, which gives NaN.

import { columnBytes, hasMinimums, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, rowBytes } from "./k-layout";

// @ts-ignore: decorator
@inline
function isFinite16(bits: u16): bool {
  return (bits & 0x7c00) != 0x7c00;
}

/** Where row `row` (0 … 7) has its first 8 bytes in a column of whole or packed levels. */
// @ts-ignore: decorator
@inline
function rowOffset(row: i32): usize {
  return 32 * ((row >> 1) & 1) + 16 * (row >> 2) + 8 * (row & 1);
}

/** Eight bits to eight bytes of 0 or 1, lowest bit first. */
// @ts-ignore: decorator
@inline
function bitsToBytes(bits: u64): u64 {
  const one = (bits * 0x0101010101010101) & 0x8040201008040201; // byte k keeps bit k
  return ((one + 0x7f7f7f7f7f7f7f7f) >> 7) & 0x0101010101010101;
}

/** @param hasMin d is followed by m; @param hasFifth and then by 32 bits */
// @ts-ignore: decorator
@inline
function repackNibbles(hasMin: bool, hasFifth: bool, src: usize, dst: usize, nRows: i32, nBlocks: i32): i32 {
  const fifthAt: usize = hasMin ? 4 : 2;
  const levelsAt: usize = fifthAt + (hasFifth ? 4 : 0);
  const blockBytes: usize = levelsAt + 16;
  const scalesAt: usize = hasFifth ? 160 : 128;
  const columnBytes: usize = 8 * blockBytes;
  let nBad = 0;
  for (let first = 0; first < nRows; first += 8) {
    memory.fill(dst, 0, <usize>nBlocks * columnBytes); // rows that are missing; fifth bits are or-ed in
    for (let row = 0; row < min(8, nRows - first); row++) {
      let to = dst + rowOffset(row);
      let scale = dst + scalesAt + (row << 1);
      let fifths = dst + 128 + 16 * (row >> 2) + 8 * (row & 1);
      for (let b = 0; b < nBlocks; b++) {
        const d = load<u16>(src);
        store<u16>(scale, d);
        let isBad = !isFinite16(d);
        if (hasMin) {
          const m = load<u16>(src, 2);
          store<u16>(scale, m, 16);
          isBad = isBad || !isFinite16(m);
        }
        nBad += <i32>isBad;
        store<u64>(to, load<u64>(src + levelsAt));
        store<u64>(to, load<u64>(src + levelsAt, 8), 64);
        if (hasFifth) { // values 0 … 7, 8 … 15, 16 … 23, 24 … 31 to every second bit, from bit 0 or 1
          const bits = <u64>load<u32>(src + fifthAt);
          const bytes = bitsToBytes(bits & 0xff) | (bitsToBytes((bits >> 8) & 0xff) << 2)
            | (bitsToBytes((bits >> 16) & 0xff) << 4) | (bitsToBytes(bits >> 24) << 6);
          store<u64>(fifths, load<u64>(fifths) | (bytes << ((row >> 1) & 1)));
        }
        src += blockBytes;
        to += columnBytes;
        scale += columnBytes;
        fifths += columnBytes;
      }
    }
    dst += <usize>nBlocks * columnBytes;
  }
  return nBad;
}

export function repack_q4_0(src: usize, dst: usize, nRows: i32, nBlocks: i32): i32 {
  return repackNibbles(false, false, src, dst, nRows, nBlocks);
}
export function repack_q4_1(src: usize, dst: usize, nRows: i32, nBlocks: i32): i32 {
  return repackNibbles(true, false, src, dst, nRows, nBlocks);
}
export function repack_q5_0(src: usize, dst: usize, nRows: i32, nBlocks: i32): i32 {
  return repackNibbles(false, true, src, dst, nRows, nBlocks);
}
export function repack_q5_1(src: usize, dst: usize, nRows: i32, nBlocks: i32): i32 {
  return repackNibbles(true, true, src, dst, nRows, nBlocks);
}

export function repack_q8_0(src: usize, dst: usize, nRows: i32, nBlocks: i32): i32 {
  let nBad = 0;
  for (let first = 0; first < nRows; first += 8) {
    if (nRows - first < 8) memory.fill(dst, 0, <usize>nBlocks * 272);
    for (let row = 0; row < min(8, nRows - first); row++) {
      let to = dst + rowOffset(row);
      let scale = dst + 256 + (row << 1);
      for (let b = 0; b < nBlocks; b++) {
        const d = load<u16>(src);
        store<u16>(scale, d);
        nBad += <i32>!isFinite16(d);
        store<u64>(to, load<u64>(src, 2));
        store<u64>(to, load<u64>(src, 10), 64);
        store<u64>(to, load<u64>(src, 18), 128);
        store<u64>(to, load<u64>(src, 26), 192);
        src += 34;
        to += 272;
        scale += 272;
      }
    }
    dst += <usize>nBlocks * 272;
  }
  return nBad;
}

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
function q3Scale(scales: usize, group: i32): i32 {
  const low = <i32>load<u8>(scales + (group & 7)) >> (4 * (group >> 3));
  const high = <i32>load<u8>(scales + 8 + (group & 3)) >> (2 * (group >> 2));
  return ((low & 15) | ((high & 3) << 4)) - 32;
}

/** Scale of the pair `pair` (0 … 7) of a Q4_K or Q5_K block's 12 bytes, 0 … 63. */
// @ts-ignore: decorator
@inline
function q4Scale(scales: usize, pair: i32): u8 {
  if (pair < 4) return load<u8>(scales + pair) & 63;
  return (load<u8>(scales + pair + 4) & 15) | ((load<u8>(scales + pair - 4) >> 6) << 4);
}

// @ts-ignore: decorator
@inline
function q4Minimum(scales: usize, pair: i32): u8 {
  if (pair < 4) return load<u8>(scales + pair + 4) & 63;
  return (load<u8>(scales + pair + 4) >> 4) | ((load<u8>(scales + pair) >> 6) << 4);
}

/** Low nibbles (scales; `shift` 0) or high ones (minimums; 4) of 16 bytes as word `word` of four, see k-layout.ts. */
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

/** One block of row `row` to its place at `to`, and what belongs to all rows to `t`; true if a scale is not finite. */
// @ts-ignore: decorator
@inline
function repackBlock(type: i32, src: usize, to: usize, t: usize, row: i32): bool {
  const lane: usize = 16 * (row >> 2) + 4 * (row & 3); // of the row's minimums, twice 32 bytes
  if (type == Q2_K) {
    storeUnit(to, src + 16);
    storeUnit(to + 32, src + 48);
    for (let word = 0; word < 4; word++) {
      store<u16>(to + 64 + (word << 1), nibbleWord(src, word, 0));
      store<u16>(t + lane + 32 * (word >> 1) + ((word & 1) << 1), nibbleWord(src, word, 4));
    }
  } else if (type == Q3_K) {
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

  const at: usize = type == Q2_K ? 80 : type == Q3_K ? 108 : type == Q6_K ? 208 : 0;
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
  const blockBytes: usize = type == Q2_K ? 84 : type == Q3_K ? 110 : type == Q4_K ? 144 : type == Q5_K ? 176 : 210;
  let nBad = 0;
  for (let first = 0; first < nRows; first += 8) {
    if (nRows - first < 8) memory.fill(dst, 0, <usize>nBlocks * columnBytes(type));
    for (let row = 0; row < min(8, nRows - first); row++) {
      let column = dst;
      for (let b = 0; b < nBlocks; b++) {
        nBad += <i32>repackBlock(type, src, column + <usize>row * rowBytes(type), column + 8 * rowBytes(type), row);
        src += blockBytes;
        column += columnBytes(type);
      }
    }
    dst += <usize>nBlocks * columnBytes(type);
  }
  return nBad;
}

export function repack_q2_K(src: usize, dst: usize, nRows: i32, nBlocks: i32): i32 {
  return repackSuperBlocks(Q2_K, src, dst, nRows, nBlocks);
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

export function repack_f16(src: usize, dst: usize, nRows: i32, nValues: i32): i32 {
  let nBad = 0;
  for (let first = 0; first < nRows; first += 8) {
    if (nRows - first < 8) memory.fill(dst, 0, <usize>nValues << 4);
    for (let row = 0; row < min(8, nRows - first); row++) {
      for (let i = 0, to = dst + (row << 1); i < nValues; i++, to += 16, src += 2) {
        const bits = load<u16>(src);
        nBad += <i32>!isFinite16(bits);
        store<u16>(to, bits);
      }
    }
    dst += <usize>nValues << 4;
  }
  return nBad;
}

export function repack_f32(src: usize, dst: usize, nRows: i32, nValues: i32): i32 {
  let nBad = 0;
  for (let first = 0; first < nRows; first += 8) {
    if (nRows - first < 8) memory.fill(dst, 0, <usize>nValues << 5);
    for (let row = 0; row < min(8, nRows - first); row++) {
      for (let i = 0, to = dst + (row << 2); i < nValues; i++, to += 32, src += 4) {
        const bits = load<u32>(src);
        nBad += <i32>((bits & 0x7f800000) == 0x7f800000);
        store<u32>(to, bits);
      }
    }
    dst += <usize>nValues << 5;
  }
  return nBad;
}
