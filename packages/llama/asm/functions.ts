// The functions of the arithmetic `lanes`, four numbers at a time, as src/arithmetic/lanes.ts writes them down.

import {
  constants, EXP_0, EXP_1, EXP_2, EXP_3, EXP_4, EXP_5, EXP_MAX, EXP_MIN, LN2_HIGH, LN2_LOW, LOG2E, ONE_F32, ROUNDER,
} from "./vectors";

// @ts-ignore: decorator
@inline
function mulAdd(a: v128, b: v128, c: f32): v128 {
  return f32x4.add(f32x4.mul(a, b), f32x4.splat(c)); // two roundings
}

/** e^x. */
// @ts-ignore: decorator
@inline
export function exp(x: v128): v128 {
  const at = constants;
  const held = f32x4.pmin(x, v128.load(at, EXP_MAX)); // NaN stays one
  const shifted = f32x4.add(f32x4.mul(held, v128.load(at, LOG2E)), v128.load(at, ROUNDER)); // a whole number in its last bits
  const n = f32x4.sub(shifted, v128.load(at, ROUNDER));
  const r = f32x4.sub(f32x4.sub(held, f32x4.mul(n, v128.load(at, LN2_HIGH))), f32x4.mul(n, v128.load(at, LN2_LOW)));
  let p = f32x4.add(f32x4.mul(r, v128.load(at, EXP_5)), v128.load(at, EXP_4));
  p = f32x4.add(f32x4.mul(p, r), v128.load(at, EXP_3));
  p = f32x4.add(f32x4.mul(p, r), v128.load(at, EXP_2));
  p = f32x4.add(f32x4.mul(p, r), v128.load(at, EXP_1));
  p = f32x4.add(f32x4.mul(p, r), v128.load(at, EXP_0));
  const y = f32x4.add(f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), r), v128.load(at, ONE_F32));
  const power = i32x4.add(i32x4.shl(shifted, 23), v128.load(at, ONE_F32));
  return v128.andnot(f32x4.mul(y, power), f32x4.lt(x, v128.load(at, EXP_MIN)));
}

/** tanh x. */
// @ts-ignore: decorator
@inline
export function tanh(x: v128): v128 {
  const size = f32x4.abs(x), one = f32x4.splat(1);
  const t = f32x4.sub(one, f32x4.div(f32x4.splat(2), f32x4.add(exp(f32x4.add(size, size)), one)));
  const large = v128.or(t, v128.and(x, i32x4.splat(0x80000000))); // t is positive
  const z = f32x4.mul(x, x);
  let p = mulAdd(f32x4.splat(-5.70498872745e-3), z, 2.06390887954e-2);
  p = mulAdd(p, z, -5.37397155531e-2);
  p = mulAdd(p, z, 1.33314422036e-1);
  p = mulAdd(p, z, -3.33332819422e-1);
  const small = f32x4.add(f32x4.mul(f32x4.mul(p, z), x), x);
  return v128.bitselect(large, small, f32x4.ge(size, f32x4.splat(0.625)));
}

/** 1 / (1 + e^-x) */
// @ts-ignore: decorator
@inline
export function sigmoid(x: v128): v128 {
  return f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), exp(f32x4.neg(x))));
}

/** x / (1 + e^-x) */
// @ts-ignore: decorator
@inline
export function silu(x: v128): v128 {
  return f32x4.div(x, f32x4.add(exp(f32x4.neg(x)), f32x4.splat(1)));
}

/** x / (1 + e^-2u) with u = √(2/π) · x · (1 + 0.044715 · x²). */
// @ts-ignore: decorator
@inline
export function gelu(x: v128): v128 {
  const inner = mulAdd(f32x4.mul(f32x4.splat(0.044715), x), x, 1);
  const u = f32x4.mul(f32x4.mul(f32x4.splat(0.7978845608028654), x), inner);
  return f32x4.div(x, f32x4.add(exp(f32x4.mul(f32x4.splat(-2), u)), f32x4.splat(1)));
}
