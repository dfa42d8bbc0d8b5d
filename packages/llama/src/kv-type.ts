// How precisely a context keeps keys and values, and what that takes.

import type { ModelConfig } from "./config.ts";
import { graphOf } from "./model-graph.ts";

/** `q8_0`: whole numbers of 8 bits with a scale for each 32 channels (arithmetic/levels.ts). */
export type KvType = "f16" | "f32" | "q8_0";

/** That of keys and of values, or of both. */
export type KvTypes = KvType | { readonly k: KvType; readonly v: KvType };

export const KV_TYPES: readonly KvType[] = ["f16", "f32", "q8_0"];

/** One way to say each: a name if both are of one type. @throws TypeError */
export function checkedKvTypes(kvType: KvTypes): KvTypes {
  const both = keysAndValues(kvType);
  return both.k === both.v ? both.k : both;
}

/** @throws TypeError */
export function keysAndValues(kvType: KvTypes): { readonly k: KvType; readonly v: KvType } {
  const { k, v } = typeof kvType === "object" && kvType !== null ? kvType : { k: kvType, v: kvType };
  for (const type of [k, v]) {
    if (!KV_TYPES.includes(type)) throw new TypeError(`"kvType" expected f16, f32 or q8_0, got ${String(type)}`);
  }
  return { k, v };
}

/** One name for each choice: that of both, or "k/v". */
export function kvTypeName(kvType: KvTypes): string {
  const { k, v } = keysAndValues(kvType);
  return k === v ? k : `${k}/${v}`;
}

/** Whether build 803 knew caches like this one. All others are computed with as `lanes` does, in any arithmetic. */
export function isOfBuild803(kvType: KvTypes): boolean {
  const { k, v } = keysAndValues(kvType);
  return k === v && k !== "q8_0";
}

/** Channels of a block of q8_0; a last block may have fewer. */
export const BLOCK_CHANNELS = 32;

/** Bytes of a head's key, or value, of one position. */
export function kvRowBytes(type: KvType, headDim: number): number {
  return type === "q8_0" ? headDim + 2 * Math.ceil(headDim / BLOCK_CHANNELS) : headDim * (type === "f16" ? 2 : 4);
}

/** Bytes of the keys and values of `nTokens` positions in all layers. */
export function kvCacheBytes(config: ModelConfig, nTokens: number, kvType: KvTypes): number {
  const { k, v } = keysAndValues(kvType);
  const ofHead = (headDim: number): number => kvRowBytes(k, headDim) + kvRowBytes(v, headDim);
  return nTokens * graphOf(config).caches.reduce((sum, { axis, headDim }) => sum + axis.n * ofHead(headDim), 0);
}
