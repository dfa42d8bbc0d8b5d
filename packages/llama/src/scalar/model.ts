// `Model` and `Context` over weights in memory: what the scalar engine computes, for those who ask.

import { allocate, kindOf } from "@ll/bytes";
import type { ArithmeticName } from "@ll/quant";
import type { Arithmetic } from "../arithmetic/arithmetic.ts";
import { ARITHMETICS } from "../arithmetic/index.ts";
import { arithmeticOf } from "../config.ts";
import { assertNoState, NO_STATES, recurrentMemory } from "../context-memory.ts";
import { contextFingerprint } from "../fingerprint.ts";
import {
  assertIndex,
  type Context,
  type ContextOptions,
  checkedContextOptions,
  checkedTokens,
  type Model,
} from "../model.ts";
import { Pace } from "../pace.ts";
import type { Weights } from "../weights.ts";
import { createKvCache } from "./kv-cache.ts";
import { runSlice } from "./run.ts";
import { createStates } from "./states.ts";

/** Tokens that go through the layers together: enough to use each weight row several times, few enough to stay in the cache. */
const SLICE_TOKENS = 32;

export interface ScalarModelOptions {
  /** How numbers are rounded. Default: `weights.config.arithmetic`. */
  readonly arithmetic?: ArithmeticName | undefined;
}

/** The scalar reference engine over weights in memory. */
export function createScalarModel(weights: Weights, options: ScalarModelOptions = {}): Model {
  if (typeof weights?.config !== "object") {
    throw new TypeError(`"weights" expected what await loadWeights(source, config) gives, got ${kindOf(weights)}`);
  }
  const arithmetic = arithmeticOf(weights.config, options.arithmetic);
  let kept: Weights | undefined = weights;
  function held(): Weights {
    if (kept === undefined) throw new Error("the model was disposed of");
    return kept;
  }
  return {
    config: weights.config,
    fingerprint: weights.fingerprint,
    arithmetic,
    async createContext(options = {}) {
      return createScalarContext(held, held(), ARITHMETICS[arithmetic], options);
    },
    async dispose() {
      kept = undefined;
    },
  };
}

/** @param modelWeights throws once the model is disposed of */
function createScalarContext(
  modelWeights: () => Weights,
  { config, fingerprint }: Weights,
  arithmetic: Arithmetic,
  options: ContextOptions,
): Context {
  const { contextTokens, kvType, compat } = checkedContextOptions(options);
  const { nEmbd, nVocab } = config;
  const mixUpQueries = compat && kvType === "f32";
  const pace = new Pace();
  const embedding = new Float32Array(nEmbd); // (nEmbd)
  const { graph } = modelWeights();
  const kvDims = graph.caches.map(({ axis, headDim }) => axis.n * headDim); // (layers)
  let cache = createKvCache(kvDims, contextTokens, kvType);
  let states = createStates(graph.states);
  const recurrent = recurrentMemory(graph);
  const memory = recurrent ?? ({ kind: "positions" } as const);
  let busy = false;
  let disposed = false;

  function held(): Weights {
    if (disposed) throw new Error("this context was disposed of");
    return modelWeights();
  }

  async function evaluate(tokens: Int32Array, nPast: number, wanted: "last" | "all"): Promise<Float32Array> {
    const n = tokens.length;
    const sliceTokens = mixUpQueries ? n : Math.min(n, SLICE_TOKENS);
    const logits = allocate("the logits", () => new Float32Array(wanted === "all" ? n * nVocab : nVocab)); // (n, nVocab) or (nVocab)
    const copies = recurrent?.begin(nPast) ?? NO_STATES;
    for (let first = 0; first < n; first += sliceTokens) {
      const slice = tokens.subarray(first, first + sliceTokens);
      await runSlice({
        weights: held(),
        arithmetic,
        tokens: slice,
        position: nPast + first,
        nWanted: wanted === "all" ? slice.length : first + slice.length < n ? 0 : 1,
        cache,
        contextTokens,
        states: states(first === 0 ? copies : { ...copies, from: copies.to }),
        pace,
        mixUpQueries,
        logits: wanted === "all" ? logits.subarray(first * nVocab) : logits,
        embedding,
      });
    }
    recurrent?.end(copies, nPast + n);
    return logits;
  }

  return {
    config,
    fingerprint: contextFingerprint(fingerprint, graph, contextTokens),
    arithmetic: arithmetic.name,
    contextTokens,
    kvType,
    memory,
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
      assertNoState(memory);
      return cache.read(assertIndex("nTokens", nTokens, 0, contextTokens));
    },
    async writeKv(bytes, nTokens) {
      held();
      assertNoState(memory);
      cache.write(bytes, assertIndex("nTokens", nTokens, 0, contextTokens));
    },
    async dispose() {
      disposed = true;
      cache = createKvCache(kvDims, 0, kvType);
      states = createStates([]);
    },
  };
}
