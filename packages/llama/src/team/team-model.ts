// `Model` and `Context` over a team: slices, logits, sessions, and whose turn it is.

import type { Graph } from "@ll/architectures";
import { allocate } from "@ll/bytes";
import type { ArithmeticName } from "@ll/quant";
import type { ModelConfig } from "../config.ts";
import { assertNoState, NO_STATES, recurrentMemory } from "../context-memory.ts";
import { contextFingerprint } from "../fingerprint.ts";
import { type KvType, kvCacheBytes, kvElementBytes } from "../kv-type.ts";
import { assertIndex, type Context, checkedContextOptions, checkedTokens, type Model } from "../model.ts";
import { gatherPart, type KvShape, partOf } from "./kv-order.ts";
import { ownPart, type Range } from "./ranges.ts";
import type { Team } from "./team.ts";
import { TurnQueue } from "./turn-queue.ts";

/** A model whose weights the team has loaded. Contexts are evaluated one after the other: each evaluation has all threads. */
export function createTeamModel(
  config: ModelConfig,
  arithmetic: ArithmeticName,
  graph: Graph,
  team: Team,
  fingerprint: bigint,
): Model {
  const queue = new TurnQueue();
  let nContexts = 0;
  let disposed = false;
  return {
    config,
    fingerprint,
    arithmetic,
    async createContext(options = {}) {
      const { contextTokens, kvType, compat } = checkedContextOptions(options);
      if (compat && kvType === "f32") {
        throw new RangeError(`"compat" expected false with an f32 cache: only the scalar engine mixes up queries`);
      }
      const id = nContexts++;
      await queue.run(() => team.createContext(id, contextTokens, kvType));
      return createTeamContext({
        config,
        graph,
        fingerprint: contextFingerprint(fingerprint, graph, contextTokens),
        arithmetic,
        team,
        queue,
        id,
        contextTokens,
        kvType,
        isDisposed: () => disposed,
      });
    },
    async dispose() {
      disposed = true;
      await team.dispose();
    },
  };
}

interface ContextState {
  readonly config: ModelConfig;
  readonly fingerprint: bigint;
  readonly arithmetic: ArithmeticName;
  readonly graph: Graph;
  readonly team: Team;
  readonly queue: TurnQueue;
  readonly id: number;
  readonly contextTokens: number;
  readonly kvType: KvType;
  readonly isDisposed: () => boolean;
}

function createTeamContext(state: ContextState): Context {
  const { config, graph, fingerprint, arithmetic, team, queue, id, contextTokens, kvType } = state;
  const { nEmbd, nVocab } = config;
  const { sliceTokens, shards } = team.plan;
  const kvDims = graph.caches.map(({ axis, headDim }) => axis.n * headDim); // (layers)
  const embedding = new Float32Array(nEmbd); // (nEmbd)
  const recurrent = recurrentMemory(graph);
  const memory = recurrent ?? ({ kind: "positions" } as const);
  let busy = false;
  let disposed = false;

  function assertHeld(): void {
    if (disposed || state.isDisposed()) throw new Error("the model or this context was disposed of");
  }

  function kvShape(nTokens: number): KvShape {
    return { kvDims, nTokens, elementBytes: kvElementBytes(kvType) };
  }

  /** The shards' channels of a layer's keys and values. */
  function kvChannels(layer: number): Range[] {
    return shards.map(({ share }) => ownPart(kvDims[layer]!, graph.caches[layer]!.axis, share));
  }

  async function evaluate(
    tokens: Int32Array,
    nPast: number,
    wanted: "last" | "all",
    signal: AbortSignal | undefined,
  ): Promise<Float32Array> {
    const n = tokens.length;
    const begun = recurrent?.begin(nPast) ?? NO_STATES;
    const logits = allocate("the logits", () => new Float32Array(wanted === "all" ? n * nVocab : nVocab)); // (n, nVocab) or (nVocab)
    for (let first = 0; first < n; first += sliceTokens) {
      assertHeld();
      const slice = tokens.slice(first, first + sliceTokens);
      const isLast = first + slice.length === n;
      const nLogitRows = wanted === "all" ? slice.length : isLast ? 1 : 0;
      const copies = first === 0 ? begun : { ...begun, from: begun.to };
      await team.evaluate(id, { tokens: slice, position: nPast + first, nLogitRows, copies }, signal);
      const rows = team.exchange.logits.subarray(0, nLogitRows * nVocab); // (nLogitRows, nVocab)
      logits.set(rows, wanted === "all" ? first * nVocab : 0);
    }
    embedding.set(team.exchange.embedding);
    recurrent?.end(begun, nPast + n);
    return logits;
  }

  return {
    config,
    fingerprint,
    arithmetic,
    contextTokens,
    kvType,
    memory,
    async evaluate(tokens, nPast, { logits = "last", signal } = {}) {
      const ids = checkedTokens(tokens, nPast, nVocab, contextTokens);
      if (busy) throw new Error("this context is busy: await the evaluation under way first");
      signal?.throwIfAborted();
      assertHeld();
      busy = true;
      try {
        return await queue.run(() => evaluate(ids, nPast, logits, signal), signal);
      } finally {
        busy = false;
      }
    },
    async readEmbedding() {
      return embedding.slice();
    },
    async readKv(nTokens) {
      assertNoState(memory);
      assertIndex("nTokens", nTokens, 0, contextTokens);
      const shape = kvShape(nTokens);
      const bytes = allocate("the session", () => new Uint8Array(kvCacheBytes(config, nTokens, kvType)));
      await queue.run(async () => {
        assertHeld();
        for (let layer = 0; layer < kvDims.length; layer++) {
          const channels = kvChannels(layer);
          const parts = await team.readKv(id, layer, nTokens);
          for (const [i, part] of parts.entries()) gatherPart(bytes, part, shape, layer, channels[i]!);
        }
      });
      return bytes;
    },
    async writeKv(bytes, nTokens) {
      assertNoState(memory);
      assertIndex("nTokens", nTokens, 0, contextTokens);
      const expected = kvCacheBytes(config, nTokens, kvType);
      if (bytes.byteLength !== expected) {
        throw new RangeError(`"bytes" expected ${expected} bytes for ${nTokens} tokens, got ${bytes.byteLength}`);
      }
      const shape = kvShape(nTokens);
      await queue.run(async () => {
        assertHeld();
        for (let layer = 0; layer < kvDims.length; layer++) {
          const parts = kvChannels(layer).map((channels) => partOf(bytes, shape, layer, channels));
          await team.writeKv(id, layer, nTokens, parts);
        }
      });
    },
    async dispose() {
      if (disposed) return;
      disposed = true;
      await queue.run(() => team.disposeContext(id));
    },
  };
}
