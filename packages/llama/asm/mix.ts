// Weighted sums of the rows that a token's experts give.

import { loadFew, storeFew } from "./vectors";

/** Σ weight · row of (nUsed, width) `rows` into `out`, for each of `n` tokens; weights of tokens are `stride` values apart. */
export function mix(out: usize, rows: usize, weights: usize, n: i32, nUsed: i32, width: i32, stride: i32): void {
  const rowBytes = <usize>width << 2;
  for (; n > 0; n--) {
    for (let left = width; left > 0; left -= 4) {
      let row = rows;
      let sum = f32x4.mul(f32x4.splat(load<f32>(weights)), loadFew(row, left));
      for (let t = 1; t < nUsed; t++) {
        row += rowBytes;
        const weight = f32x4.splat(load<f32>(weights + (<usize>t << 2)));
        sum = f32x4.add(sum, f32x4.mul(weight, loadFew(row, left)));
      }
      storeFew(out, sum, left);
      rows += 16;
      out += 16;
    }
    // `rows` and `out` stand at the end of the last vector, which may be behind their row's
    const behind = <usize>(-width & 3) << 2;
    out -= behind;
    rows += <usize>(nUsed - 1) * rowBytes - behind;
    weights += <usize>stride << 2;
  }
}
