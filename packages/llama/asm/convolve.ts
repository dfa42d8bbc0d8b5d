// A causal convolution of each channel by itself.

import { silu } from "./functions";
import { loadFew, storeFew } from "./vectors";

/** `n` (1 … 4) numbers that are `stride` bytes apart. */
// @ts-ignore: decorator
@inline
function loadApart(at: usize, stride: usize, n: i32): v128 {
  let few = v128.load32_zero(at);
  if (n > 1) few = v128.load_lane<f32>(at + stride, few, 1);
  if (n > 2) few = v128.load_lane<f32>(at + 2 * stride, few, 2);
  if (n > 3) few = v128.load_lane<f32>(at + 3 * stride, few, 3);
  return few;
}

/**
 * out, x: (n, width), must not overlap. weight: (width, nTaps). before, after: (nTaps - 1, width), the rows in front of `x` and the last
 * ones of `x`; may be the same. Terms are added in the order of the taps.
 */
export function convolve(
  out: usize, x: usize, weight: usize, before: usize, after: usize, n: i32, width: i32, nTaps: i32, withSilu: bool,
): void {
  const rowBytes = <usize>width << 2;
  const nBefore = nTaps - 1;
  for (let channel = 0; channel < width; channel += 4) {
    const few = min(4, width - channel);
    const column = <usize>channel << 2;
    for (let tap = 0; tap < nTaps; tap++) {
      const w = loadApart(weight + (<usize>(channel * nTaps + tap) << 2), <usize>nTaps << 2, few);
      let to = out + column;
      for (let i = 0; i < n; i++) {
        const row = i + tap - nBefore;
        const from = row < 0 ? before + <usize>(row + nBefore) * rowBytes : x + <usize>row * rowBytes;
        let y = f32x4.mul(w, loadFew(from + column, few));
        if (tap > 0) y = f32x4.add(loadFew(to, few), y);
        if (withSilu && tap == nBefore) y = silu(y);
        storeFew(to, y, few);
        to += rowBytes;
      }
    }
  }
  for (let j = 0; j < nBefore; j++) {
    const row = n - nBefore + j;
    const from = row < 0 ? before + <usize>(row + nBefore) * rowBytes : x + <usize>row * rowBytes;
    memory.copy(after + <usize>j * rowBytes, from, rowBytes);
  }
}
