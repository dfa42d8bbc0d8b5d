// The arguments of the call of an attention kernel that is being worked on; a dozen parameters of every function otherwise.
//
// A row is one query head of one position. It sees `window` positions up to its own.

import { tanh } from "./functions";

export let kvHead: usize = 0, kvValues: usize = 0, queries: usize = 0, outputs: usize = 0;
export let nPast: i32 = 0, group: i32 = 0, headDim: i32 = 0;
/** On products of queries and keys. */
export let scale: f32 = 0;
/** Scores are held below it; 0: they are not. */
export let softCap: f32 = 0;

let queryStride: i32 = 0, outputStride: i32 = 0, window: i32 = 0, sinks: usize = 0;

export function setCall(
  head: usize, values: usize, q: usize, out: usize, past: i32, heads: i32, dim: i32, qStride: i32, outStride: i32,
  factor: f32, nSeen: i32, cap: f32, sinkScores: usize,
): void {
  kvHead = head;
  kvValues = values;
  queries = q;
  outputs = out;
  nPast = past;
  group = heads;
  headDim = dim;
  queryStride = qStride;
  outputStride = outStride;
  scale = factor;
  window = nSeen;
  softCap = cap;
  sinks = sinkScores;
}

// @ts-ignore: decorator
@inline
export function queryOf(row: i32): usize {
  return queries + ((<usize>(row / group) * <usize>queryStride + <usize>(row % group * headDim)) << 2);
}

// @ts-ignore: decorator
@inline
export function outputOf(row: i32): usize {
  return outputs + ((<usize>(row / group) * <usize>outputStride + <usize>(row % group * headDim)) << 2);
}

/** The position behind the last that a row sees. */
// @ts-ignore: decorator
@inline
export function endOf(row: i32): i32 {
  return nPast + row / group + 1;
}

/** The first position that a row sees. */
// @ts-ignore: decorator
@inline
export function startOf(row: i32): i32 {
  return max(0, endOf(row) - window);
}

// @ts-ignore: decorator
@inline
export function hasSinks(): bool {
  return sinks != 0;
}

/** The score of the row's sink; -infinity if there is none. */
// @ts-ignore: decorator
@inline
export function sinkOf(row: i32): f32 {
  return sinks == 0 ? -Infinity : load<f32>(sinks + (<usize>(row % group) << 2));
}

/** `n` products of queries and keys, a multiple of 4, become scores. */
export function score(products: usize, n: i32): void {
  const scales = f32x4.splat(scale), caps = f32x4.splat(softCap);
  for (const end = products + (<usize>n << 2); products != end; products += 16) {
    const scores = f32x4.mul(v128.load(products), scales);
    v128.store(products, softCap == 0 ? scores : f32x4.mul(caps, tanh(f32x4.div(scores, caps))));
  }
}
