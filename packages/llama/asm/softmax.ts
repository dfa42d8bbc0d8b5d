// Softmax of one row of scores.

import { lookUp } from "./element-wise";
import { roundToHalf } from "./vectors";

/**
 * The first `n` scores become probabilities, those up to `nPadded` (a multiple of 4) zero. `exp16` is (65536) binary32.
 *
 * Exponentials are binary16 numbers of at most 1, multiples of 2^-24: in binary64 their sum is exact for up to 2^29
 * positions, whatever its order. With `isRounded` probabilities are rounded to binary16.
 */
export function softmax(scores: usize, n: i32, nPadded: i32, exp16: usize, isRounded: bool): void {
  const end = scores + (<usize>nPadded << 2);
  for (let i = n; i < nPadded; i++) store<f32>(scores + (<usize>i << 2), -Infinity);

  let max4 = f32x4.splat(-Infinity);
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
  const sum = f64x2.add(low, high);
  const inverse = f32x4.splat(<f32>(1.0 / (f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1))));

  for (let at = scores; at != end; at += 16) {
    const p = f32x4.mul(v128.load(at), inverse);
    v128.store(at, isRounded ? roundToHalf(p) : p);
  }
}
