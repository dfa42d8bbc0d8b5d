// Rotary position embedding: (a, b) becomes (a·cos − b·sin, a·sin + b·cos).
//
// x: rows of (nHeads, headDim), `rowStride` values apart, rotated in place: the first `nRot` channels of each head.
// angles: (nRows, nRot), cosines and then sines of the pairs.

/** Pairs are neighbours: channels 2j and 2j + 1. */
export function rope(
  x: usize, angles: usize, nRows: i32, nHeads: i32, headDim: i32, nRot: i32, rowStride: i32,
): void {
  const nPairs = nRot >> 1;
  const rest = <usize>(headDim - nRot) << 2;
  for (let row = 0; row < nRows; row++) {
    let at = x;
    for (let head = 0; head < nHeads; head++) {
      let c = angles, s = angles + (<usize>nPairs << 2), pair = nPairs;
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
      at += rest;
    }
    x += <usize>rowStride << 2;
    angles += <usize>nRot << 2;
  }
}

/** Pairs are half of `nRot` apart: channels j and j + nRot / 2. */
export function rope_halves(
  x: usize, angles: usize, nRows: i32, nHeads: i32, headDim: i32, nRot: i32, rowStride: i32,
): void {
  const half = <usize>(nRot >> 1) << 2; // bytes
  for (let row = 0; row < nRows; row++) {
    let head = x;
    for (let i = 0; i < nHeads; i++) {
      let at = head, c = angles;
      for (const end = head + (half & ~15); at != end; at += 16) {
        const a = v128.load(at), b = v128.load(at + half), cc = v128.load(c), ss = v128.load(c + half);
        v128.store(at, f32x4.sub(f32x4.mul(a, cc), f32x4.mul(b, ss)));
        v128.store(at + half, f32x4.add(f32x4.mul(a, ss), f32x4.mul(b, cc)));
        c += 16;
      }
      for (const end = head + half; at != end; at += 4) {
        const a = load<f32>(at), b = load<f32>(at + half), c0 = load<f32>(c), s0 = load<f32>(c + half);
        store<f32>(at, a * c0 - b * s0);
        store<f32>(at + half, a * s0 + b * c0);
        c += 4;
      }
      head += <usize>headDim << 2;
    }
    x += <usize>rowStride << 2;
    angles += <usize>nRot << 2;
  }
}
