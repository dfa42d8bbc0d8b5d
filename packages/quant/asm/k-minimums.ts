// What the minimums of Q2_K, Q4_K and Q5_K contribute, for 8 rows at once, one 32-bit lane per row.
// k-layout.ts has the layout.

import { LANES, Q2_K, ROWS, vectorBytes } from "./k-layout";
import { f32FromHalf, HALF_BITS, HALF_UNIT, joinPairs, LOW_BYTE, LOW_NIBBLE, scratch } from "./vectors";

// Every function is inlined with a constant `type`: what belongs to other types disappears.

/** Integer sums of minimum times sum of activations for four rows. Q2_K: n0, n1 hold four pairs of groups each. */
// @ts-ignore: decorator
@inline
function minimumSums(type: i32, n0: v128, n1: v128, x: usize, mask: v128): v128 {
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

/** The integers of four rows from their 8 lanes each, at `lanes` (4, 8). */
// @ts-ignore: decorator
@inline
function joinLanes(lanes: usize): v128 {
  const row0 = i32x4.add(v128.load(lanes, 0), v128.load(lanes, 16));
  const row1 = i32x4.add(v128.load(lanes, 32), v128.load(lanes, 48));
  const row2 = i32x4.add(v128.load(lanes, 64), v128.load(lanes, 80));
  const row3 = i32x4.add(v128.load(lanes, 96), v128.load(lanes, 112));
  return joinPairs(joinPairs(row0, row1), joinPairs(row2, row3));
}

/**
 * What minimums contribute to the 8 rows, for each vector: taken off the row's sum for Q4_K and Q5_K; for Q2_K the whole
 * super-block, level part minus minimum part, is added to it. `t` is where the group's minimums are.
 */
// @ts-ignore: decorator
@inline
export function addMinimums(type: i32, t: usize, x: usize, dA: v128, dB: v128, nVectors: i32): void {
  const maskA = type == Q2_K ? v128.load(scratch, LOW_NIBBLE) : v128.load(scratch, LOW_BYTE);
  const maskB = type == Q2_K ? v128.load(scratch, LOW_NIBBLE + 16) : v128.load(scratch, LOW_BYTE + 16);
  const bitsA = v128.load(scratch, HALF_BITS), bitsB = v128.load(scratch, HALF_BITS + 16);
  const unitA = v128.load(scratch, HALF_UNIT), unitB = v128.load(scratch, HALF_UNIT + 16);
  const a0 = v128.load(t, 0), b0 = v128.load(t, 16), a1 = v128.load(t, 32), b1 = v128.load(t, 48);
  const minA = f32FromHalf(v128.load_ext<i16>(t, 80), bitsA, unitA);
  const minB = f32FromHalf(v128.load_ext<i16>(t, 88), bitsB, unitB);
  let rows = scratch + ROWS, lanes = scratch + LANES;
  for (let v = nVectors; v > 0; v--) {
    const mA = f32x4.convert_i32x4_s(minimumSums(type, a0, a1, x, maskA));
    const mB = f32x4.convert_i32x4_s(minimumSums(type, b0, b1, x, maskB));
    const dy = type == Q2_K ? v128.load32_splat(x, 288) : v128.load32_splat(x, 272);
    const minusA = f32x4.mul(f32x4.mul(minA, dy), mA), minusB = f32x4.mul(f32x4.mul(minB, dy), mB);
    let newA: v128, newB: v128;
    if (type == Q2_K) {
      const plusA = f32x4.mul(f32x4.mul(dA, dy), f32x4.convert_i32x4_s(joinLanes(lanes)));
      const plusB = f32x4.mul(f32x4.mul(dB, dy), f32x4.convert_i32x4_s(joinLanes(lanes + 128)));
      newA = f32x4.add(v128.load(rows), f32x4.sub(plusA, minusA));
      newB = f32x4.add(v128.load(rows, 16), f32x4.sub(plusB, minusB));
    } else {
      newA = f32x4.sub(v128.load(rows), minusA);
      newB = f32x4.sub(v128.load(rows, 16), minusB);
    }
    v128.store(rows, newB, 16);
    v128.store(rows, newA);
    x += vectorBytes(type);
    rows += 32;
    lanes += 256;
  }
}
