// Small operations on the four lanes of a vector of binary32, as build 803's scalar loops do them.

// By shuffles, not by comparing one lane after the other: which one is largest is for no branch predictor, and a wrong guess
// costs more than the rest of a block of 32 values.

/** The largest lane of a vector without NaN. */
// @ts-ignore: decorator
@inline
export function largestLane(v: v128): f32 {
  const pairs = f32x4.pmax(v, v128.shuffle<i32>(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(f32x4.pmax(pairs, v128.shuffle<i32>(pairs, pairs, 1, 0, 3, 2)), 0);
}

/** The smallest lane of a vector without NaN. */
// @ts-ignore: decorator
@inline
export function smallestLane(v: v128): f32 {
  const pairs = f32x4.pmin(v, v128.shuffle<i32>(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(f32x4.pmin(pairs, v128.shuffle<i32>(pairs, pairs, 1, 0, 3, 2)), 0);
}

/** The largest of eight unsigned lanes of 16 bits. */
// @ts-ignore: decorator
@inline
export function largestLane16(v: v128): u32 {
  const pairs = i16x8.max_u(v, v128.shuffle<i64>(v, v, 1, 0));
  const twos = i32x4.extract_lane(i16x8.max_u(pairs, v128.shuffle<i32>(pairs, pairs, 1, 0, 3, 2)), 0);
  return max<u32>(<u32>twos & 0xffff, <u32>twos >> 16);
}

/** Per lane the larger of `a` and the magnitude of `b`. pmax(a, b) is a unless a < b: a NaN in `b` is passed over. */
// @ts-ignore: decorator
@inline
export function largerMagnitude(a: v128, b: v128): v128 {
  return f32x4.pmax(a, f32x4.abs(b));
}

/** Rounded to integers, ties away from zero (C's roundf); NaN gives 0. */
// @ts-ignore: decorator
@inline
export function roundAway(v: v128): v128 {
  const whole = i32x4.trunc_sat_f32x4_s(v);
  const fraction = f32x4.sub(v, f32x4.convert_i32x4_s(whole)); // exact, where adding one half would round
  const up = f32x4.ge(fraction, f32x4.splat(0.5)), down = f32x4.le(fraction, f32x4.splat(-0.5)); // -1 where true
  return i32x4.add(i32x4.sub(whole, up), down);
}

// @ts-ignore: decorator
@inline
export function sumOfLanes(v: v128): i32 {
  return i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3);
}
