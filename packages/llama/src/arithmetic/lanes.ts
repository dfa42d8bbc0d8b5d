// The arithmetic for GGUF files of today. Every operation rounds to binary32 and nothing is fused; sums are those of @ll/quant's
// lane-sums.ts; functions are the polynomials of this file. docs/numbers.md says why it is so.

import type { Activation } from "@ll/architectures";
import { dot, laneSum, packActivation } from "@ll/quant";
import type { Arithmetic } from "./arithmetic.ts";
import { addValuesInLevels, productOfLevels, ROUND, toLevels } from "./levels.ts";

const f = Math.fround;

const LOG2E = f(Math.LOG2E);
const LN2_HIGH = f(0.693359375); // 9 bits: its products with whole numbers up to 2^15 are exact
const LN2_LOW = f(-2.1219444e-4);
/** Below it, e^x is no normal number of binary32. */
const EXP_MIN = f(-87.3365447505531);
const EXP_MAX = f(88.3762626647949);

const LOG_COEFFICIENTS = [
  -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1,
  -2.4999993993e-1, 3.3333331174e-1,
].map(f);

const scaleBits = new Int32Array(1); // (1): the bits of …
const scale = new Float32Array(scaleBits.buffer); // (1): … a power of two

/**
 * e^x, within 2 units in the last place; 0 below about -87.3, held at e^88.37 above. e^0 is 1.
 * Method and coefficients: S. Moshier, Cephes, expf.
 */
export function expf(x: number): number {
  if (!(x >= EXP_MIN)) return Number.isNaN(x) ? x : 0;
  const held = Math.min(x, EXP_MAX);
  const n = f(f(f(held * LOG2E) + ROUND) - ROUND);
  const r = f(f(held - f(n * LN2_HIGH)) - f(n * LN2_LOW));
  let p = f(1.98756915e-4);
  p = f(f(p * r) + f(1.3981999507e-3));
  p = f(f(p * r) + f(8.3334519073e-3));
  p = f(f(p * r) + f(4.1665795894e-2));
  p = f(f(p * r) + f(1.6666665459e-1));
  p = f(f(p * r) + f(5.0000001201e-1));
  const y = f(f(f(p * f(r * r)) + r) + 1);
  scaleBits[0] = (n + 127) << 23;
  return f(y * scale[0]!);
}

/** tanh x, within 3 units in the last place. Method and coefficients: S. Moshier, Cephes, tanhf. */
export function tanhf(x: number): number {
  const size = Math.abs(x);
  if (size >= 0.625) {
    const t = f(1 - f(2 / f(expf(f(size + size)) + 1)));
    return x < 0 ? -t : t;
  }
  const z = f(x * x);
  let p = f(-5.70498872745e-3);
  p = f(f(p * z) + f(2.06390887954e-2));
  p = f(f(p * z) + f(-5.37397155531e-2));
  p = f(f(p * z) + f(1.33314422036e-1));
  p = f(f(p * z) + f(-3.33332819422e-1));
  return f(f(f(p * z) * x) + x);
}

/** 1 / (1 + e^-x) */
export function sigmoid(x: number): number {
  return f(1 / f(1 + expf(-x)));
}

/** ln x of a positive normal number, within 2 units in the last place. Method and coefficients: S. Moshier, Cephes, logf. */
export function logf(x: number): number {
  if (!(x > 0 && x < Number.POSITIVE_INFINITY)) return Math.log(x);
  scale[0] = x;
  let e = (scaleBits[0]! >> 23) - 126;
  scaleBits[0] = (scaleBits[0]! & 0x7fffff) | 0x3f000000; // from 1/2 to 1
  let m = scale[0];
  if (m < Math.SQRT1_2) {
    e--;
    m = f(m + m);
  }
  const r = f(m - 1);
  const z = f(r * r);
  let p = f(7.0376836292e-2);
  for (const c of LOG_COEFFICIENTS) p = f(f(p * r) + c);
  let y = f(f(p * r) * z);
  y = f(y + f(e * LN2_LOW));
  y = f(y - f(0.5 * z));
  return f(f(r + y) + f(e * LN2_HIGH));
}

/** ln(1 + e^x), and x itself above 20, where they are the same. */
export function softplus(x: number): number {
  return x > 20 ? x : logf(f(1 + expf(x)));
}

/** x / (1 + e^-x) (Elfwing et al., arXiv:1702.03118). */
export function silu(x: number): number {
  return f(x / f(1 + expf(-x)));
}

/** A score or a logit held below `softCap`: softCap · tanh(x / softCap). */
export function capped(x: number, softCap: number | undefined): number {
  if (softCap === undefined) return x;
  const cap = f(softCap);
  return f(cap * tanhf(f(x / cap)));
}

const SQRT_2_OVER_PI = f(0.7978845608028654);

/** x / (1 + e^-2u) with u = √(2/π) · x · (1 + 0.044715 · x²), which is ½ · x · (1 + tanh u) (arXiv:1606.08415). */
export function gelu(x: number): number {
  const u = f(f(SQRT_2_OVER_PI * x) * f(1 + f(f(f(0.044715) * x) * x)));
  return f(x / f(1 + expf(f(-2 * u))));
}

/** gpt-oss's unit (arXiv:2508.10925): g / (1 + e^-1.702g) · (u + 1), with g held below 7 and u between -7 and 7. */
function clampedSwiglu(gate: number, up: number): number {
  const g = Math.min(gate, 7);
  const u = Math.max(-7, Math.min(up, 7));
  return f(f(g / f(1 + expf(f(f(-1.702) * g)))) * f(u + 1));
}

const GATES: Readonly<Record<Activation, (gate: number, up: number) => number>> = {
  silu: (gate, up) => silu(gate) * up,
  gelu: (gate, up) => gelu(gate) * up,
  "clamped swiglu": clampedSwiglu,
  sigmoid: (gate, up) => f(sigmoid(gate) * up),
  none: (gate, up) => f(gate * up),
};

/** gate = activation(gate) · up for the first `n` (arXiv:2002.05202). */
export function gateInto(
  activation: Activation,
  gate: Float32Array, // (at least n)
  up: Float32Array, // (at least n)
  n: number,
): void {
  const apply = GATES[activation];
  for (let i = 0; i < n; i++) gate[i] = apply(gate[i]!, up[i]!);
}

/** out = x / rms(x) · weight (arXiv:1910.07467), all of one length; `out` may be `x`. */
export function rmsNorm(
  out: Float32Array, // (n)
  x: Float32Array, // (n)
  weight: Float32Array, // (n)
  eps: number,
): void {
  const n = x.length;
  const squares = x.map((value) => value * value); // (n)
  const mean = f(laneSum(squares) / n);
  const inverse = f(1 / f(Math.sqrt(f(mean + f(eps)))));
  for (let i = 0; i < n; i++) out[i] = f(x[i]! * inverse) * weight[i]!;
}

/** Positions that attention takes together: their scores are seen before any of their values. */
export const TILE = 32;

export const lanes: Arithmetic = {
  name: "lanes",
  pack: (type, x) => packActivation(type, x, undefined, "lanes"),
  dot: (type, row, packed) => dot(type, row, packed, "lanes"),
  rmsNorm,
  /**
   * The softmax that never holds all scores (Milakov and Gimelshein, arXiv:1805.02867; Dao et al., arXiv:2205.14135): tile
   * after tile of positions, counted from 0, from the first that has a position that is seen. A larger maximum scales down what
   * was summed before. Channels of a score and positions of an output are added in order: vectors hold other positions and other
   * channels. No output is -0 when positions are added to it, so adding a weight of 0 leaves it as it is. Caches of whole numbers
   * meet queries and weights that become whole numbers, too.
   */
  attend(out, query, head, { first: firstSeen, end, scale: factor, softCap, sink }) {
    const key = new Float32Array(query.length); // (headDim)
    const values = new Float32Array(TILE); // (TILE): of one channel
    const weights = new Float32Array(TILE); // (TILE)
    const { keyLevels, valueLevels } = head;
    const queryLevels = keyLevels === undefined ? [] : toLevels(query);
    let largest = sink ?? Number.NEGATIVE_INFINITY;
    let sum = sink === undefined ? 0 : 1;
    out.fill(0);
    for (let first = firstSeen - (firstSeen % TILE); first < end; first += TILE) {
      const skipped = Math.max(0, firstSeen - first);
      const nHere = Math.min(TILE, end - first);
      let newLargest = largest;
      weights.fill(0, 0, skipped);
      for (let t = skipped; t < nHere; t++) {
        let product = 0;
        if (keyLevels === undefined) {
          head.readKey(first + t, key);
          for (let i = 0; i < query.length; i++) product = f(product + f(key[i]! * query[i]!));
        } else {
          product = productOfLevels(queryLevels, keyLevels(first + t));
        }
        weights[t] = capped(f(product * factor), softCap);
        if (weights[t]! > newLargest) newLargest = weights[t]!;
      }
      const kept = expf(f(largest - newLargest)); // 0 for the first tile, 1 if the maximum stays
      for (let t = skipped; t < nHere; t++) weights[t] = expf(f(weights[t]! - newLargest));
      sum = f(f(sum * kept) + laneSum(weights, nHere));
      if (valueLevels !== undefined) {
        const seen = Array.from({ length: nHere - skipped }, (_, t) => valueLevels(first + skipped + t));
        addValuesInLevels(out, kept, weights.subarray(skipped, nHere), seen);
      }
      for (let i = 0; valueLevels === undefined && i < out.length; i++) {
        let o = f(out[i]! * kept) + 0;
        head.readValues(i, first, values.subarray(0, nHere));
        for (let t = skipped; t < nHere; t++) o = f(o + f(weights[t]! * values[t]!));
        out[i] = o;
      }
      largest = newLargest;
    }
    const inverse = f(1 / sum);
    for (let i = 0; i < out.length; i++) out[i] = out[i]! * inverse;
  },
  gate: gateInto,
};
