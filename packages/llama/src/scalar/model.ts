// `Model` and `Context` over weights in memory: what the scalar engine computes, for those who ask.

import { allocate, kindOf } from "@ll/bytes";
import type { ArithmeticName } from "@ll/quant";
import type { Arithmetic } from "../arithmetic/arithmetic.ts";
import { ARITHMETICS } from "../arithmetic/index.ts";
import { Batches, type BatchMember } from "../batch.ts";
import { arithmeticOf } from "../config.ts";
import { assertNoState, recurrentMemory, type StateCopies } from "../context-memory.ts";
import { contextFingerprint } from "../fingerprint.ts";
import { InputCounter, joinInputSums } from "../input-sums.ts";
import { assertIndex, type Context, type ContextOptions, checkedContextOptions, type Model } from "../model.ts";
import { Pace } from "../pace.ts";
import type { Weights } from "../weights.ts";
import { createKvCache, type KvCache } from "./kv-cache.ts";
import { runSlice } from "./run.ts";
import { createStates, type ScalarState } from "./states.ts";

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
  const arithmetic = arithmeticOf(weights.config, options.arithmetic);
  let kept: Weights | undefined = weights;
  function held(): Weights {
    if (kept === undefined) throw new Error("the model was disposed of");
    return kept;
  }
  const { graph } = weights;
  const inputs = options.sumInputs === true ? new InputCounter(graph) : undefined;
  const batches = scalarBatches(held, ARITHMETICS[arithmetic], inputs);
  return {
    config: weights.config,
    fingerprint: weights.fingerprint,
    arithmetic,
    async createContext(options = {}) {
      return createScalarContext(held, held(), arithmetic, batches, options);
    },
    evaluateBatch: (items, { signal } = {}) => batches.evaluate(items, signal),
    nPasses: () => batches.nPasses,
    inputSums: inputs && (async () => joinInputSums(graph, [inputs.numbers])),
    async dispose() {
      kept = undefined;
    },
  };
}

/** A context as slices see it. */
interface ScalarMember extends BatchMember {
  cache: KvCache;
  states: (copies: StateCopies) => ScalarState[];
  readonly mixUpQueries: boolean;
  /** Of the batches in which it is the first. */
  readonly pace: Pace;
}

/** @param held throws once the model is disposed of */
function scalarBatches(
  held: () => Weights,
  arithmetic: Arithmetic,
  inputs: InputCounter | undefined,
): Batches<ScalarMember> {
  const { nVocab, nEmbd } = held().config;
  return new Batches<ScalarMember>({
    nVocab,
    sliceTokens: (members) => (members.some(({ mixUpQueries }) => mixUpQueries) ? Infinity : SLICE_TOKENS),
    async run(members, { tokens, parts, nLogitRows }, signal) {
      const { pace } = members[0]!;
      pace.begin(signal);
      const logits = allocate("the logits", () => new Float32Array(nLogitRows * nVocab));
      const embeddings = new Float32Array(nLogitRows * nEmbd);
      const placed = parts.map((part, i) => {
        const { cache, contextTokens, states, mixUpQueries } = members[i]!;
        return { ...part, cache, contextTokens, states: states(part.copies), mixUpQueries };
      });
      await runSlice({
        weights: held(),
        arithmetic,
        tokens,
        parts: placed,
        nWanted: nLogitRows,
        inputs,
        pace,
        logits,
        embeddings,
      });
      return { logits, embeddings };
    },
    inTurn: (work) => work(),
    async copyPrefix(from, to, nTokens, copied) {
      to.cache.write(from.cache.read(nTokens), nTokens);
      if (copied === undefined) return;
      const sources = from.states({ from: copied.from, to: copied.from });
      for (const [i, { after }] of to.states(copied).entries()) after.set(sources[i]!.after);
    },
  });
}

/** @param modelWeights throws once the model is disposed of */
function createScalarContext(
  modelWeights: () => Weights,
  { config, fingerprint, graph }: Weights,
  arithmetic: ArithmeticName,
  batches: Batches<ScalarMember>,
  options: ContextOptions,
): Context {
  const { contextTokens, kvType, compat } = checkedContextOptions(options);
  const layers = graph.caches.map(({ axis, headDim }) => ({ nHeads: axis.n, headDim }));
  const recurrent = recurrentMemory(graph);
  const memory = recurrent ?? ({ kind: "positions" } as const);
  const member: ScalarMember = {
    fingerprint: contextFingerprint(fingerprint, graph, contextTokens),
    contextTokens,
    kvType,
    recurrent,
    embedding: new Float32Array(config.nEmbd),
    cache: createKvCache(layers, contextTokens, kvType),
    states: createStates(graph.states),
    mixUpQueries: compat && kvType === "f32",
    pace: new Pace(),
    busy: false,
    assertHeld: held,
  };
  let disposed = false;

  function held(): void {
    if (disposed) throw new Error("this context was disposed of");
    modelWeights();
  }

  const context: Context = {
    config,
    fingerprint: member.fingerprint,
    arithmetic,
    contextTokens,
    kvType,
    memory,
    isCutVisible: member.mixUpQueries,
    async evaluate(tokens, nPast, { logits = "last", signal } = {}) {
      return batches.evaluateOne(member, { tokens, nPast, logits }, signal);
    },
    async readEmbedding() {
      return member.embedding.slice();
    },
    async readKv(nTokens) {
      held();
      assertNoState(memory);
      return member.cache.read(assertIndex("nTokens", nTokens, 0, contextTokens));
    },
    async writeKv(bytes, nTokens) {
      held();
      assertNoState(memory);
      member.cache.write(bytes, assertIndex("nTokens", nTokens, 0, contextTokens));
    },
    copyPrefix: (from, nTokens) => batches.copyPrefix(member, from, nTokens),
    async dispose() {
      disposed = true;
      member.cache = createKvCache([], 0, kvType);
      member.states = createStates([]);
    },
  };
  batches.add(context, member);
  return context;
}
