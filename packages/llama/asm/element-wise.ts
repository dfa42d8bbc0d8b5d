// Functions of single numbers over arrays.

import { exp, gelu, sigmoid, silu, tanh } from "./functions";
import { halfBits, loadFew, storeFew } from "./vectors";

/** x + y into `x`, for `n` numbers. */
export function addInto(x: usize, y: usize, n: i32): void {
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

/** x · factor into `x`, for `n` numbers. */
export function scale(x: usize, n: i32, factor: f32): void {
  const factors = f32x4.splat(factor);
  for (; n >= 4; n -= 4) {
    v128.store(x, f32x4.mul(v128.load(x), factors));
    x += 16;
  }
  if (n > 0) storeFew(x, f32x4.mul(loadFew(x, n), factors), n);
}

/** softCap · tanh(x / softCap) into `x`, for `n` numbers. */
export function cap(x: usize, n: i32, softCap: f32): void {
  const caps = f32x4.splat(softCap);
  for (; n > 0; n -= 4) {
    storeFew(x, f32x4.mul(caps, tanh(f32x4.div(loadFew(x, n), caps))), n);
    x += 16;
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

/** The same in the arithmetic `lanes`. */
export function swiglu_lanes(gate: usize, up: usize, n: i32): void {
  for (; n > 0; n -= 4) {
    storeFew(gate, f32x4.mul(silu(loadFew(gate, n)), loadFew(up, n)), n);
    gate += 16;
    up += 16;
  }
}

/** gelu(gate) · up into `gate`, for `n` numbers. */
export function geglu(gate: usize, up: usize, n: i32): void {
  for (; n > 0; n -= 4) {
    storeFew(gate, f32x4.mul(gelu(loadFew(gate, n)), loadFew(up, n)), n);
    gate += 16;
    up += 16;
  }
}

/** g / (1 + e^-1.702g) · (u + 1) of gate and up held to 7 into `gate`, for `n` numbers. */
export function clamped_swiglu(gate: usize, up: usize, n: i32): void {
  const one = f32x4.splat(1), most = f32x4.splat(7), least = f32x4.splat(-7);
  for (; n > 0; n -= 4) {
    const g = f32x4.min(loadFew(gate, n), most);
    const u = f32x4.max(f32x4.min(loadFew(up, n), most), least);
    const activated = f32x4.div(g, f32x4.add(exp(f32x4.mul(f32x4.splat(-1.702), g)), one));
    storeFew(gate, f32x4.mul(activated, f32x4.add(u, one)), n);
    gate += 16;
    up += 16;
  }
}

/** sigmoid(gate) · up into `gate`, for `n` numbers. */
export function sigmoid_gate(gate: usize, up: usize, n: i32): void {
  for (; n > 0; n -= 4) {
    storeFew(gate, f32x4.mul(sigmoid(loadFew(gate, n)), loadFew(up, n)), n);
    gate += 16;
    up += 16;
  }
}

/** gate · up into `gate`, for `n` numbers. */
export function multiply(gate: usize, up: usize, n: i32): void {
  for (; n > 0; n -= 4) {
    storeFew(gate, f32x4.mul(loadFew(gate, n), loadFew(up, n)), n);
    gate += 16;
    up += 16;
  }
}

/** `size` numbers from `first` on of each of `nGroups` groups of `group` numbers, side by side. */
export function slice(out: usize, x: usize, nGroups: i32, group: i32, first: i32, size: i32): void {
  x += <usize>first << 2;
  for (; nGroups > 0; nGroups--) {
    memory.copy(out, x, <usize>size << 2);
    out += <usize>size << 2;
    x += <usize>group << 2;
  }
}
