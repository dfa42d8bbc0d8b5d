// Causal self-attention of one position (Vaswani et al., arXiv:1706.03762) over the cache, head by head.

import { derivedSizes, type ModelConfig } from "./config.ts";
import type { KvCache } from "./kv-cache.ts";
import { softmax } from "./ops.ts";

/** 1/√headDim, rounded to f32 after the root and the reciprocal. */
export function attentionScale(headDim: number): number {
  return Math.fround(1 / Math.fround(Math.sqrt(headDim)));
}

/** Where the query vectors of one position lie: head h has the `first + h · step`-th vector of `queries`. */
export interface QueryRows {
  readonly queries: Float32Array; // (vectors, headDim), rotated and rounded to the cache's precision
  readonly first: number;
  readonly step: number;
}

/**
 * out = for each query head, the values of positions 0…position weighted by softmax(query · key / √headDim).
 * Query heads that share a key and value head are neighbours (grouped-query attention, arXiv:2305.13245).
 */
export function attend(
  out: Float32Array, // (nHeads, headDim)
  rows: QueryRows,
  cache: KvCache,
  layer: number,
  position: number,
  config: ModelConfig,
  scores: Float32Array, // (at least position + 1): scratch
): void {
  const { headDim, headsPerKvHead } = derivedSizes(config);
  const scale = attentionScale(headDim);
  const nVisible = position + 1;
  for (let head = 0; head < config.nHeads; head++) {
    const vector = rows.first + head * rows.step;
    const query = rows.queries.subarray(vector * headDim, (vector + 1) * headDim); // (headDim)
    const channel = Math.floor(head / headsPerKvHead) * headDim; // first channel of the key and value head

    for (let t = 0; t < nVisible; t++) scores[t] = cache.keyDot(layer, t, channel, query) * scale;
    softmax(scores, nVisible);

    cache.round(scores, nVisible);
    for (let i = 0; i < headDim; i++) out[head * headDim + i] = cache.valueDot(layer, channel + i, scores, nVisible);
  }
}
