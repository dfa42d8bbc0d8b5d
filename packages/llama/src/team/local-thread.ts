// A team of one thread: the shards are in this thread, and the event loop turns between pieces of the work.

import { type AbortSignal, turn } from "@ll/bytes";
import { loadPieces } from "./load-pieces.ts";
import type { Threads } from "./protocol.ts";
import { ThreadHost, type ThreadSetup } from "./thread-host.ts";

/** Longest work between two turns of the event loop, but for the length of one piece. */
const TURN_MS = 10;

/** @throws MemoryError */
export function localThread(setup: ThreadSetup): Threads {
  let host: ThreadHost | undefined = new ThreadHost(setup);
  let end: Error | undefined;
  let lastTurn = performance.now();

  function held(): ThreadHost {
    if (host === undefined) throw end;
    return host;
  }

  /** Counts across evaluations: a small model would otherwise never reach a turn within one of them. */
  const isTurnDue = (): boolean => performance.now() - lastTurn >= TURN_MS;

  async function takeTurn(signal: AbortSignal | undefined): Promise<void> {
    await turn();
    lastTurn = performance.now();
    signal?.throwIfAborted();
  }

  return {
    get end() {
      return end;
    },
    async askEach(name, argsOf) {
      const ask = held()[name] as (...args: unknown[]) => never;
      return [ask.apply(held(), argsOf(0))];
    },
    async load(source, { onProgress, signal }) {
      for (const [shard, { layout }] of setup.shards.entries()) {
        for (const piece of loadPieces(layout)) {
          if (isTurnDue()) await takeTurn(signal);
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
        if (!isTurnDue()) continue;
        await takeTurn(signal);
        held();
      }
    },
    async dispose() {
      host = undefined;
      end = new Error("the model was disposed of");
    },
  };
}
