// Rows as they are in a file → groups of 8 rows as the matrix kernels want them, for all but the K types (repack-k.ts,
// repack-k-sums.ts). The layouts are described in nibble-types.ts, table-types.ts, q8_0.ts and float-types.ts; the twin of all three
// files, in TypeScript, is test/kernels/layout-twins.ts.
//
// Each function takes `nRows` rows of `nBlocks` blocks at `src` and writes whole groups at `dst`; rows that a last group
// lacks are zeros. It returns the number of blocks whose scale or minimum is infinite or NaN (for F16, BF16 and F32: of values):
// the kernels do not compute with those as build 803 would, which gives NaN.

import { isFinite16, isFiniteBf16 } from "./half";

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

export function repack_mxfp4(src: usize, dst: usize, nRows: i32, nBlocks: i32): i32 {
  for (let first = 0; first < nRows; first += 8) {
    if (nRows - first < 8) memory.fill(dst, 0, <usize>nBlocks * 136);
    for (let row = 0; row < min(8, nRows - first); row++) {
      let to = dst + rowOffset(row);
      let exponent = dst + 128 + row;
      for (let b = 0; b < nBlocks; b++) {
        store<u8>(exponent, load<u8>(src));
        store<u64>(to, load<u64>(src, 1));
        store<u64>(to, load<u64>(src, 9), 64);
        src += 17;
        to += 136;
        exponent += 136;
      }
    }
    dst += <usize>nBlocks * 136;
  }
  return 0;
}

export function repack_iq4_xs(src: usize, dst: usize, nRows: i32, nBlocks: i32): i32 {
  let nBad = 0;
  for (let first = 0; first < nRows; first += 8) {
    if (nRows - first < 8) memory.fill(dst, 0, <usize>nBlocks * 1104);
    for (let row = 0; row < min(8, nRows - first); row++) {
      let column = dst;
      for (let b = 0; b < nBlocks; b++) {
        const d = load<u16>(src);
        nBad += <i32>!isFinite16(d);
        store<u16>(column + 1088 + (row << 1), d);
        const high = <u32>load<u16>(src, 2), low = load<u32>(src, 4);
        let to = column + rowOffset(row);
        for (let sub = 0; sub < 8; sub++) {
          const scale = ((low >> (4 * sub)) & 15) | (((high >> (2 * sub)) & 3) << 4);
          store<u8>(column + 1024 + (sub << 3) + row, <u8>(scale - 32));
          store<u64>(to, load<u64>(src + (sub << 4), 8));
          store<u64>(to, load<u64>(src + (sub << 4), 16), 64);
          to += 128;
        }
        src += 136;
        column += 1104;
      }
    }
    dst += <usize>nBlocks * 1104;
  }
  return nBad;
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

// @ts-ignore: decorator
@inline
function repackShort(isBf16: bool, src: usize, dst: usize, nRows: i32, nValues: i32): i32 {
  let nBad = 0;
  for (let first = 0; first < nRows; first += 8) {
    if (nRows - first < 8) memory.fill(dst, 0, <usize>nValues << 4);
    for (let row = 0; row < min(8, nRows - first); row++) {
      for (let i = 0, to = dst + (row << 1); i < nValues; i++, to += 16, src += 2) {
        const bits = load<u16>(src);
        nBad += <i32>!(isBf16 ? isFiniteBf16(bits) : isFinite16(bits));
        store<u16>(to, bits);
      }
    }
    dst += <usize>nValues << 4;
  }
  return nBad;
}

export function repack_f16(src: usize, dst: usize, nRows: i32, nValues: i32): i32 {
  return repackShort(false, src, dst, nRows, nValues);
}

export function repack_bf16(src: usize, dst: usize, nRows: i32, nValues: i32): i32 {
  return repackShort(true, src, dst, nRows, nValues);
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
