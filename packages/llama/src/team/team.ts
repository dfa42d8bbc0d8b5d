// The engine whose weights lie in shards, over the threads that have them: one where it was made, or several workers.

import type { Graph } from "@ll/architectures";
import type { Engine } from "../engine.ts";
import type { KvTypes } from "../kv-type.ts";
import { type Exchange, logitRows } from "./exchange.ts";
import type { TeamPlan } from "./planner.ts";
import type { ThreadFunctions, Threads } from "./protocol.ts";

/** @param testCache throws if there are no kernels for a cache */
export function teamEngine(
  threads: Threads,
  nThreads: number,
  graph: Graph,
  { shards, sliceTokens }: TeamPlan,
  exchange: Exchange,
  testCache: (kvType: KvTypes) => Promise<void>,
): Engine {
  const perThread = shards.length / nThreads;

  function ask<Name extends keyof ThreadFunctions>(name: Name, ...args: Parameters<ThreadFunctions[Name]>) {
    return threads.askEach(name, () => args);
  }

  /** Gives up what the threads keep for a context. There is nothing to do, and nothing wrong, once they are gone. */
  async function disposeContext(context: number): Promise<void> {
    try {
      await ask("disposeContext", context);
    } catch (error) {
      if (threads.end === undefined) throw error;
    }
  }

  return {
    logitRows: logitRows(graph, sliceTokens),
    sliceTokens: () => sliceTokens,
    async evaluate(contexts, slice, signal) {
      await threads.evaluate(contexts, slice, signal);
      return exchange;
    },
    async createContext(context, { contextTokens, kvType, compat }) {
      if (compat && kvType === "f32") {
        throw new RangeError(`"compat" expected false with an f32 cache: only the scalar engine mixes up queries`);
      }
      await testCache(kvType);
      try {
        await ask("createContext", context, contextTokens, kvType);
      } catch (error) {
        await disposeContext(context); // some threads may have had room
        throw error;
      }
    },
    kvParts: (layer) => shards.map(({ share }) => share[graph.caches[layer]!.axis.id]!),
    readKv: async (context, layer, nTokens) => (await ask("readKv", context, layer, nTokens)).flat(),
    async writeKv(context, layer, nTokens, parts) {
      await threads.askEach("writeKv", (thread) => {
        return [context, layer, nTokens, parts.slice(thread * perThread, (thread + 1) * perThread)];
      });
    },
    async copyPrefix(from, to, nTokens, stateCopy) {
      await ask("copyPrefix", from, to, nTokens, stateCopy);
    },
    readInputSums: async () => (await ask("readInputSums")).flat(),
    disposeContext,
    dispose: () => threads.dispose(),
  };
}
