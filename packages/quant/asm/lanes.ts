// Small operations on the four lanes of a vector of binary32, as build 803's scalar loops do them.

/** The largest lane; NaN counts as nothing. */
// @ts-ignore: decorator
@inline
export function largestLane(v: v128): f32 {
  let largest = f32x4.extract_lane(v, 0);
  if (f32x4.extract_lane(v, 1) > largest) largest = f32x4.extract_lane(v, 1);
  if (f32x4.extract_lane(v, 2) > largest) largest = f32x4.extract_lane(v, 2);
  if (f32x4.extract_lane(v, 3) > largest) largest = f32x4.extract_lane(v, 3);
  return largest;
}

/** The smallest lane; NaN counts as nothing. */
// @ts-ignore: decorator
@inline
export function smallestLane(v: v128): f32 {
  let smallest = f32x4.extract_lane(v, 0);
  if (f32x4.extract_lane(v, 1) < smallest) smallest = f32x4.extract_lane(v, 1);
  if (f32x4.extract_lane(v, 2) < smallest) smallest = f32x4.extract_lane(v, 2);
  if (f32x4.extract_lane(v, 3) < smallest) smallest = f32x4.extract_lane(v, 3);
  return smallest;
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
