// Sums of four products of bytes: one instruction in the relaxed tier, ten in the plain one.
//
// The one instruction is one of the processor where it has AVX-VNNI or the like, and three elsewhere on x64. There it is faster to add
// products of pairs in 16 bits as long as they fit, and to widen them once: the same whole numbers. Kernels whose names end with _pairs
// do so, in the relaxed tiers; src/kernels/products.ts chooses.

/**
 * sum + a0·b0 + a1·b1 + a2·b2 + a3·b3 in each of four 32-bit lanes; `a` holds signed bytes, `b` bytes of 0 … 127.
 *
 * With `b` in that range the relaxed instruction gives the same on every processor. Relaxed multiply-add would not.
 */
// @ts-ignore: decorator
@inline
export function dot4(a: v128, b: v128, sum: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.relaxed_dot_i8x16_i7x16_add_s(a, b, sum);
  // even and odd bytes as 16-bit lanes: cheaper than widening halves, and each sum stays in its 32-bit lane
  const even = i32x4.dot_i16x8_s(signedEven(a), unsignedEven(b));
  const odd = i32x4.dot_i16x8_s(i16x8.shr_s(a, 8), i16x8.shr_u(b, 8));
  return i32x4.add(i32x4.add(sum, even), odd);
}

/** a0·b0 + a1·b1 in each of eight 16-bit lanes; `a` holds signed bytes, `b` bytes of 0 … 127: nothing saturates. */
// @ts-ignore: decorator
@inline
export function dot2(a: v128, b: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i16x8.relaxed_dot_i8x16_i7x16_s(a, b);
  const even = i16x8.mul(signedEven(a), unsignedEven(b));
  return i16x8.add(even, i16x8.mul(i16x8.shr_s(a, 8), i16x8.shr_u(b, 8)));
}

/** sum + the pairs of `sums`, eight 16-bit lanes. `ones` is ONE16. */
// @ts-ignore: decorator
@inline
export function widened(sums: v128, ones: v128, sum: v128): v128 {
  return i32x4.add(i32x4.dot_i16x8_s(sums, ones), sum);
}

/** As `dot4`, for signed bytes on both sides. Plain tier only. */
// @ts-ignore: decorator
@inline
export function signedDot4(a: v128, b: v128, sum: v128): v128 {
  const even = i32x4.dot_i16x8_s(signedEven(a), signedEven(b));
  const odd = i32x4.dot_i16x8_s(i16x8.shr_s(a, 8), i16x8.shr_s(b, 8));
  return i32x4.add(i32x4.add(sum, even), odd);
}

// @ts-ignore: decorator
@inline
function signedEven(bytes: v128): v128 {
  return i16x8.shr_s(i16x8.shl(bytes, 8), 8);
}

// two shifts, because V8 would build a mask anew at every use
// @ts-ignore: decorator
@inline
function unsignedEven(bytes: v128): v128 {
  return i16x8.shr_u(i16x8.shl(bytes, 8), 8);
}
