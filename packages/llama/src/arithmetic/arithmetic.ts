// How numbers are rounded where that is a choice: sums, exponentials, what meets a packed weight. Operations of the scalar engine
// take it from here; the kernels of the fast one are compiled for it. Additions, products and rotations of single numbers round to
// binary32 in any arithmetic.

import type { Activation } from "@ll/architectures";

export interface Arithmetic {
  readonly name: string;
  /** A row of activations in the form that meets weights of `type`. */
  pack(type: string, x: Float32Array): Uint8Array;
  /** Σ row · packed, both of one length. */
  dot(type: string, row: Uint8Array, packed: Uint8Array): number;
  /** Σ over i < n of a[start + i] · b[i], where `a` holds bits of binary16 and `b` numbers that binary16 has. */
  dotF16(a: Uint16Array, start: number, b: Float32Array, n: number): number;
  /** Σ over i < n of a[start + i] · b[i]. */
  dotF32(a: Float32Array, start: number, b: Float32Array, n: number): number;
  /** out = x / rms(x) · weight, all of one length; `out` may be `x`. */
  rmsNorm(out: Float32Array, x: Float32Array, weight: Float32Array, eps: number): void;
  /** Softmax of the first `n` scores, in place. */
  softmax(scores: Float32Array, n: number): void;
  /** gate = activation(gate) · up for the first `n`. */
  gate(activation: Activation, gate: Float32Array, up: Float32Array, n: number): void;
}
