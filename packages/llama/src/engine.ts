// What an engine is: it has the weights of a model and keeps, by its number, what each context remembers. engine-model.ts makes a
// `Model` of any of them.

import type { AbortSignal } from "@ll/bytes";
import type { ContextOptions } from "./model.ts";
import type { Slice } from "./ops/op.ts";
import type { Range } from "./team/ranges.ts";

/** What a slice gives: rows whose logits are wanted, part after part. */
export interface SliceResults {
  readonly logits: Float32Array; // (at least nLogitRows, nVocab)
  /** The normalised vectors that they came from. */
  readonly embeddings: Float32Array; // (at least nLogitRows, nEmbd)
}

/** One call at a time, but for the last two. */
export interface Engine {
  /** Most rows of logits of a slice. */
  readonly logitRows: number;
  /** Most tokens of a slice with parts of these contexts. */
  sliceTokens(contexts: readonly number[]): number;
  /**
   * Evaluates a slice, whose parts are of `contexts`; the results are valid until the next call.
   * @throws the signal's reason
   */
  evaluate(contexts: readonly number[], slice: Slice, signal: AbortSignal | undefined): Promise<SliceResults>;
  /** Room for a context with this number. @throws IoError `E_NOMEM`; RangeError for options that this engine does not know */
  createContext(context: number, options: Required<ContextOptions>): Promise<void>;
  /** The KV heads of a layer that are in each part of its keys and values. */
  kvParts(layer: number): readonly Range[];
  /** Each part of the keys and values of a layer: keys (position, own head), then values (own head). */
  readKv(context: number, layer: number, nTokens: number): Promise<readonly Uint8Array[]>;
  writeKv(context: number, layer: number, nTokens: number, parts: readonly Uint8Array[]): Promise<void>;
  /** Copies keys and values of positions, and a copy of the recurrent states, if it is given, to the first copy there. */
  copyPrefix(from: number, to: number, nTokens: number, stateCopy: number | undefined): Promise<void>;
  /** Of each shard, what its `InputCounter` has added up; nothing without one. */
  readInputSums(): Promise<readonly Float64Array[]>;
  disposeContext(context: number): Promise<void>;
  dispose(): Promise<void>;
}
