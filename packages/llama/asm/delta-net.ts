// Gated delta nets: a state of keys and values, a matrix of a head, that every token decays and corrects.

import { loadFew, storeFew } from "./vectors";

// @ts-ignore: decorator
@inline
function splatAt(at: usize): v128 {
  return v128.load32_splat(at);
}

/** Each of `nRows` rows of `n` numbers divided by its length, or by `eps` if that is larger, in place. */
export function l2Norm(x: usize, nRows: i32, n: i32, eps: f32): void {
  for (; nRows > 0; nRows--) {
    let low = f32x4.splat(0), high = low, at = x, rest = n;
    for (; rest > 4; rest -= 8) {
      const a = v128.load(at), b = loadFew(at + 16, rest - 4);
      low = f32x4.add(low, f32x4.mul(a, a));
      high = f32x4.add(high, f32x4.mul(b, b));
      at += 32;
    }
    if (rest > 0) {
      const a = loadFew(at, rest);
      low = f32x4.add(low, f32x4.mul(a, a));
    }
    const halves = f32x4.add(low, high);
    const quarters = f32x4.add(halves, v128.shuffle<f32>(halves, halves, 2, 3, 0, 1));
    const sum = f32x4.extract_lane(quarters, 0) + f32x4.extract_lane(quarters, 1);
    const factor = f32x4.splat(<f32>1 / max<f32>(sqrt<f32>(sum), eps));
    for (at = x, rest = n; rest > 0; rest -= 4) {
      storeFew(at, f32x4.mul(loadFew(at, rest), factor), rest);
      at += 16;
    }
    x += <usize>n << 2;
  }
}

/** One token and up to 4 columns of the state at `from`, which goes to `to`; see `deltaNet`. */
// @ts-ignore: decorator
@inline
function fewColumns(
  from: usize, to: usize, rowBytes: usize, few: i32, size: i32,
  q: usize, k: usize, v: v128, decay: v128, rate: v128,
): v128 {
  let u = f32x4.splat(0), y = u, end = k + (<usize>size << 2), at = to;
  for (let key = k; key != end; key += 4) {
    const m = f32x4.mul(loadFew(from, few), decay);
    storeFew(at, m, few);
    u = f32x4.add(u, f32x4.mul(m, splatAt(key)));
    from += rowBytes;
    at += rowBytes;
  }
  const d = f32x4.mul(rate, f32x4.sub(v, u));
  at = to;
  for (let key = k; key != end; key += 4) {
    const m = f32x4.add(loadFew(at, few), f32x4.mul(splatAt(key), d));
    storeFew(at, m, few);
    y = f32x4.add(y, f32x4.mul(m, splatAt(q)));
    q += 4;
    at += rowBytes;
  }
  return y;
}

/**
 * For each head and token: M = decay · M, d = rate · (v - Mᵀk), M = M + k dᵀ, out = Mᵀq · scale.
 *
 * out, q, k, v: (n, nHeads, size). decay, rate: (n, nHeads). before, after: (nHeads, size, size), M in front of the tokens and behind
 * them, (key, value); may be the same. Sums run in the order of the keys, one lane for each value.
 */
export function deltaNet(
  out: usize, q: usize, k: usize, v: usize, decay: usize, rate: usize, before: usize, after: usize,
  n: i32, nHeads: i32, size: i32, scale: f32,
): void {
  const rowBytes = <usize>size << 2;
  const scales = f32x4.splat(scale);
  for (let head = 0; head < nHeads; head++) {
    const state = <usize>head * rowBytes * size;
    for (let column = 0; column < size; ) {
      const offset = state + (<usize>column << 2);
      const isWide = size - column >= 16; // four chains of additions at a time
      for (let i = 0; i < n; i++) {
        const row = <usize>(i * nHeads + head);
        const from = (i == 0 ? before : after) + offset, to = after + offset;
        const decays = splatAt(decay + (row << 2)), rates = splatAt(rate + (row << 2));
        const qs = q + row * rowBytes, ks = k + row * rowBytes, at = row * rowBytes + (<usize>column << 2);
        if (isWide) wideColumns(from, to, rowBytes, size, qs, ks, v + at, out + at, decays, rates, scales);
        else {
          const few = min(4, size - column);
          const y = fewColumns(from, to, rowBytes, few, size, qs, ks, loadFew(v + at, few), decays, rates);
          storeFew(out + at, f32x4.mul(y, scales), few);
        }
      }
      column += isWide ? 16 : 4;
    }
  }
}

/** The same for 16 columns. */
// @ts-ignore: decorator
@inline
function wideColumns(
  from: usize, to: usize, rowBytes: usize, size: i32,
  q: usize, k: usize, v: usize, out: usize, decay: v128, rate: v128, scale: v128,
): void {
  const zero = f32x4.splat(0), end = k + (<usize>size << 2);
  let u0 = zero, u1 = zero, u2 = zero, u3 = zero, at = to;
  for (let key = k; key != end; key += 4) {
    const factor = splatAt(key);
    const m0 = f32x4.mul(v128.load(from), decay), m1 = f32x4.mul(v128.load(from, 16), decay);
    const m2 = f32x4.mul(v128.load(from, 32), decay), m3 = f32x4.mul(v128.load(from, 48), decay);
    v128.store(at, m0);
    v128.store(at, m1, 16);
    v128.store(at, m2, 32);
    v128.store(at, m3, 48);
    u0 = f32x4.add(u0, f32x4.mul(m0, factor));
    u1 = f32x4.add(u1, f32x4.mul(m1, factor));
    u2 = f32x4.add(u2, f32x4.mul(m2, factor));
    u3 = f32x4.add(u3, f32x4.mul(m3, factor));
    from += rowBytes;
    at += rowBytes;
  }
  u0 = f32x4.mul(rate, f32x4.sub(v128.load(v), u0));
  u1 = f32x4.mul(rate, f32x4.sub(v128.load(v, 16), u1));
  u2 = f32x4.mul(rate, f32x4.sub(v128.load(v, 32), u2));
  u3 = f32x4.mul(rate, f32x4.sub(v128.load(v, 48), u3));
  let y0 = zero, y1 = zero, y2 = zero, y3 = zero;
  at = to;
  for (let key = k; key != end; key += 4) {
    const factor = splatAt(key), query = splatAt(q);
    const m0 = f32x4.add(v128.load(at), f32x4.mul(factor, u0)), m1 = f32x4.add(v128.load(at, 16), f32x4.mul(factor, u1));
    const m2 = f32x4.add(v128.load(at, 32), f32x4.mul(factor, u2)), m3 = f32x4.add(v128.load(at, 48), f32x4.mul(factor, u3));
    v128.store(at, m0);
    v128.store(at, m1, 16);
    v128.store(at, m2, 32);
    v128.store(at, m3, 48);
    y0 = f32x4.add(y0, f32x4.mul(m0, query));
    y1 = f32x4.add(y1, f32x4.mul(m1, query));
    y2 = f32x4.add(y2, f32x4.mul(m2, query));
    y3 = f32x4.add(y3, f32x4.mul(m3, query));
    q += 4;
    at += rowBytes;
  }
  v128.store(out, f32x4.mul(y0, scale));
  v128.store(out, f32x4.mul(y1, scale), 16);
  v128.store(out, f32x4.mul(y2, scale), 32);
  v128.store(out, f32x4.mul(y3, scale), 48);
}
