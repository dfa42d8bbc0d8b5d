// Levels of a super-block, one byte each (LEVELS of super-block.ts), to the bits of the K types; 16 at a time.
// Shifts go over 16-bit lanes, which is the same as over bytes as long as no bit leaves its byte.

import { LEVELS } from "./super-block";
import { scratch } from "./vectors";

/** Levels `at` … `at` + 15. */
// @ts-ignore: decorator
@inline
function levels(at: i32): v128 {
  return v128.load(scratch + at, LEVELS);
}

/** Q4_K, Q5_K: per 64 values 32 bytes; byte l holds the low four bits of values l and l + 32. */
// @ts-ignore: decorator
@inline
export function packNibbles(dst: usize): void {
  const nibble = i8x16.splat(15);
  for (let i = 0; i < 256; i += 64, dst += 32) {
    const a = v128.and(levels(i), nibble), b = v128.and(levels(i + 32), nibble);
    const c = v128.and(levels(i + 16), nibble), d = v128.and(levels(i + 48), nibble);
    v128.store(dst, v128.or(a, i16x8.shl(b, 4)));
    v128.store(dst, v128.or(c, i16x8.shl(d, 4)), 16);
  }
}

/** Bit `bit` of all levels: byte i mod 32, bit i / 32 of value i. */
// @ts-ignore: decorator
@inline
function packOneBit(bit: i32, dst: usize): void {
  const mask = i8x16.splat(bit == 4 ? 16 : 4);
  let first = i8x16.splat(0), second = first;
  for (let i = 224; i >= 0; i -= 32) { // each step moves what is there up by one
    first = v128.or(i8x16.add(first, first), i16x8.shr_u(v128.and(levels(i), mask), bit));
    second = v128.or(i8x16.add(second, second), i16x8.shr_u(v128.and(levels(i + 16), mask), bit));
  }
  v128.store(dst, first);
  v128.store(dst, second, 16);
}

/** Q5_K: the fifth bits. */
// @ts-ignore: decorator
@inline
export function packFiveBits(dst: usize): void {
  packOneBit(4, dst);
}

/** Q3_K: the third bits. */
// @ts-ignore: decorator
@inline
export function packThirdBits(dst: usize): void {
  packOneBit(2, dst);
}

/** Q2_K, Q3_K: per 128 values 32 bytes; byte l holds the low two bits of values l, l + 32, l + 64 and l + 96. */
// @ts-ignore: decorator
@inline
export function packTwoBits(dst: usize): void {
  const two = i8x16.splat(3);
  for (let half = 0; half < 256; half += 128) {
    for (let i = half; i < half + 32; i += 16, dst += 16) {
      const a = v128.and(levels(i), two), b = v128.and(levels(i + 32), two);
      const c = v128.and(levels(i + 64), two), d = v128.and(levels(i + 96), two);
      v128.store(dst, v128.or(v128.or(a, i16x8.shl(b, 2)), v128.or(i16x8.shl(c, 4), i16x8.shl(d, 6))));
    }
  }
}

/** Q6_K: the low four bits of all levels (128 bytes), then the high two (64). */
// @ts-ignore: decorator
@inline
export function packSixBits(dst: usize): void {
  const nibble = i8x16.splat(15), high = i8x16.splat(0x30);
  let highs = dst + 128;
  for (let half = 0; half < 256; half += 128, dst += 32) {
    for (let i = half; i < half + 32; i += 16, dst += 16, highs += 16) {
      const a = levels(i), b = levels(i + 32), c = levels(i + 64), d = levels(i + 96);
      v128.store(dst, v128.or(v128.and(a, nibble), i16x8.shl(v128.and(c, nibble), 4)));
      v128.store(dst, v128.or(v128.and(b, nibble), i16x8.shl(v128.and(d, nibble), 4)), 32);
      const ab = v128.or(i16x8.shr_u(v128.and(a, high), 4), i16x8.shr_u(v128.and(b, high), 2));
      v128.store(highs, v128.or(ab, v128.or(v128.and(c, high), i16x8.shl(v128.and(d, high), 2))));
    }
  }
}
