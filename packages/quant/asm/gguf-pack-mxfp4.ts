// The quantiser of MXFP4. Its TypeScript twin is in src/gguf-pack/small-types.ts.

import { largestLane } from "./lanes";
import { scratch, SUMS } from "./vectors";

/**
 * (278) 32-bit integers, which the host puts there: the bits of the number from which on log2, rounded to binary32, is the next whole one. Of
 * numbers below 2^-126 by their highest bit, 0 … 22, of others by their exponent and 23.
 */
// @ts-ignore: decorator
@inline const LOG_BOUNDS: usize = SUMS + 9984;

/** Where that is. */
export function logBounds(): usize {
  return scratch + LOG_BOUNDS;
}

/** ⌊log2(magnitude)⌋, the logarithm rounded to binary32; the magnitude is not 0. */
// @ts-ignore: decorator
@inline
function floorOfLog(magnitude: f32): i32 {
  const bits = reinterpret<u32>(magnitude);
  const exponent = <i32>(bits >> 23);
  const place = exponent == 0 ? 31 - clz<i32>(<i32>bits) : exponent + 23;
  const floor = exponent == 0 ? place - 149 : exponent - 127;
  return floor + i32(bits >= load<u32>(scratch + (<usize>place << 2), LOG_BOUNDS));
}

/** Levels of four values, in units of `half`: in the middle between two, that of smaller magnitude. */
// @ts-ignore: decorator
@inline
function levels(x: v128, half: f32, seven: f32): v128 {
  const size = f32x4.abs(x);
  let sum = i32x4.add(f32x4.gt(size, f32x4.splat(half * 0.5)), f32x4.gt(size, f32x4.splat(half * 1.5)));
  sum = i32x4.add(sum, f32x4.gt(size, f32x4.splat(half * 2.5)));
  sum = i32x4.add(sum, f32x4.gt(size, f32x4.splat(half * 3.5)));
  sum = i32x4.add(sum, f32x4.gt(size, f32x4.splat(half * 5)));
  sum = i32x4.add(sum, f32x4.gt(size, f32x4.splat(seven)));
  sum = i32x4.add(sum, f32x4.gt(size, f32x4.splat(half * 10)));
  const level = i32x4.neg(sum);
  const sign = v128.and(v128.and(f32x4.lt(x, f32x4.splat(0)), i32x4.ne(sum, i32x4.splat(0))), i32x4.splat(8));
  return v128.or(level, sign); // there is no -0
}

/** Sixteen values at `x`. */
// @ts-ignore: decorator
@inline
function levels16(x: usize, half: f32, seven: f32): v128 {
  return i8x16.narrow_i16x8_u(
    i16x8.narrow_i32x4_s(levels(v128.load(x), half, seven), levels(v128.load(x, 16), half, seven)),
    i16x8.narrow_i32x4_s(levels(v128.load(x, 32), half, seven), levels(v128.load(x, 48), half, seven)),
  );
}

export function pack_mxfp4(src: usize, dst: usize, nBlocks: i32, importance: usize, rowBytes: usize): void {
  for (; nBlocks > 0; nBlocks--, src += 128, dst += 17) {
    let size = f32x4.splat(0);
    for (let i: usize = 0; i < 128; i += 16) size = f32x4.pmax(size, f32x4.abs(v128.load(src + i)));
    const magnitude = largestLane(size);
    const exponent = magnitude == 0 ? 0 : (floorOfLog(magnitude) + 125) & 255;
    // 2^(exponent - 128); the lowest two are subnormal
    const half = reinterpret<f32>(exponent < 2 ? 0x200000 << exponent : (exponent - 1) << 23);
    const seven: f32 = half * 8 == f32.POSITIVE_INFINITY ? f32.POSITIVE_INFINITY : half * 7;
    store<u8>(dst, <u8>exponent);
    v128.store(dst, v128.or(levels16(src, half, seven), i16x8.shl(levels16(src + 64, half, seven), 4)), 1);
  }
}
