// How precisely a context keeps keys and values, and what that takes.

import type { ModelConfig } from "./config.ts";
import { graphOf } from "./model-graph.ts";

export type KvType = "f16" | "f32";

export function kvElementBytes(kvType: KvType): number {
  return kvType === "f16" ? 2 : 4;
}

/** Bytes of the keys and values of `nTokens` positions in all layers. */
export function kvCacheBytes(config: ModelConfig, nTokens: number, kvType: KvType): number {
  const kvDim = graphOf(config).caches.reduce((sum, { axis, headDim }) => sum + axis.n * headDim, 0);
  return 2 * kvDim * nTokens * kvElementBytes(kvType);
}
