// `Model` and `Context` over a team: slices, logits, sessions, and whose turn it is.

import type { Graph } from "@ll/architectures";
import { allocate } from "@ll/bytes";
import type { ArithmeticName } from "@ll/quant";
import { Batches, type BatchMember } from "../batch.ts";
import type { ModelConfig } from "../config.ts";
import { assertNoState, recurrentMemory } from "../context-memory.ts";
import { contextFingerprint } from "../fingerprint.ts";
import { joinInputSums } from "../input-sums.ts";
import { type KvTypes, keysAndValues, kvCacheBytes, kvRowBytes } from "../kv-type.ts";
import { assertIndex, type Context, checkedContextOptions, type Model } from "../model.ts";
import { gatherPart, type KvShape, partOf } from "./kv-order.ts";
import type { Range } from "./ranges.ts";
import type { Team } from "./team.ts";
import { TurnQueue } from "./turn-queue.ts";

/** A context as the team knows it. */
interface TeamMember extends BatchMember {
  /** Its number. */
  readonly id: number;
}

/**
 * A model whose weights the team has loaded. Contexts are evaluated one after the other, or in batches: each evaluation has all threads.
 * @param testCache throws if there are no kernels for a cache
 */
export function createTeamModel(
  config: ModelConfig,
  arithmetic: ArithmeticName,
  graph: Graph,
  team: Team,
  fingerprint: bigint,
  sumInputs: boolean,
  testCache: (kvType: KvTypes) => Promise<void>,
): Model {
  const queue = new TurnQueue();
  const batches = new Batches<TeamMember>({
    nVocab: config.nVocab,
    sliceTokens: () => team.plan.sliceTokens,
    async run(members, slice, signal) {
      const contexts = members.map(({ id }) => id);
      await team.evaluate(contexts, slice, signal);
      return team.exchange;
    },
    inTurn: (work, signal) => queue.run(work, signal),
    copyPrefix: (from, to, nTokens, states) => team.copyPrefix(from.id, to.id, nTokens, states),
  });
  let nContexts = 0;
  let disposed = false;
  return {
    config,
    fingerprint,
    arithmetic,
    evaluateBatch: (items, { signal } = {}) => batches.evaluate(items, signal),
    nPasses: () => batches.nPasses,
    inputSums: sumInputs ? () => queue.run(async () => joinInputSums(graph, await team.readInputSums())) : undefined,
    async createContext(options = {}) {
      const { contextTokens, kvType, compat } = checkedContextOptions(options);
      if (compat && kvType === "f32") {
        throw new RangeError(`"compat" expected false with an f32 cache: only the scalar engine mixes up queries`);
      }
      await testCache(kvType);
      const id = nContexts++;
      await queue.run(() => team.createContext(id, contextTokens, kvType));
      return createTeamContext({
        config,
        graph,
        fingerprint: contextFingerprint(fingerprint, graph, contextTokens),
        arithmetic,
        team,
        queue,
        batches,
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
  readonly batches: Batches<TeamMember>;
  readonly id: number;
  readonly contextTokens: number;
  readonly kvType: KvTypes;
  readonly isDisposed: () => boolean;
}

function createTeamContext(state: ContextState): Context {
  const { config, graph, fingerprint, arithmetic, team, queue, batches, id, contextTokens, kvType } = state;
  const { shards } = team.plan;
  const { k, v } = keysAndValues(kvType);
  const layers = graph.caches.map(({ axis, headDim }) => {
    return { nHeads: axis.n, keyBytes: kvRowBytes(k, headDim), valueBytes: kvRowBytes(v, headDim) };
  });
  const recurrent = recurrentMemory(graph);
  const memory = recurrent ?? ({ kind: "positions" } as const);
  const embedding = new Float32Array(config.nEmbd);
  const member = { id, fingerprint, contextTokens, kvType, recurrent, embedding, busy: false, assertHeld };
  let disposed = false;

  function assertHeld(): void {
    if (disposed || state.isDisposed()) throw new Error("the model or this context was disposed of");
  }

  /** The shards' heads of a layer. */
  function kvHeads(layer: number): Range[] {
    return shards.map(({ share }) => share[graph.caches[layer]!.axis.id]!);
  }

  const context: Context = {
    config,
    fingerprint,
    arithmetic,
    contextTokens,
    kvType,
    memory,
    async evaluate(tokens, nPast, { logits = "last", signal } = {}) {
      return batches.evaluateOne(member, { tokens, nPast, logits }, signal);
    },
    async readEmbedding() {
      return embedding.slice();
    },
    async readKv(nTokens) {
      assertNoState(memory);
      assertIndex("nTokens", nTokens, 0, contextTokens);
      const shape: KvShape = { layers, nTokens };
      const bytes = allocate("the session", () => new Uint8Array(kvCacheBytes(config, nTokens, kvType)));
      await queue.run(async () => {
        assertHeld();
        for (let layer = 0; layer < layers.length; layer++) {
          const heads = kvHeads(layer);
          const parts = await team.readKv(id, layer, nTokens);
          for (const [i, part] of parts.entries()) gatherPart(bytes, part, shape, layer, heads[i]!);
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
      const shape: KvShape = { layers, nTokens };
      await queue.run(async () => {
        assertHeld();
        for (let layer = 0; layer < layers.length; layer++) {
          const parts = kvHeads(layer).map((heads) => partOf(bytes, shape, layer, heads));
          await team.writeKv(id, layer, nTokens, parts);
        }
      });
    },
    copyPrefix: (from, nTokens) => batches.copyPrefix(member, from, nTokens),
    async dispose() {
      if (disposed) return;
      disposed = true;
      await queue.run(() => team.disposeContext(id));
    },
  };
  batches.add(context, member);
  return context;
}
