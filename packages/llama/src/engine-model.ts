// `Model` and `Context` over an engine: batches, sessions, and whose turn it is.

import type { Graph } from "@ll/architectures";
import { allocate } from "@ll/bytes";
import type { ArithmeticName } from "@ll/quant";
import { Batches, type Member } from "./batch.ts";
import type { ModelConfig } from "./config.ts";
import { assertNoState, recurrentMemory } from "./context-memory.ts";
import type { Engine } from "./engine.ts";
import { contextFingerprint } from "./fingerprint.ts";
import { joinInputSums } from "./input-sums.ts";
import { gatherPart, type KvShape, partOf } from "./kv-order.ts";
import { keysAndValues, kvCacheBytes, kvRowBytes } from "./kv-type.ts";
import { assertIndex, type Context, type ContextOptions, checkedContextOptions, type Model } from "./model.ts";
import { TurnQueue } from "./pace.ts";

export interface EngineModelParts {
  readonly config: ModelConfig;
  readonly graph: Graph;
  readonly arithmetic: ArithmeticName;
  readonly fingerprint: bigint;
  /** With all weights. */
  readonly engine: Engine;
  /** Whether it adds up what meets the matrices. */
  readonly sumInputs: boolean;
}

/** Contexts are evaluated one after the other, or in batches: each evaluation has the whole engine. */
export function createEngineModel(parts: EngineModelParts): Model {
  const { config, graph, arithmetic, fingerprint, engine, sumInputs } = parts;
  const queue = new TurnQueue();
  const batches = new Batches(engine, queue, config.nVocab);
  let nContexts = 0;
  let disposed = false;

  function assertHeld(): void {
    if (disposed) throw new Error("the model was disposed of");
  }

  return {
    config,
    fingerprint,
    arithmetic,
    evaluateBatch: (items, { signal } = {}) => batches.evaluate(items, signal),
    nPasses: () => batches.nPasses,
    inputSums: sumInputs ? () => queue.run(async () => joinInputSums(graph, await engine.readInputSums())) : undefined,
    async createContext(options = {}) {
      const checked = checkedContextOptions(options);
      assertHeld();
      const id = nContexts++;
      await queue.run(() => engine.createContext(id, checked));
      return createContext(parts, queue, batches, id, checked, assertHeld);
    },
    async dispose() {
      disposed = true;
      await engine.dispose();
    },
  };
}

/** @param assertModelHeld throws once the model is disposed of */
function createContext(
  { config, graph, arithmetic, fingerprint: modelFingerprint, engine }: EngineModelParts,
  queue: TurnQueue,
  batches: Batches,
  id: number,
  { contextTokens, kvType, compat }: Required<ContextOptions>,
  assertModelHeld: () => void,
): Context {
  const { k, v } = keysAndValues(kvType);
  const layers = graph.caches.map(({ axis, headDim }) => {
    return { nHeads: axis.n, keyBytes: kvRowBytes(k, headDim), valueBytes: kvRowBytes(v, headDim) };
  });
  const recurrent = recurrentMemory(graph);
  const memory = recurrent ?? ({ kind: "positions" } as const);
  const fingerprint = contextFingerprint(modelFingerprint, graph, contextTokens);
  const embedding = new Float32Array(config.nEmbd);
  const member: Member = { id, fingerprint, contextTokens, kvType, recurrent, embedding, busy: false, assertHeld };
  let disposed = false;

  function assertHeld(): void {
    if (disposed) throw new Error("this context was disposed of");
    assertModelHeld();
  }

  /** Does something with keys and values of the first positions, in turn. */
  async function withKv<T>(nTokens: number, work: (shape: KvShape) => Promise<T>): Promise<T> {
    assertNoState(memory);
    assertIndex("nTokens", nTokens, 0, contextTokens);
    return queue.run(() => {
      assertHeld();
      return work({ layers, nTokens });
    });
  }

  const context: Context = {
    config,
    fingerprint,
    arithmetic,
    contextTokens,
    kvType,
    memory,
    isCutVisible: compat && kvType === "f32",
    async evaluate(tokens, nPast, { logits = "last", signal } = {}) {
      return batches.evaluateOne(member, { tokens, nPast, logits }, signal);
    },
    async readEmbedding() {
      assertHeld();
      return embedding.slice();
    },
    readKv: (nTokens) =>
      withKv(nTokens, async (shape) => {
        const bytes = allocate("the session", () => new Uint8Array(kvCacheBytes(config, nTokens, kvType)));
        for (const layer of layers.keys()) {
          const parts = await engine.readKv(id, layer, nTokens);
          for (const [i, heads] of engine.kvParts(layer).entries()) gatherPart(bytes, parts[i]!, shape, layer, heads);
        }
        return bytes;
      }),
    writeKv: (bytes, nTokens) =>
      withKv(nTokens, async (shape) => {
        const expected = kvCacheBytes(config, nTokens, kvType);
        if (bytes.byteLength !== expected) {
          throw new RangeError(`"bytes" expected ${expected} bytes for ${nTokens} tokens, got ${bytes.byteLength}`);
        }
        for (const layer of layers.keys()) {
          const parts = engine.kvParts(layer).map((heads) => partOf(bytes, shape, layer, heads));
          await engine.writeKv(id, layer, nTokens, parts);
        }
      }),
    copyPrefix: (from, nTokens) => batches.copyPrefix(member, from, nTokens),
    async dispose() {
      if (disposed) return;
      disposed = true;
      await queue.run(() => engine.disposeContext(id));
    },
  };
  batches.add(context, member);
  return context;
}
