// How numbers are rounded where that is a choice: sums, exponentials, what meets a packed weight. Operations of the scalar engine
// take it from here; the kernels of the fast one are compiled for it. Additions, products and rotations of single numbers round to
// binary32 in any arithmetic.

import type { Activation } from "@ll/architectures";
import type { ArithmeticName } from "@ll/quant";
import type { Levels } from "./levels.ts";

export interface Arithmetic {
  readonly name: ArithmeticName;
  /** A row of activations in the form that meets weights of `type`. */
  pack(type: string, x: Float32Array): Uint8Array;
  /** Σ row · packed, both of one length. */
  dot(type: string, row: Uint8Array, packed: Uint8Array): number;
  /** out = x / rms(x) · weight, all of one length; `out` may be `x`. */
  rmsNorm(out: Float32Array, x: Float32Array, weight: Float32Array, eps: number): void;
  /** out = the values of a head at the positions seen, weighted by the softmax of their scores. out, query: (headDim). */
  attend(out: Float32Array, query: Float32Array, head: CachedHead, scores: Scores): void;
  /** gate = activation(gate) · up for the first `n`. */
  gate(activation: Activation, gate: Float32Array, up: Float32Array, n: number): void;
}

/** What a query sees of a head, and how its scores are made. */
export interface Scores {
  /** The first position that is seen. */
  readonly first: number;
  /** The one behind the last. */
  readonly end: number;
  /** On the product of query and key. */
  readonly scale: number;
  /** Then a score becomes softCap · tanh(score / softCap). */
  readonly softCap?: number | undefined;
  /** One more score, which has no value. */
  readonly sink?: number | undefined;
}

/** Keys and values of one head, as the cache gives them back. */
export interface CachedHead {
  /** into = the key at `position`. into: (headDim). */
  readKey(position: number, into: Float32Array): void;
  /** into = channel `i` of the values at positions `first`, `first + 1` …. into: as many as are wanted. */
  readValues(i: number, first: number, into: Float32Array): void;
  /** Rounds numbers to the precision of the cache, in place. */
  round(x: Float32Array): void;
  /** The key at `position` in a cache of whole numbers, instead of `readKey`. */
  readonly keyLevels?: ((position: number) => readonly Levels[]) | undefined;
  /** The value likewise. */
  readonly valueLevels?: ((position: number) => readonly Levels[]) | undefined;
}
