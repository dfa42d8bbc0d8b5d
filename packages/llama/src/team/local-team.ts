// A team of one thread: the shards are in this thread, and the event loop turns between pieces of the work.

import type { TensorSource } from "@ll/bytes";
import { turn } from "../pace.ts";
import type { Exchange } from "./exchange.ts";
import { loadPieces } from "./load-pieces.ts";
import type { TeamPlan } from "./planner.ts";
import type { ThreadSetup } from "./protocol.ts";
import type { Team } from "./team.ts";
import { ThreadHost } from "./thread-host.ts";

/** Longest work between two turns of the event loop, but for the length of one piece. */
const TURN_MS = 10;

/** @throws MemoryError */
export function createLocalTeam(plan: TeamPlan, exchange: Exchange, setup: ThreadSetup): Team {
  let host: ThreadHost | undefined = new ThreadHost(setup);
  let lastTurn = performance.now();

  function held(): ThreadHost {
    if (host === undefined) throw new Error("the model was disposed of");
    return host;
  }

  /** Counts across evaluations: a small model would otherwise never reach a turn within one of them. */
  async function turnIfDue(signal: AbortSignal | undefined): Promise<void> {
    if (performance.now() - lastTurn < TURN_MS) return;
    await turn();
    lastTurn = performance.now();
    signal?.throwIfAborted();
  }

  return {
    plan,
    exchange,
    async load(source: TensorSource, { onProgress, signal }) {
      for (const [shard, { layout }] of plan.shards.entries()) {
        for (const piece of loadPieces(layout)) {
          await turnIfDue(signal);
          await source.tensor(piece.name)!.read(piece.offset, held().target(shard, piece));
          const nBad = held().finish(shard, piece);
          if (nBad > 0) return nBad;
          onProgress(piece.bytes);
        }
      }
      return 0;
    },
    async evaluate(contexts, slice, signal) {
      for (const _ of held().evaluate(contexts, slice)) {
        if (performance.now() - lastTurn < TURN_MS) continue;
        await turnIfDue(signal);
        held();
      }
    },
    async createContext(context, contextTokens, kvType) {
      held().createContext(context, contextTokens, kvType);
    },
    readKv: async (context, layer, nTokens) => held().readKv(context, layer, nTokens),
    async writeKv(context, layer, nTokens, parts) {
      held().writeKv(context, layer, nTokens, parts);
    },
    async copyPrefix(from, to, nTokens, states) {
      held().copyPrefix(from, to, nTokens, states);
    },
    readInputSums: async () => held().readInputSums(),
    async disposeContext(context) {
      host?.disposeContext(context);
    },
    async dispose() {
      host = undefined;
    },
  };
}
