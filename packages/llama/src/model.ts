// The seam for engines. `Model` holds weights, `Context` one KV cache over them; everything between is asynchronous, so that
// an engine may keep weights in the memories of workers. `createScalarModel` is the readable engine, the twin of all others.

import type { AbortSignal } from "@ll/bytes";
import { createActivations, rowOf } from "./activations.ts";
import type { ModelConfig } from "./config.ts";
import { ContextOverflowError } from "./errors.ts";
import { type ForwardState, forward, logitsOf } from "./forward.ts";
import { createKvCache, type KvType } from "./kv-cache.ts";
import { Pace } from "./pace.ts";
import type { Weights } from "./weights.ts";

export interface Model {
  readonly config: ModelConfig;
  /** Several contexts share one model's weights and may be evaluated in turns or at the same time. */
  createContext(options?: ContextOptions): Promise<Context>;
  /** Gives up the weights; contexts over them can no longer be used. */
  dispose(): Promise<void>;
}

export interface ContextOptions {
  /** Positions of the KV cache; default 512. */
  readonly contextTokens?: number;
  /** Precision of the KV cache; default "f16". */
  readonly kvType?: KvType;
  /**
   * Repeats an error of build 803: with an f32 cache, an evaluation of n > 1 tokens gives head h of its i-th token the query
   * vector number h·n + i of the flat list of vectors instead of i·nHeads + h. Results then depend on how a prompt is cut.
   */
  readonly compat?: boolean;
}

export interface EvaluateOptions {
  /** Whose logits to return: of the last token (default) or of all. */
  readonly logits?: "last" | "all";
  readonly signal?: AbortSignal;
}

export interface Context {
  readonly config: ModelConfig;
  readonly contextTokens: number;
  readonly kvType: KvType;
  /**
   * Evaluates `tokens` (n ≥ 1) at positions nPast … nPast + n − 1, overwriting what the cache holds there. Returns a fresh
   * array, (nVocab) or with `logits: "all"` (n, nVocab). One evaluation at a time; the result does not depend on how a
   * sequence is cut into evaluations. After an abort or an error the cache is good for the first nPast positions.
   * @throws ContextOverflowError if nPast + n > contextTokens; RangeError for an id that is not in the vocabulary; the
   * signal's reason, soon after it is aborted.
   */
  evaluate(tokens: ArrayLike<number>, nPast: number, options?: EvaluateOptions): Promise<Float32Array>;
  /** The normalised vector, (nEmbd), from which the last logits of the latest evaluation were taken. Zeros before the first. */
  readEmbedding(): Promise<Float32Array>;
  /** Keys (layer, position, channel), then values (layer, channel, position), of the first `nTokens` positions. */
  readKv(nTokens: number): Promise<Uint8Array>;
  /** Takes what `readKv` of a context of the same shape gave. @throws RangeError for another number of bytes. */
  writeKv(bytes: Uint8Array, nTokens: number): Promise<void>;
  dispose(): Promise<void>;
}

/** Tokens that go through the layers together: enough to use each weight row several times, few enough to stay in the cache. */
const SLICE_TOKENS = 32;

/** The scalar reference engine over weights in memory. */
export function createScalarModel(weights: Weights): Model {
  let kept: Weights | undefined = weights;
  function held(): Weights {
    if (kept === undefined) throw new Error("the model was disposed of");
    return kept;
  }
  return {
    config: weights.config,
    async createContext(options = {}) {
      return createScalarContext(held, held().config, options);
    },
    async dispose() {
      kept = undefined;
    },
  };
}

/** @param modelWeights throws once the model is disposed of */
function createScalarContext(modelWeights: () => Weights, config: ModelConfig, options: ContextOptions): Context {
  const { contextTokens, kvType, compat } = checkedContextOptions(options);
  const { nEmbd, nVocab } = config;
  const mixUpQueries = compat && kvType === "f32";
  const pace = new Pace();
  const embedding = new Float32Array(nEmbd); // (nEmbd)
  let cache = createKvCache(config, contextTokens, kvType);
  let activations = createActivations(config, contextTokens, 1);
  let busy = false;
  let disposed = false;

  function held(): Weights {
    if (disposed) throw new Error("this context was disposed of");
    return modelWeights();
  }

  async function evaluate(tokens: Int32Array, nPast: number, wanted: "last" | "all"): Promise<Float32Array> {
    const n = tokens.length;
    const sliceTokens = mixUpQueries ? n : Math.min(n, SLICE_TOKENS);
    if (activations.nRows < sliceTokens) activations = createActivations(config, contextTokens, sliceTokens);
    const logits = new Float32Array(wanted === "all" ? n * nVocab : nVocab); // (n, nVocab) or (nVocab)

    for (let first = 0; first < n; first += sliceTokens) {
      const state: ForwardState = { weights: held(), cache, activations, pace, mixUpQueries };
      const slice = tokens.subarray(first, first + sliceTokens);
      await forward(state, slice, nPast + first);
      if (wanted === "last" && first + slice.length < n) continue;
      const firstRow = wanted === "all" ? 0 : slice.length - 1;
      const nRows = slice.length - firstRow;
      await logitsOf(wanted === "all" ? logits.subarray(first * nVocab) : logits, state, firstRow, nRows);
      embedding.set(rowOf(state.activations.xb, nRows - 1, nEmbd));
    }
    return logits;
  }

  return {
    config,
    contextTokens,
    kvType,
    async evaluate(tokens, nPast, { logits = "last", signal } = {}) {
      const ids = checkedTokens(tokens, nPast, nVocab, contextTokens);
      if (busy) throw new Error("this context is busy: await the evaluation under way first");
      held();
      pace.begin(signal);
      busy = true;
      try {
        return await evaluate(ids, nPast, logits);
      } finally {
        busy = false;
      }
    },
    async readEmbedding() {
      return embedding.slice();
    },
    async readKv(nTokens) {
      held();
      return cache.read(assertIndex("nTokens", nTokens, 0, contextTokens));
    },
    async writeKv(bytes, nTokens) {
      held();
      cache.write(bytes, assertIndex("nTokens", nTokens, 0, contextTokens));
    },
    async dispose() {
      disposed = true;
      cache = createKvCache(config, 0, kvType);
      activations = createActivations(config, 0, 0);
    },
  };
}

/** Options with nothing left out. @throws RangeError, TypeError */
export function checkedContextOptions(options: ContextOptions): Required<ContextOptions> {
  const { contextTokens = 512, kvType = "f16", compat = false } = options;
  assertIndex("contextTokens", contextTokens, 1, 0x7fffffff);
  if (kvType !== "f16" && kvType !== "f32") throw new TypeError(`"kvType" expected f16 or f32, got ${String(kvType)}`);
  return { contextTokens, kvType, compat };
}

/** A copy of `tokens`, which are to go to positions from `nPast` on. @throws RangeError, ContextOverflowError */
export function checkedTokens(
  tokens: ArrayLike<number>,
  nPast: number,
  nVocab: number,
  contextTokens: number,
): Int32Array {
  const n = tokens.length;
  if (n === 0) throw new RangeError(`"tokens" expected at least one id, got none`);
  const ids = Int32Array.from(tokens, (id, i) => assertIndex(`tokens[${i}]`, id, 0, nVocab - 1)); // (n)
  assertIndex("nPast", nPast, 0, contextTokens);
  if (nPast + n > contextTokens) throw new ContextOverflowError(nPast, n, contextTokens);
  return ids;
}

export function assertIndex(name: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`"${name}" expected an integer from ${min} to ${max}, got ${value}`);
  }
  return value;
}
