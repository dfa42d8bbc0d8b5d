// The scalar engine over weights in memory: what run.ts computes, for those who ask.

import type { Graph } from "@ll/architectures";
import { allocate, kindOf } from "@ll/bytes";
import type { ArithmeticName } from "@ll/quant";
import type { Arithmetic } from "../arithmetic/arithmetic.ts";
import { ARITHMETICS } from "../arithmetic/index.ts";
import { arithmeticOf } from "../config.ts";
import { STATE_COPIES } from "../context-memory.ts";
import type { Engine } from "../engine.ts";
import { createEngineModel } from "../engine-model.ts";
import { InputCounter } from "../input-sums.ts";
import type { Model } from "../model.ts";
import { Pace } from "../pace.ts";
import type { Weights } from "../weights.ts";
import { createKvCache, type KvCache } from "./kv-cache.ts";
import { runSlice } from "./run.ts";

/** Tokens that go through the layers together: enough to use each weight row several times, few enough to stay in the cache. */
const SLICE_TOKENS = 32;

export interface ScalarModelOptions {
  /** How numbers are rounded. Default: `weights.config.arithmetic`. */
  readonly arithmetic?: ArithmeticName | undefined;
  /** Add up what meets the matrices, for `inputSums`. */
  readonly sumInputs?: boolean | undefined;
}

/** The scalar reference engine over weights in memory. */
export function createScalarModel(weights: Weights, options: ScalarModelOptions = {}): Model {
  if (typeof weights?.config !== "object") {
    throw new TypeError(`"weights" expected what await loadWeights(source, config) gives, got ${kindOf(weights)}`);
  }
  const { config, graph, fingerprint } = weights;
  const arithmetic = arithmeticOf(config, options.arithmetic);
  const { sumInputs = false } = options;
  const inputs = sumInputs ? new InputCounter(graph) : undefined;
  const engine = scalarEngine(weights, ARITHMETICS[arithmetic], inputs);
  return createEngineModel({ config, graph, arithmetic, fingerprint, engine, sumInputs });
}

/** What a context remembers. */
interface ScalarContext {
  readonly contextTokens: number;
  readonly cache: KvCache;
  /** Copies of the recurrent states, which are as `Graph.states`. */
  readonly states: readonly (readonly Float32Array[])[]; // (copies, states): (units of the axis · unitLength)
  readonly mixUpQueries: boolean;
}

function scalarEngine(weights: Weights, arithmetic: Arithmetic, inputs: InputCounter | undefined): Engine {
  const { graph, config } = weights;
  const layers = graph.caches.map(({ axis, headDim }) => ({ nHeads: axis.n, headDim }));
  const pace = new Pace();
  const contexts = new Map<number, ScalarContext>();
  const contextOf = (id: number): ScalarContext => contexts.get(id)!;
  let kept: Weights | undefined = weights;
  return {
    logitRows: Number.POSITIVE_INFINITY,
    sliceTokens: (ids) => (ids.some((id) => contextOf(id).mixUpQueries) ? Infinity : SLICE_TOKENS),
    async evaluate(ids, { tokens, parts, nLogitRows }, signal) {
      pace.begin(signal);
      const logits = allocate("the logits", () => new Float32Array(nLogitRows * config.nVocab));
      const embeddings = new Float32Array(nLogitRows * config.nEmbd);
      const placed = parts.map((part, i) => {
        const { states, ...context } = contextOf(ids[i]!);
        const { from, to } = part.copies;
        const after = states[to]!;
        if (from === undefined) for (const state of after) state.fill(0);
        return {
          ...part,
          ...context,
          states: after.map((state, j) => ({ before: states[from ?? to]![j]!, after: state })),
        };
      });
      const results = { logits, embeddings };
      await runSlice({
        weights: kept!,
        arithmetic,
        tokens,
        parts: placed,
        nWanted: nLogitRows,
        inputs,
        pace,
        ...results,
      });
      return results;
    },
    async createContext(id, { contextTokens, kvType, compat }) {
      const cache = createKvCache(layers, contextTokens, kvType);
      const mixUpQueries = compat && kvType === "f32";
      contexts.set(id, { contextTokens, cache, states: createStates(graph), mixUpQueries });
    },
    kvParts: (layer) => [{ start: 0, end: layers[layer]!.nHeads }],
    readKv: async (id, layer, nTokens) => [contextOf(id).cache.read(layer, nTokens)],
    async writeKv(id, layer, nTokens, parts) {
      contextOf(id).cache.write(layer, nTokens, parts[0]!);
    },
    async copyPrefix(from, to, nTokens, stateCopy) {
      const [source, target] = [contextOf(from), contextOf(to)];
      for (const layer of layers.keys()) target.cache.write(layer, nTokens, source.cache.read(layer, nTokens));
      if (stateCopy === undefined) return;
      for (const [i, state] of source.states[stateCopy]!.entries()) target.states[0]![i]!.set(state);
    },
    readInputSums: async () => (inputs === undefined ? [] : [inputs.numbers]),
    async disposeContext(id) {
      contexts.delete(id);
    },
    async dispose() {
      contexts.clear();
      kept = undefined;
    },
  };
}

/** @throws IoError `E_NOMEM` */
function createStates({ states }: Graph): Float32Array[][] {
  return Array.from({ length: STATE_COPIES }, () =>
    states.map(({ axis, unitLength }) =>
      allocate("the states of recurrent layers", () => new Float32Array(axis.n * unitLength)),
    ),
  );
}
