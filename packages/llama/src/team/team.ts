// A team holds the weights of a model in shards and evaluates slices of tokens. One with a single thread does so where it was
// made, one with more in workers.

import type { TensorSource } from "@ll/bytes";
import type { StatesCopied } from "../context-memory.ts";
import type { KvTypes } from "../kv-type.ts";
import type { Slice } from "../ops/op.ts";
import type { Exchange } from "./exchange.ts";
import type { TeamPlan } from "./planner.ts";

export interface Team {
  readonly plan: TeamPlan;
  /** Where the results of `evaluate` are, until the next call. */
  readonly exchange: Exchange;
  /** @returns the number of blocks with a scale that is infinite or NaN, after which loading was not finished */
  load(source: TensorSource, options: TeamLoadOptions): Promise<number>;
  /** One call at a time. @param contexts of the slice's parts @throws the signal's reason */
  evaluate(contexts: readonly number[], slice: Slice, signal: AbortSignal | undefined): Promise<void>;
  /** Caches for the context with this number in all shards. @throws MemoryError */
  createContext(context: number, contextTokens: number, kvType: KvTypes): Promise<void>;
  /** For each shard: keys (position, own channel), then values (own channel, position), of one layer. */
  readKv(context: number, layer: number, nTokens: number): Promise<Uint8Array[]>;
  writeKv(context: number, layer: number, nTokens: number, parts: readonly Uint8Array<ArrayBuffer>[]): Promise<void>;
  copyPrefix(from: number, to: number, nTokens: number, states: StatesCopied | undefined): Promise<void>;
  /** Of each shard, what its `InputCounter` has added up; nothing without one. */
  readInputSums(): Promise<Float64Array[]>;
  disposeContext(context: number): Promise<void>;
  dispose(): Promise<void>;
}

export interface TeamLoadOptions {
  /** Called with the number of bytes loaded since the last call. */
  readonly onProgress: (bytes: number) => void;
  readonly signal: AbortSignal | undefined;
}
