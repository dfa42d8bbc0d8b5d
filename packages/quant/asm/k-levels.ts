// Levels and scales of a K type's row, unpacked, and their products with a vector. k-layout.ts has the layout.

import { dot2 } from "./byte-dot";
import { isOffset, Q3_K, Q4_K, Q5_K, Q6_K } from "./k-layout";

// Every function is inlined with a constant `type`: what belongs to other types disappears.

/** Levels of a pair in bits `2m` and `2m + 1` of `unit`; for Q3_K with the third bit from bit `pair` of `high`. */
// @ts-ignore: decorator
@inline
export function twoBits(type: i32, unit: v128, m: i32, high: v128, pair: i32, bits01: v128, bit2: v128): v128 {
  const levels = v128.and(i16x8.shr_u(unit, 2 * m), bits01);
  if (type != Q3_K) return levels;
  const third = pair < 2 ? i16x8.shl(high, 2 - pair) : i16x8.shr_u(high, pair - 2);
  return v128.or(levels, v128.and(third, bit2));
}

/** Levels of a pair in the low or high nibbles of `unit`; for Q5_K and Q6_K with their upper bits from `high`. */
// @ts-ignore: decorator
@inline
export function nibbles(type: i32, unit: v128, upper: bool, high: v128, pair: i32, nibble: v128, bits: v128): v128 {
  const levels = v128.and(upper ? i16x8.shr_u(unit, 4) : unit, nibble);
  if (type == Q4_K) return levels;
  const bit = type == Q5_K ? pair : 2 * (pair & 3); // where the upper bits are; they belong at bit 4
  const moved = bit < 4 ? i16x8.shl(high, 4 - bit) : i16x8.shr_u(high, bit - 4);
  return v128.or(levels, v128.and(moved, bits));
}

/** The 16-bit scales (of group 2p, of group 2p + 1) of pair 0 … 7, in every 32-bit lane. */
// @ts-ignore: decorator
@inline
export function pairScale(type: i32, quad: v128, pair: i32, mask: v128): v128 {
  if (isOffset(type)) return (pair & 1) == 1 ? i16x8.shr_s(quad, 8) : i16x8.shr_s(i16x8.shl(quad, 8), 8);
  return (pair & 1) == 1 ? i16x8.shr_u(quad, 8) : v128.and(quad, mask);
}

/** Scaled integer sum of a pair in each lane. */
// @ts-ignore: decorator
@inline
function pairSum(type: i32, levels: v128, x: v128, offset: v128, scale: v128): v128 {
  const products = dot2(x, levels);
  return i32x4.dot_i16x8_s(isOffset(type) ? i16x8.sub(products, offset) : products, scale);
}

/** Scaled integer sums of a super-block in each lane: l levels, x values, o offsets and s scales of the pairs. */
// @ts-ignore: decorator
@inline
export function laneSums(
  type: i32,
  l0: v128, l1: v128, l2: v128, l3: v128, l4: v128, l5: v128, l6: v128, l7: v128,
  x0: v128, x1: v128, x2: v128, x3: v128, x4: v128, x5: v128, x6: v128, x7: v128,
  o0: v128, o1: v128, o2: v128, o3: v128, o4: v128, o5: v128, o6: v128, o7: v128,
  s0: v128, s1: v128, s2: v128, s3: v128, s4: v128, s5: v128, s6: v128, s7: v128,
): v128 {
  let sum = i32x4.add(pairSum(type, l0, x0, o0, s0), pairSum(type, l1, x1, o1, s1));
  sum = i32x4.add(sum, pairSum(type, l2, x2, o2, s2));
  sum = i32x4.add(sum, pairSum(type, l3, x3, o3, s3));
  sum = i32x4.add(sum, pairSum(type, l4, x4, o4, s4));
  sum = i32x4.add(sum, pairSum(type, l5, x5, o5, s5));
  sum = i32x4.add(sum, pairSum(type, l6, x6, o6, s6));
  return i32x4.add(sum, pairSum(type, l7, x7, o7, s7));
}

/** Levels of pair `p` of one half, from its units u0 … u3 and those with upper bits, h0 and h1. */
// @ts-ignore: decorator
@inline
export function pairLevels(
  type: i32, p: i32, u0: v128, u1: v128, u2: v128, u3: v128, h0: v128, h1: v128, low: v128, upper: v128,
): v128 {
  if (type == Q3_K) return twoBits(type, p < 4 ? u0 : u1, p & 3, h0, p, low, upper);
  const unit = type == Q6_K ? 2 * (p >> 2) + (p & 1) : p >> 1;
  const isUpper = type == Q6_K ? (p & 2) != 0 : (p & 1) != 0;
  const bytes = unit == 0 ? u0 : unit == 1 ? u1 : unit == 2 ? u2 : u3;
  return nibbles(type, bytes, isUpper, type == Q6_K && p >= 4 ? h1 : h0, p, low, upper);
}
