// Softmax of one row of scores.

import { lookUp } from "./element-wise";
import { exp } from "./functions";
import { roundToHalf } from "./vectors";

/**
 * Scores `from` … `to` - 1 become probabilities, those before and up to a multiple of 4 behind zero. `exp16` is (65536) binary32.
 *
 * Exponentials are binary16 numbers of at most 1, multiples of 2^-24: in binary64 their sum is exact for up to 2^29
 * positions, whatever its order. With `isRounded` probabilities are rounded to binary16. The score of
 * the sink, -infinity if there is none, takes part but becomes nothing.
 */
export function softmax(scores: usize, from: i32, to: i32, exp16: usize, isRounded: bool, sink: f32): void {
  const nPadded = (to + 3) & ~3, end = scores + (<usize>nPadded << 2);
  for (let i = 0; i < from; i++) store<f32>(scores + (<usize>i << 2), -Infinity);
  for (let i = to; i < nPadded; i++) store<f32>(scores + (<usize>i << 2), -Infinity);

  let max4 = f32x4.splat(sink);
  for (let at = scores; at != end; at += 16) max4 = f32x4.pmax(max4, v128.load(at));
  max4 = f32x4.pmax(max4, v128.shuffle<f32>(max4, max4, 2, 3, 0, 1));
  max4 = f32x4.pmax(max4, v128.shuffle<f32>(max4, max4, 1, 0, 3, 2));

  let low = f64x2.splat(0), high = low;
  for (let at = scores; at != end; at += 16) {
    const e = lookUp(exp16, f32x4.sub(v128.load(at), max4));
    v128.store(at, e);
    low = f64x2.add(low, f64x2.promote_low_f32x4(e));
    high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<i64>(e, e, 1, 1)));
  }
  const sums = f64x2.add(low, high);
  let sum = f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
  if (sink != -Infinity) sum += f32x4.extract_lane(exp(f32x4.sub(f32x4.splat(sink), max4)), 0);
  const inverse = f32x4.splat(<f32>(1.0 / sum));

  for (let at = scores; at != end; at += 16) {
    const p = f32x4.mul(v128.load(at), inverse);
    v128.store(at, isRounded ? roundToHalf(p) : p);
  }
}
