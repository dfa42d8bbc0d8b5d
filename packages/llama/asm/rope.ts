// Rotary position embedding on adjacent pairs of channels.

/**
 * Rotates the heads of `nRows` positions in place: (a, b) becomes (a·cos − b·sin, a·sin + b·cos).
 *
 * x: rows of (nHeads, headDim), `rowStride` values apart. cos, sin: (nRows, headDim / 2).
 */
export function rope(
  x: usize, cos: usize, sin: usize, nRows: i32, nHeads: i32, headDim: i32, rowStride: i32,
): void {
  const nPairs = headDim >> 1;
  for (let row = 0; row < nRows; row++) {
    let at = x;
    for (let head = 0; head < nHeads; head++) {
      let c = cos, s = sin, pair = nPairs;
      for (; pair >= 2; pair -= 2) {
        const ab = v128.load(at); // a0 b0 a1 b1
        const cc = v128.load64_zero(c), ss = v128.load64_zero(s), minus = f32x4.neg(ss);
        const scaled = f32x4.mul(ab, v128.shuffle<f32>(cc, cc, 0, 0, 1, 1));
        const crossed = f32x4.mul(v128.shuffle<f32>(ab, ab, 1, 0, 3, 2), v128.shuffle<f32>(minus, ss, 0, 4, 1, 5));
        v128.store(at, f32x4.add(scaled, crossed));
        at += 16;
        c += 8;
        s += 8;
      }
      if (pair > 0) {
        const a = load<f32>(at), b = load<f32>(at, 4), c0 = load<f32>(c), s0 = load<f32>(s);
        store<f32>(at, a * c0 - b * s0);
        store<f32>(at, a * s0 + b * c0, 4);
        at += 8;
      }
    }
    x += <usize>rowStride << 2;
    cos += <usize>nPairs << 2;
    sin += <usize>nPairs << 2;
  }
}
