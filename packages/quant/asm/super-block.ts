// Where the K quantisers keep a super-block of 256 values while they work on it, and how values get there.
//
// Build 803 fits each group of 16 or 32 values by itself and sums within it in index order. Here a lane is a group: eight
// groups are fitted at a time, lanes of half A for the first four and of half B for the others, so that every lane sums in
// the order of the reference. "Group order" is the arrangement for that: 32 bytes per index, value i of groups 0 … 7.

import { F32, fourShort } from "./half";
import { scratch, SUMS } from "./vectors";

// @ts-ignore: decorator
@inline export const VALUES: usize = SUMS; // (256) binary32 in their own order
// @ts-ignore: decorator
@inline export const GROUP_VALUES: usize = SUMS + 1024; // (256) binary32 in group order; 16 groups are two sets of 512 bytes
// @ts-ignore: decorator
@inline export const GROUP_LEVELS: usize = SUMS + 2048; // (256) binary32: levels of the fit in group order
// @ts-ignore: decorator
@inline export const TRIAL: usize = SUMS + 3072; // (128) binary32: levels of a retry
// @ts-ignore: decorator
@inline export const FITTED: usize = SUMS + 3584; // (16) binary32: fitted scales
// @ts-ignore: decorator
@inline export const FITTED_MINS: usize = SUMS + 3648; // (16) binary32: fitted minimums, negated
// @ts-ignore: decorator
@inline export const STORED: usize = SUMS + 3712; // (16) binary32: scales as a reader of the block will see them
// @ts-ignore: decorator
@inline export const STORED_MINS: usize = SUMS + 3776; // (16) binary32: minimums, likewise
// @ts-ignore: decorator
@inline export const LEVELS: usize = SUMS + 3840; // (256) bytes: final levels in the order of the values, from 0 up

/** 256 values at `src` as binary32: there, or converted to VALUES. @returns where they are */
// @ts-ignore: decorator
@inline
export function valuesOf(source: i32, src: usize): usize {
  if (source == F32) return src;
  const to = scratch + VALUES;
  for (let i: usize = 0; i < 512; i += 8) v128.store(to + (i << 1), fourShort(source, src + i));
  return to;
}

/** Eight groups of `nValues` (16, 32) at `x`, one after the other, to group order at `to`. */
// @ts-ignore: decorator
@inline
export function toGroupOrder(x: usize, nValues: i32, to: usize): void {
  const stride = <usize>nValues << 2;
  for (let half = 0; half < 2; half++) {
    for (let i: usize = 0; i < stride; i += 16) {
      const r0 = v128.load(x + i), r1 = v128.load(x + i + stride);
      const r2 = v128.load(x + i + 2 * stride), r3 = v128.load(x + i + 3 * stride);
      const a = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5), b = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5);
      const c = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7), d = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
      const at = to + (i << 3) + (half << 4); // 16 bytes become 4 times 32
      v128.store(at, v128.shuffle<i64>(a, b, 0, 2));
      v128.store(at, v128.shuffle<i64>(a, b, 1, 3), 32);
      v128.store(at, v128.shuffle<i64>(c, d, 0, 2), 64);
      v128.store(at, v128.shuffle<i64>(c, d, 1, 3), 96);
    }
    x += 4 * stride;
  }
}
