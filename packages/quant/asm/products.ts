// The inner loop of Q4_0 by itself, to be timed: what makes one way of adding products faster than the other is the processor, and
// the same for all types that have both.

import { levelSums } from "./nibble-types";
import { NIBBLE, ONE16, scratch, SUMS } from "./vectors";

/** `n` times the sums of 8 rows with one vector. */
// @ts-ignore: decorator
@inline
function addProducts(pairs: bool, n: i32): void {
  const l = v128.load(scratch, NIBBLE), h = v128.load(scratch, NIBBLE + 16);
  const onesA = v128.load(scratch, ONE16), onesB = v128.load(scratch, ONE16 + 16);
  const sums = scratch + SUMS;
  for (; n > 0; n--) {
    const x0 = v128.load64_splat(sums), x1 = v128.load64_splat(sums, 8);
    const x2 = v128.load64_splat(sums, 16), x3 = v128.load64_splat(sums, 24), start = v128.load64_splat(sums, 32);
    const a = levelSums(pairs, x0, x1, x2, x3, start, onesA, l, l, l, l, l, l, l, l);
    const b = levelSums(pairs, x0, x1, x2, x3, start, onesB, h, h, h, h, h, h, h, h);
    v128.store(sums, b, 80);
    v128.store(sums, a, 64);
  }
}

/** In one function, which is compiled, and compiled anew, as a whole. */
export function add_products(pairs: bool, n: i32): void {
  if (ASC_FEATURE_RELAXED_SIMD && pairs) addProducts(true, n);
  else addProducts(false, n);
}
