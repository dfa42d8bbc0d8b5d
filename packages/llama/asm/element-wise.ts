// Functions of single numbers over arrays.

import { halfBits, halfValues, loadFew, storeFew } from "./vectors";

/** Bits of `x` (n) rounded to binary16. */
export function encode_f16(out: usize, x: usize, n: i32): void {
  for (; n >= 8; n -= 8) {
    const low = halfBits(v128.load(x)), high = halfBits(v128.load(x, 16));
    v128.store(out, i16x8.narrow_i32x4_u(low, high));
    x += 32;
    out += 16;
  }
  for (; n > 0; n--) {
    store<u16>(out, <u16>i32x4.extract_lane(halfBits(v128.load32_zero(x)), 0));
    x += 4;
    out += 2;
  }
}

/** Values of `bits` (n) of binary16. */
export function decode_f16(out: usize, bits: usize, n: i32): void {
  for (; n >= 4; n -= 4) {
    v128.store(out, halfValues(v128.load_ext<u16>(bits)));
    bits += 8;
    out += 16;
  }
  for (; n > 0; n--) {
    store<f32>(out, f32x4.extract_lane(halfValues(i32x4.splat(load<u16>(bits))), 0));
    bits += 2;
    out += 4;
  }
}

/** x + y into `x`, for `n` numbers. */
export function add_into(x: usize, y: usize, n: i32): void {
  for (; n >= 4; n -= 4) {
    v128.store(x, f32x4.add(v128.load(x), v128.load(y)));
    x += 16;
    y += 16;
  }
  for (; n > 0; n--) {
    store<f32>(x, load<f32>(x) + load<f32>(y));
    x += 4;
    y += 4;
  }
}

/** The entries of `table`, (65536) binary32, for the binary16 roundings of `x`. */
// @ts-ignore: decorator
@inline
export function lookUp(table: usize, x: v128): v128 {
  const bits = halfBits(x);
  let y = v128.load32_zero(table + (<usize>i32x4.extract_lane(bits, 0) << 2));
  y = v128.load_lane<f32>(table + (<usize>i32x4.extract_lane(bits, 1) << 2), y, 1);
  y = v128.load_lane<f32>(table + (<usize>i32x4.extract_lane(bits, 2) << 2), y, 2);
  return v128.load_lane<f32>(table + (<usize>i32x4.extract_lane(bits, 3) << 2), y, 3);
}

/** silu(gate) · up into `gate`, for `n` numbers; `silu16` is (65536) binary32. */
export function swiglu(gate: usize, up: usize, n: i32, silu16: usize): void {
  for (; n >= 4; n -= 4) {
    v128.store(gate, f32x4.mul(lookUp(silu16, v128.load(gate)), v128.load(up)));
    gate += 16;
    up += 16;
  }
  if (n > 0) storeFew(gate, f32x4.mul(lookUp(silu16, loadFew(gate, n)), loadFew(up, n)), n);
}
