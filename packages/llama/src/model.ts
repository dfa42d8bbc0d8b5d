// The seam for engines. `Model` holds weights, `Context` one KV cache over them; everything between is asynchronous, so that
// an engine may keep weights in the memories of workers. `createScalarModel` makes the readable engine, the twin of all others.

import { type AbortSignal, kindOf } from "@ll/bytes";
import type { ArithmeticName } from "@ll/quant";
import type { ModelConfig } from "./config.ts";
import { ContextOverflowError } from "./errors.ts";
import { checkedKvTypes, type KvTypes } from "./kv-type.ts";

export interface Model {
  readonly config: ModelConfig;
  /** Differs for other weights: types, sizes and some bytes of every tensor. undefined for an engine that does not know. */
  readonly fingerprint?: bigint | undefined;
  /** How numbers are rounded: docs/numbers.md. */
  readonly arithmetic: ArithmeticName;
  /** Several contexts share one model's weights and may be evaluated in turns or at the same time. */
  createContext(options?: ContextOptions): Promise<Context>;
  /**
   * Evaluates tokens of several contexts of this model together, so that weights are read once for all of them: prompts and single
   * tokens in any mixture, each to the bit as `evaluate` of its context alone would. Contexts come and go between batches.
   *
   * @returns logits of each item: (0), (nVocab) or (n, nVocab)
   * @throws BatchItemError before anything is computed, if an item is not in order: another batch without it can follow; the signal's
   * reason, and every context can go on from its nPast
   * @example const [a, b] = await model.evaluateBatch([{ context: one, tokens: [id], nPast: 9 }, { context: two, tokens: prompt, nPast: 0 }]);
   */
  evaluateBatch(items: readonly BatchItem[], options?: Pick<EvaluateOptions, "signal">): Promise<Float32Array[]>;
  /** Passes through the layers until now. Each reads all weights once, for up to some 100 tokens. */
  nPasses(): number;
  /**
   * Of a model that was loaded with `sumInputs`: what met its matrices in all evaluations until now, by the names of tensors in GGUF files. Of
   * an evaluation that was left, whatever was computed counts.
   */
  readonly inputSums?: (() => Promise<ReadonlyMap<string, InputSums>>) | undefined;
  /** Gives up the weights; contexts over them can no longer be used. */
  dispose(): Promise<void>;
}

/** What met the matrix of a tensor, or those of its experts. */
export interface InputSums {
  /** Σ x² of each column, over the rows that met the matrix. */
  readonly squares: Float64Array; // (nMatrices, nColumns)
  /** Those rows: one a token, of an expert the tokens that were sent to it. */
  readonly counts: Float64Array; // (nMatrices)
}

/** Where an evaluation may go on. */
export type ContextMemory =
  /** Any position that was evaluated. */
  | { readonly kind: "positions" }
  /** Only these positions: 0, where the latest evaluation began and ended, and where a few before it did. */
  | { readonly kind: "recurrent"; readonly positions: readonly number[] };

export interface ContextOptions {
  /** Positions of the KV cache; default 512. */
  readonly contextTokens?: number;
  /** Precision of the KV cache, or of keys and of values; default "f16". */
  readonly kvType?: KvTypes;
  /**
   * Repeats an error of build 803: with an f32 cache, an evaluation of n > 1 tokens gives head h of its i-th token the query
   * vector number h·n + i of the flat list of vectors instead of i·nHeads + h. Results then depend on how a prompt is cut.
   */
  readonly compat?: boolean;
}

export interface EvaluateOptions {
  /** Whose logits to return: of the last token (default) or of all. */
  readonly logits?: "last" | "all";
  readonly signal?: AbortSignal | undefined;
}

/** What a batch does in one context, which may be in it once. */
export interface BatchItem {
  readonly context: Context;
  readonly tokens: ArrayLike<number>; // (n), n ≥ 1
  /** Position of the first. */
  readonly nPast: number;
  /** Whose logits to return: of no token, of the last (default) or of all. */
  readonly logits?: "none" | "last" | "all";
}

export interface Context {
  readonly config: ModelConfig;
  /** That of the model, or another where the context's size decides how keys are made. Session files have it. */
  readonly fingerprint?: bigint | undefined;
  /** That of the model. */
  readonly arithmetic: ArithmeticName;
  readonly contextTokens: number;
  /** A name, unless keys and values are of two types. */
  readonly kvType: KvTypes;
  /** Where evaluations may go on: anywhere, or, for a recurrent model, at few positions. A live view. */
  readonly memory: ContextMemory;
  /** True if results depend on how a sequence is cut into evaluations, as with `compat` and an f32 cache. */
  readonly isCutVisible?: boolean;
  /**
   * Evaluates `tokens` (n ≥ 1) at positions nPast … nPast + n − 1, overwriting what the cache holds there. Returns a fresh
   * array, (nVocab) or with `logits: "all"` (n, nVocab). One evaluation at a time; the result does not depend on how a
   * sequence is cut into evaluations. After an abort or an error the cache is good for the first nPast positions.
   * @throws ContextOverflowError if nPast + n > contextTokens; StatePositionError if `memory` is recurrent and cannot go on at nPast;
   * RangeError for an id that is not in the vocabulary; the signal's reason, soon after it is aborted.
   */
  evaluate(tokens: ArrayLike<number>, nPast: number, options?: EvaluateOptions): Promise<Float32Array>;
  /** The normalised vector, (nEmbd), from which the last logits of the latest evaluation were taken. Zeros before the first. */
  readEmbedding(): Promise<Float32Array>;
  /**
   * Keys (layer, position, channel), then values (layer, channel, position), of the first `nTokens` positions. In q8_0 a head's key or
   * value of a position is a row of blocks, binary16 scale and levels, each of 32 channels: (layer, position, head), and (layer, head,
   * position) for values.
   * @throws SessionError `E_SESSION_RECURRENT` if `memory` is recurrent: it is more than keys and values
   */
  readKv(nTokens: number): Promise<Uint8Array>;
  /** Takes what `readKv` of a context of the same shape and fingerprint gave. @throws as `readKv`; RangeError for another number of bytes. */
  writeKv(bytes: Uint8Array, nTokens: number): Promise<void>;
  /**
   * Makes this context what it would be if it had evaluated the first `nTokens` tokens of `from`, a context of the same model. `from` may
   * be in an evaluation that began at `nTokens` or behind.
   * @throws TypeError if it is of another model or `kvType`, or has other factors of RoPE; StatePositionError if the model is recurrent and `from` has no state at
   * `nTokens`; RangeError if one of them has not so many positions
   */
  copyPrefix(from: Context, nTokens: number): Promise<void>;
  dispose(): Promise<void>;
}

/** Options with nothing left out. @throws RangeError, TypeError */
export function checkedContextOptions(options: ContextOptions): Required<ContextOptions> {
  const { contextTokens = 512, kvType = "f16", compat = false } = options;
  assertIndex("contextTokens", contextTokens, 1);
  return { contextTokens, kvType: checkedKvTypes(kvType), compat };
}

/** A copy of `tokens`, which are to go to positions from `nPast` on. @throws RangeError, ContextOverflowError */
export function checkedTokens(
  tokens: ArrayLike<number>,
  nPast: number,
  nVocab: number,
  contextTokens: number,
): Int32Array {
  const n = tokens?.length;
  if (!(n > 0)) throw new RangeError(`"tokens" expected at least one id, got ${n === 0 ? "none" : kindOf(tokens)}`);
  assertIndex("nPast", nPast, 0, contextTokens);
  if (nPast + n > contextTokens) throw new ContextOverflowError(nPast, n, contextTokens);
  return Int32Array.from(tokens, (id, i) => assertIndex(`tokens[${i}]`, id, 0, nVocab - 1)); // (n)
}

/** @throws RangeError */
export function assertIndex(name: string, value: number, min: number, max = 0x7fffffff): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(
      `"${name}" expected an integer from ${min} to ${max}, got ${typeof value === "number" ? value : kindOf(value)}`,
    );
  }
  return value;
}
