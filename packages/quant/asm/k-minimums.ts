// What the minimums of Q2_K, Q4_K and Q5_K contribute, for 8 rows at once, one 32-bit lane per row.
// k-layout.ts and k-sums.ts have the layouts.

import { Q2_K, vectorBytes } from "./k-layout";
import { f32FromHalf, HALF_BITS, HALF_UNIT, LOW_BYTE, scratch } from "./vectors";

// Every function is inlined with a constant `type`: what belongs to other types disappears.

/** Integer sums of minimum times sum of activations for four rows. Q2_K: n0, n1 hold four pairs of groups each. */
// @ts-ignore: decorator
@inline
export function minimumSums(type: i32, n0: v128, n1: v128, x: usize, mask: v128): v128 {
  if (type == Q2_K) {
    const low = i32x4.add(
      i32x4.add(
        i32x4.dot_i16x8_s(v128.and(n0, mask), v128.load32_splat(x, 256)),
        i32x4.dot_i16x8_s(v128.and(i16x8.shr_u(n0, 4), mask), v128.load32_splat(x, 260)),
      ),
      i32x4.add(
        i32x4.dot_i16x8_s(v128.and(i16x8.shr_u(n0, 8), mask), v128.load32_splat(x, 264)),
        i32x4.dot_i16x8_s(i16x8.shr_u(n0, 12), v128.load32_splat(x, 268)),
      ),
    );
    const high = i32x4.add(
      i32x4.add(
        i32x4.dot_i16x8_s(v128.and(n1, mask), v128.load32_splat(x, 272)),
        i32x4.dot_i16x8_s(v128.and(i16x8.shr_u(n1, 4), mask), v128.load32_splat(x, 276)),
      ),
      i32x4.add(
        i32x4.dot_i16x8_s(v128.and(i16x8.shr_u(n1, 8), mask), v128.load32_splat(x, 280)),
        i32x4.dot_i16x8_s(i16x8.shr_u(n1, 12), v128.load32_splat(x, 284)),
      ),
    );
    return i32x4.add(low, high);
  }
  return i32x4.add(
    i32x4.add(
      i32x4.dot_i16x8_s(v128.and(n0, mask), v128.load32_splat(x, 256)),
      i32x4.dot_i16x8_s(i16x8.shr_u(n0, 8), v128.load32_splat(x, 260)),
    ),
    i32x4.add(
      i32x4.dot_i16x8_s(v128.and(n1, mask), v128.load32_splat(x, 264)),
      i32x4.dot_i16x8_s(i16x8.shr_u(n1, 8), v128.load32_splat(x, 268)),
    ),
  );
}

/** Takes what minimums contribute off the sums of the 8 rows, (nVectors, 8) at `rows`. `t` is where the group's minimums are. */
// @ts-ignore: decorator
@inline
export function addMinimums(type: i32, t: usize, x: usize, nVectors: i32, rows: usize): void {
  const maskA = v128.load(scratch, LOW_BYTE), maskB = v128.load(scratch, LOW_BYTE + 16);
  const bitsA = v128.load(scratch, HALF_BITS), bitsB = v128.load(scratch, HALF_BITS + 16);
  const unitA = v128.load(scratch, HALF_UNIT), unitB = v128.load(scratch, HALF_UNIT + 16);
  const a0 = v128.load(t, 0), b0 = v128.load(t, 16), a1 = v128.load(t, 32), b1 = v128.load(t, 48);
  const minA = f32FromHalf(v128.load_ext<i16>(t, 80), bitsA, unitA);
  const minB = f32FromHalf(v128.load_ext<i16>(t, 88), bitsB, unitB);
  for (let v = nVectors; v > 0; v--) {
    const mA = f32x4.convert_i32x4_s(minimumSums(type, a0, a1, x, maskA));
    const mB = f32x4.convert_i32x4_s(minimumSums(type, b0, b1, x, maskB));
    const dy = v128.load32_splat(x, 272);
    const newA = f32x4.sub(v128.load(rows), f32x4.mul(f32x4.mul(minA, dy), mA));
    const newB = f32x4.sub(v128.load(rows, 16), f32x4.mul(f32x4.mul(minB, dy), mB));
    v128.store(rows, newB, 16);
    v128.store(rows, newA);
    x += vectorBytes(type);
    rows += 32;
  }
}
