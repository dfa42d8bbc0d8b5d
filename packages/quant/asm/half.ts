// Binary16 numbers: rounding to them, to nearest with ties to even, and reading them. What quantisers read.

// Types of the values that are quantised:
// @ts-ignore: decorator
@inline export const F32 = 0;
// @ts-ignore: decorator
@inline export const F16 = 1;
// @ts-ignore: decorator
@inline export const BF16 = 2; // the upper half of a binary32

// @ts-ignore: decorator
@inline
export function isFinite16(bits: u16): bool {
  return (bits & 0x7c00) != 0x7c00;
}

// @ts-ignore: decorator
@inline
export function isFiniteBf16(bits: u16): bool {
  return (bits & 0x7f80) != 0x7f80;
}

/** `value` rounded to bfloat16, to nearest with ties to even, as binary32; a NaN becomes quiet. */
// @ts-ignore: decorator
@inline
export function roundToBf16(value: f32): f32 {
  const bits = reinterpret<u32>(value);
  const isNaN = (bits & 0x7fffffff) > 0x7f800000;
  return reinterpret<f32>((isNaN ? bits | 0x400000 : bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000);
}

/** `value` rounded to binary16, as binary32; too large gives an infinity. */
// @ts-ignore: decorator
@inline
export function roundToHalf(value: f32): f32 {
  const bits = reinterpret<u32>(value);
  const magnitude = bits & 0x7fffffff;
  if (magnitude >= 0x477ff000) { // 65520 and up round to 2^16, which is not there; NaN stays
    return magnitude > 0x7f800000 ? value : copysign<f32>(f32.POSITIVE_INFINITY, value);
  }
  if (magnitude >= 0x38800000) { // normal: 13 bits are rounded away
    return reinterpret<f32>((bits + 0xfff + ((bits >> 13) & 1)) & 0xffffe000);
  }
  // subnormal: 0.5 has the unit of binary16 subnormals, 2^-24, at its last bit
  return copysign<f32>(abs<f32>(value) + 0.5 - 0.5, value);
}

/** The bits of `value` rounded to binary16. */
// @ts-ignore: decorator
@inline
export function halfBits(value: f32): u16 {
  const bits = reinterpret<u32>(value);
  const sign = (bits >> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude >= 0x47800000) return <u16>(sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00));
  if (magnitude >= 0x38800000) return <u16>(sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >> 13) & 1)) >> 13));
  return <u16>(sign | (reinterpret<u32>(abs<f32>(value) + 0.5) - 0x3f000000));
}

/** The number whose binary16 bits are `bits`, which has no sign and is finite. */
// @ts-ignore: decorator
@inline
export function f32FromHalfBits(bits: u32): f32 {
  return reinterpret<f32>(bits << 13) * <f32>5192296858534827628530496329220096.0; // 2^112
}

/** Four values of 2 bytes, F16 or BF16, at `src` as binary32; a NaN keeps its fraction. */
// @ts-ignore: decorator
@inline
export function fourShort(source: i32, src: usize): v128 {
  const bits = v128.load_ext<i16>(src);
  return source == BF16 ? i32x4.shl(bits, 16) : widened(bits);
}

/** Four binary16 numbers, sign-extended to 32 bits, as binary32; a NaN keeps its fraction. */
// @ts-ignore: decorator
@inline
export function widened(halves: v128): v128 {
  const bits = v128.and(i32x4.shl(halves, 13), i32x4.splat(0x8fffe000));
  const value = f32x4.mul(bits, f32x4.splat(5192296858534827628530496329220096.0)); // 2^112
  // an exponent of all ones has become 2^16 and more: infinity or NaN
  const isSpecial = f32x4.ge(f32x4.abs(value), f32x4.splat(65536));
  return v128.or(value, v128.and(isSpecial, i32x4.splat(0x7f800000)));
}
