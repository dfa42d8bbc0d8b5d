// The arithmetic of the portable scalar build of llama.cpp 803, to the bit.

import { f16Values, f32ToF16 } from "@ll/bytes";
import { dot, packActivation } from "@ll/quant";
import type { Arithmetic } from "./arithmetic.ts";
import { capped, expf, gateInto } from "./lanes.ts";

/**
 * out = x / rms(x) · weight (Zhang and Sennrich, arXiv:1910.07467). The squares are rounded to f32 and summed in double.
 * `out` may be `x`.
 */
export function rmsNorm(
  out: Float32Array, // (n)
  x: Float32Array, // (n)
  weight: Float32Array, // (n)
  eps: number,
): void {
  const n = x.length;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += Math.fround(x[i]! * x[i]!);
  const mean = Math.fround(squares / n);
  const scale = Math.fround(1 / Math.fround(Math.sqrt(Math.fround(mean + Math.fround(eps)))));
  for (let i = 0; i < n; i++) out[i] = Math.fround(x[i]! * scale) * weight[i]!;
}

/**
 * Softmax of the first `n` scores in place. Differences and exponentials go through binary16, the sum is a double.
 * @param sink one more score, whose exponential is that of `lanes`; it is added last
 */
export function softmax(
  scores: Float32Array, // (at least n)
  n: number,
  sink: number = Number.NEGATIVE_INFINITY,
): void {
  const exp16 = expTable();
  let max = sink;
  for (let t = 0; t < n; t++) if (scores[t]! > max) max = scores[t]!;
  let sum = 0;
  for (let t = 0; t < n; t++) {
    const e = scores[t] === Number.NEGATIVE_INFINITY ? 0 : exp16[f32ToF16(scores[t]! - max)]!;
    scores[t] = e;
    sum += e;
  }
  if (sink !== Number.NEGATIVE_INFINITY) sum += expf(Math.fround(sink - max));
  const inverse = Math.fround(1 / sum);
  for (let t = 0; t < n; t++) scores[t] = scores[t]! * inverse;
}

/** gate = silu(gate) · up for the first `n`, the SwiGLU unit (Shazeer, arXiv:2002.05202); silu goes through binary16. */
export function swiglu(
  gate: Float32Array, // (at least n)
  up: Float32Array, // (at least n)
  n: number,
): void {
  const silu16 = siluTable();
  for (let i = 0; i < n; i++) gate[i] = silu16[f32ToF16(gate[i]!)]! * up[i]!;
}

/** Sums run in index order, in double, and are rounded once. */
export const build803: Arithmetic = {
  name: "build803",
  pack: packActivation,
  dot,
  rmsNorm,
  attend(out, query, head, { first, end, scale, softCap, sink }) {
    const n = end - first;
    const rounded = query.slice(); // (headDim)
    const key = new Float32Array(query.length); // (headDim)
    const scores = new Float32Array(n); // (n)
    head.round(rounded);
    for (let t = 0; t < n; t++) {
      head.readKey(first + t, key);
      scores[t] = capped(Math.fround(dotF32(key, rounded) * scale), softCap);
    }
    softmax(scores, n, sink);
    head.round(scores);
    const values = new Float32Array(n); // (n): of one channel
    for (let i = 0; i < out.length; i++) {
      head.readValues(i, first, values);
      out[i] = dotF32(values, scores);
    }
  },
  gate(activation, gate, up, n) {
    if (activation === "silu") swiglu(gate, up, n);
    else gateInto(activation, gate, up, n);
  },
};

/** Σ a · b, rounded once at the end. Products of binary16 numbers are exact in binary32, so this is their sum as well. */
function dotF32(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.fround(a[i]! * b[i]!);
  return Math.fround(sum);
}

let exp16: Float32Array | undefined; // (65536): e^x of every binary16 x, rounded to binary16
let silu16: Float32Array | undefined; // (65536): x / (1 + e^-x) of every binary16 x, rounded to binary16

/** (65536): e^x of every binary16 x. Every entry equals what glibc's expf gives: the rounding to binary16 hides the last bits in which Math.exp may differ. */
export function expTable(): Float32Array {
  exp16 ??= f16Function((x) => Math.exp(x));
  return exp16;
}

/** (65536): silu of every binary16 x. Exact for the same reason. */
export function siluTable(): Float32Array {
  silu16 ??= f16Function((x) => x / Math.fround(1 + Math.fround(Math.exp(-x))));
  return silu16;
}

function f16Function(f: (x: number) => number): Float32Array {
  const values = f16Values();
  return values.map((x) => values[f32ToF16(f(x))]!);
}
