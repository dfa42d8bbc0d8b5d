// The functions of the arithmetic `lanes`, four numbers at a time, as src/arithmetic/lanes.ts writes them down.

// @ts-ignore: decorator
@inline const ROUND: f32 = 12582912; // 1.5 · 2^23

// @ts-ignore: decorator
@inline
function mulAdd(a: v128, b: v128, c: f32): v128 {
  return f32x4.add(f32x4.mul(a, b), f32x4.splat(c)); // two roundings
}

/** e^x. */
// @ts-ignore: decorator
@inline
export function exp(x: v128): v128 {
  const rounder = f32x4.splat(ROUND);
  const held = f32x4.pmin(x, f32x4.splat(88.3762626647949)); // NaN stays one
  const shifted = f32x4.add(f32x4.mul(held, f32x4.splat(1.4426950408889634)), rounder); // a whole number in its last bits
  const n = f32x4.sub(shifted, rounder);
  const r = f32x4.sub(
    f32x4.sub(held, f32x4.mul(n, f32x4.splat(0.693359375))),
    f32x4.mul(n, f32x4.splat(-2.1219444e-4)),
  );
  let p = mulAdd(f32x4.splat(1.98756915e-4), r, 1.3981999507e-3);
  p = mulAdd(p, r, 8.3334519073e-3);
  p = mulAdd(p, r, 4.1665795894e-2);
  p = mulAdd(p, r, 1.6666665459e-1);
  p = mulAdd(p, r, 5.0000001201e-1);
  const y = f32x4.add(f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), r), f32x4.splat(1));
  const power = i32x4.add(i32x4.shl(shifted, 23), f32x4.splat(1));
  return v128.andnot(f32x4.mul(y, power), f32x4.lt(x, f32x4.splat(-87.3365447505531)));
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
