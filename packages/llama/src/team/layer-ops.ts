// What a shard computes besides matrix products. Pointers are byte offsets in the shard's memory.

import type { KvType } from "../kv-cache.ts";

export interface LayerOps {
  /** x = x / rms(x) · weight, for each row of (n, nEmbd). */
  rmsNorm(x: number, weight: number, n: number): void;
  /** Works out the RoPE angles of `n` positions from `first`. */
  setPositions(first: number, n: number): void;
  /** Rotates (n, nHeads, headDim) by the angles of the positions. */
  rope(x: number, n: number, nHeads: number): void;
  /** gate = silu(gate) · up for `length` values. */
  swiglu(gate: number, up: number, length: number): void;
  /** x = x + y for `length` values. */
  add(x: number, y: number, length: number): void;
  /** @throws MemoryError */
  createCache(contextTokens: number, kvType: KvType): ShardCache;
}

/** Keys and values of the shard's heads, for one context. */
export interface ShardCache {
  /** Stores rotated keys and values, (n, own key heads, headDim) each, of positions from `position`. */
  store(layer: number, position: number, k: number, v: number, n: number): void;
  /** out = attention of `n` queries from `position` over all positions up to their own; q and out: (n, own heads, headDim). */
  attend(out: number, q: number, layer: number, position: number, n: number): Generator<"piece", void, void>;
  /** Keys (position, own channel), then values (own channel, position), of one layer. */
  read(layer: number, nTokens: number): Uint8Array<ArrayBuffer>;
  /** The inverse of `read`. */
  write(layer: number, nTokens: number, bytes: Uint8Array): void;
  dispose(): void;
}
