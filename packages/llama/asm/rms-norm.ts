// RMS norm. The squares are rounded to binary32 and summed in binary64 in index order, so a row is one chain of additions;
// four rows at once keep four chains going.

import { loadFew } from "./vectors";

/** fl32(1 / fl32(√fl32(fl32(squares / n) + eps))) */
// @ts-ignore: decorator
@inline
function scaleOf(squares: f64, n: i32, eps: f32): f32 {
  return <f32>1 / sqrt<f32>(<f32>(squares / <f64>n) + eps);
}

// @ts-ignore: decorator
@inline
function square(at: usize): f64 {
  const x = load<f32>(at);
  return <f64>(x * x);
}

/** out = x · scale · weight for one row of `n` values. */
function scaleRow(out: usize, x: usize, weight: usize, n: i32, scale: f32): void {
  const scales = f32x4.splat(scale);
  for (; n >= 4; n -= 4) {
    v128.store(out, f32x4.mul(f32x4.mul(v128.load(x), scales), v128.load(weight)));
    x += 16;
    weight += 16;
    out += 16;
  }
  for (; n > 0; n--) {
    store<f32>(out, load<f32>(x) * scale * load<f32>(weight));
    x += 4;
    weight += 4;
    out += 4;
  }
}

/** out, x: (nRows, n), contiguous; may be the same. weight: (n). */
export function rms_norm(out: usize, x: usize, weight: usize, nRows: i32, n: i32, eps: f32): void {
  const rowBytes = <usize>n << 2;
  for (; nRows >= 4; nRows -= 4) {
    let at = x, s0: f64 = 0, s1: f64 = 0, s2: f64 = 0, s3: f64 = 0;
    for (const end = x + rowBytes; at != end; at += 4) {
      s0 += square(at);
      s1 += square(at + rowBytes);
      s2 += square(at + 2 * rowBytes);
      s3 += square(at + 3 * rowBytes);
    }
    scaleRow(out, x, weight, n, scaleOf(s0, n, eps));
    scaleRow(out + rowBytes, x + rowBytes, weight, n, scaleOf(s1, n, eps));
    scaleRow(out + 2 * rowBytes, x + 2 * rowBytes, weight, n, scaleOf(s2, n, eps));
    scaleRow(out + 3 * rowBytes, x + 3 * rowBytes, weight, n, scaleOf(s3, n, eps));
    x += 4 * rowBytes;
    out += 4 * rowBytes;
  }
  for (; nRows > 0; nRows--) {
    let squares: f64 = 0;
    for (let at = x, end = x + rowBytes; at != end; at += 4) squares += square(at);
    scaleRow(out, x, weight, n, scaleOf(squares, n, eps));
    x += rowBytes;
    out += rowBytes;
  }
}

/** The same in the arithmetic `lanes`: eight sums in binary32 of the squares with the same index modulo 8. */
export function rms_norm_lanes(out: usize, x: usize, weight: usize, nRows: i32, n: i32, eps: f32): void {
  const rowBytes = <usize>n << 2;
  for (; nRows > 0; nRows--) {
    let low = f32x4.splat(0), high = low, at = x, rest = n;
    for (; rest >= 8; rest -= 8, at += 32) {
      const a = v128.load(at), b = v128.load(at, 16);
      low = f32x4.add(low, f32x4.mul(a, a));
      high = f32x4.add(high, f32x4.mul(b, b));
    }
    if (rest > 0) {
      const a = loadFew(at, rest);
      low = f32x4.add(low, f32x4.mul(a, a));
    }
    if (rest > 4) {
      const b = loadFew(at + 16, rest - 4);
      high = f32x4.add(high, f32x4.mul(b, b));
    }
    const four = f32x4.add(low, high), two = f32x4.add(four, v128.shuffle<f32>(four, four, 2, 3, 2, 3));
    const squares = f32x4.extract_lane(two, 0) + f32x4.extract_lane(two, 1);
    scaleRow(out, x, weight, n, <f32>1 / sqrt<f32>(squares / <f32>n + eps));
    x += rowBytes;
    out += rowBytes;
  }
}
