// Rounding values to binary16 and widening them to binary32: the "quantisers" of F16 and F32.

import { BF16, F16, F32, fourShort, halfBits, widened } from "./half";

/**
 * 1 if the magnitude of any of `nValues` values of type `source` at `src` is above `limit`, the bits of a number of that type;
 * the bits of infinities and NaN are above those of all numbers.
 */
export function exceeds(source: i32, src: usize, nValues: i32, limit: i32): i32 {
  let found = i32x4.splat(0);
  if (source == F32) {
    for (; nValues >= 4; nValues -= 4, src += 16) {
      const magnitude = v128.and(v128.load(src), i32x4.splat(0x7fffffff));
      found = v128.or(found, i32x4.gt_s(magnitude, i32x4.splat(limit)));
    }
    for (; nValues > 0; nValues--, src += 4) {
      if ((load<i32>(src) & 0x7fffffff) > limit) return 1;
    }
  } else {
    for (; nValues >= 8; nValues -= 8, src += 16) {
      const magnitude = v128.and(v128.load(src), i16x8.splat(0x7fff));
      found = v128.or(found, i16x8.gt_s(magnitude, i16x8.splat(<i16>limit)));
    }
    for (; nValues > 0; nValues--, src += 2) {
      if ((<i32>load<u16>(src) & 0x7fff) > limit) return 1;
    }
  }
  return <i32>v128.any_true(found);
}

/** Four values as binary16, one in each 32-bit lane: `halfBits`, four times. */
// @ts-ignore: decorator
@inline
function fourHalfBits(value: v128): v128 {
  const magnitude = v128.and(value, i32x4.splat(0x7fffffff));
  // normal: 13 bits are rounded away; 65520 and up become infinity by the carry
  const odd = v128.and(i32x4.shr_u(value, 13), i32x4.splat(1));
  const normal = i32x4.shr_u(i32x4.add(i32x4.add(magnitude, i32x4.splat(0xfff - 0x38000000)), odd), 13);
  // subnormal: adding one half aligns the unit of binary16 subnormals with the last bit
  const subnormal = i32x4.sub(f32x4.add(magnitude, f32x4.splat(0.5)), i32x4.splat(0x3f000000));
  const isNaN = i32x4.gt_s(magnitude, i32x4.splat(0x7f800000));
  const special = v128.or(i32x4.splat(0x7c00), v128.and(isNaN, i32x4.splat(0x200)));
  const bits = v128.bitselect(normal, subnormal, i32x4.ge_s(magnitude, i32x4.splat(0x38800000)));
  const finite = v128.bitselect(special, bits, i32x4.ge_s(magnitude, i32x4.splat(0x47800000)));
  return v128.or(finite, v128.and(i32x4.shr_u(value, 16), i32x4.splat(0x8000)));
}

/** Packs `nValues` values of type `source` at `src`. */
export function pack_f16(source: i32, src: usize, dst: usize, nValues: i32): void {
  if (source == F16) {
    memory.copy(dst, src, <usize>nValues << 1);
  } else if (source == BF16) {
    for (; nValues >= 8; nValues -= 8, src += 16, dst += 16) {
      const low = fourHalfBits(fourShort(BF16, src)), high = fourHalfBits(fourShort(BF16, src + 8));
      v128.store(dst, i16x8.narrow_i32x4_u(low, high));
    }
    for (; nValues > 0; nValues--, src += 2, dst += 2) {
      store<u16>(dst, halfBits(reinterpret<f32>(<u32>load<u16>(src) << 16)));
    }
  } else {
    for (; nValues >= 8; nValues -= 8, src += 32, dst += 16) {
      v128.store(dst, i16x8.narrow_i32x4_u(fourHalfBits(v128.load(src)), fourHalfBits(v128.load(src, 16))));
    }
    for (; nValues > 0; nValues--, src += 4, dst += 2) store<u16>(dst, halfBits(load<f32>(src)));
  }
}

/** `widened`, with every NaN quiet. */
// @ts-ignore: decorator
@inline
function quietWidened(halves: v128): v128 {
  const value = widened(halves);
  const isNaN = i32x4.gt_s(v128.and(value, i32x4.splat(0x7fffffff)), i32x4.splat(0x7f800000));
  return v128.or(value, v128.and(isNaN, i32x4.splat(0x400000)));
}

export function pack_f32(source: i32, src: usize, dst: usize, nValues: i32): void {
  if (source == F32) {
    memory.copy(dst, src, <usize>nValues << 2);
  } else if (source == BF16) {
    for (; nValues >= 4; nValues -= 4, src += 8, dst += 16) v128.store(dst, fourShort(BF16, src));
    for (; nValues > 0; nValues--, src += 2, dst += 4) store<u32>(dst, <u32>load<u16>(src) << 16);
  } else {
    for (; nValues >= 4; nValues -= 4, src += 8, dst += 16) v128.store(dst, quietWidened(v128.load_ext<i16>(src)));
    for (; nValues > 0; nValues--, src += 2, dst += 4) {
      store<i32>(dst, i32x4.extract_lane(quietWidened(i32x4.splat(load<i16>(src))), 0));
    }
  }
}
