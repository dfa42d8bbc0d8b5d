// A team of several threads, each a worker with its shards. The main thread only sends requests and takes answers; it never
// waits for shared memory.

import type { AbortSignal, TensorLocation, TensorSource } from "@ll/bytes";
import { createWorkerPool, errorFrom, isSyncReadable, type PlainError, type SpawnWorker } from "@ll/bytes/workers";
import { WORKER_NAME } from "../worker-script.ts";
import { poison, setAbort } from "./barrier.ts";
import { MemoryError } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import { loadPieces } from "./load-pieces.ts";
import type { TeamPlan } from "./planner.ts";
import type { Answers, Request, RequestKind, ThreadSetup } from "./protocol.ts";
import type { Team, TeamLoadOptions } from "./team.ts";

type RequestOf<Kind extends RequestKind> = Extract<Request, { kind: Kind }>;

export interface WorkerStart {
  readonly spawn: SpawnWorker;
  /** Of the script. */
  readonly url: URL;
  readonly signal: AbortSignal | undefined;
}

/**
 * Starts the workers and has them set up their shards.
 * @param setups one for each thread
 * @throws MemoryError; WorkerError if a worker cannot be started; the signal's reason
 */
export async function createWorkerTeam(
  plan: TeamPlan,
  exchange: Exchange,
  setups: readonly ThreadSetup[],
  workers: WorkerStart,
): Promise<Team> {
  let onProgress: (bytes: number) => void = () => {};
  const pool = await createWorkerPool<Request, Answers[RequestKind]>({
    ...workers,
    count: setups.length,
    name: WORKER_NAME,
    onProgress: (bytes) => onProgress(bytes),
    onEnd: () => poison(exchange.words),
    errorOf,
  });
  const threads = setups.map((_, thread) => thread);

  function ask<Kind extends RequestKind>(
    thread: number,
    request: RequestOf<Kind>,
    transfer?: readonly ArrayBuffer[],
  ): Promise<Answers[Kind]> {
    return pool.ask(thread, request, transfer) as Promise<Answers[Kind]>;
  }

  /** Waits for all answers, also if one is a failure: workers are in step again then. */
  async function askAll<Kind extends RequestKind>(request: RequestOf<Kind>): Promise<Answers[Kind][]> {
    const results = await Promise.allSettled(threads.map((thread) => ask<Kind>(thread, request)));
    return results.map((result) => {
      if (result.status === "rejected") throw result.reason;
      return result.value;
    });
  }

  async function withAbort<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted();
    setAbort(exchange.words, false);
    const onAbort = (): void => setAbort(exchange.words, true);
    signal?.addEventListener("abort", onAbort);
    try {
      return await work();
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Gives up what the workers keep for a context. There is nothing to do, and nothing wrong, once they are gone. */
  async function forget(context: number): Promise<void> {
    try {
      await askAll<"dispose-context">({ kind: "dispose-context", context });
    } catch (error) {
      if (pool.end === undefined) throw error;
    }
  }

  try {
    await Promise.all(setups.map((setup, thread) => ask<"set-up">(thread, { kind: "set-up", setup })));
  } catch (error) {
    await pool.endWith(error as Error);
    throw error;
  }

  return {
    plan,
    exchange,
    load(source, options) {
      onProgress = options.onProgress;
      const locations = locationsIn(source);
      return withAbort(options.signal, async () => {
        if (locations === undefined) return sendPieces(source, options);
        // the first failure ends it: the team is of no use then, and the others may read for long
        const nBad = await Promise.all(threads.map((thread) => ask<"load">(thread, { kind: "load", locations })));
        options.signal?.throwIfAborted();
        return nBad.reduce((sum, n) => sum + n, 0);
      });
    },
    evaluate(contexts, slice, signal) {
      return withAbort(signal, async () => {
        const finished = await askAll<"evaluate">({ kind: "evaluate", contexts, slice });
        if (!finished.every(Boolean)) signal?.throwIfAborted();
      });
    },
    async createContext(context, contextTokens, kvType) {
      try {
        await askAll<"create-context">({ kind: "create-context", context, contextTokens, kvType });
      } catch (error) {
        await forget(context); // some workers may have had room
        throw error;
      }
    },
    async readKv(context, layer, nTokens) {
      return (await askAll<"read-kv">({ kind: "read-kv", context, layer, nTokens })).flat();
    },
    async writeKv(context, layer, nTokens, parts) {
      const perThread = parts.length / threads.length;
      const answers = threads.map((thread) => {
        const own = parts.slice(thread * perThread, (thread + 1) * perThread);
        const transfer = own.map(({ buffer }) => buffer);
        return ask<"write-kv">(thread, { kind: "write-kv", context, layer, nTokens, parts: own }, transfer);
      });
      await Promise.all(answers);
    },
    async copyPrefix(from, to, nTokens, states) {
      await askAll<"copy-prefix">({ kind: "copy-prefix", from, to, nTokens, states });
    },
    async readInputSums() {
      return (await askAll<"read-input-sums">({ kind: "read-input-sums" })).flat();
    },
    disposeContext: forget,
    async dispose() {
      await pool.endWith(new Error("the model was disposed of"));
    },
  };

  /** Reads the tensors here and sends them: for sources that only this thread can read. */
  async function sendPieces(source: TensorSource, { onProgress, signal }: TeamLoadOptions): Promise<number> {
    const perThread = plan.shards.length / threads.length;
    const queues = plan.shards.map(({ layout }, i) => ({
      pieces: loadPieces(layout),
      thread: Math.floor(i / perThread),
      shard: i % perThread,
      answer: Promise.resolve(0), // to the piece sent before: one is on its way while the next is read
    }));
    let nBad = 0;
    while (queues.length > 0 && nBad === 0) {
      for (const queue of [...queues]) {
        signal?.throwIfAborted();
        const next = queue.pieces.next();
        if (next.done === true) {
          queues.splice(queues.indexOf(queue), 1);
          nBad += await queue.answer;
          continue;
        }
        const piece = next.value;
        const bytes = new Uint8Array(piece.bytes);
        await source.tensor(piece.name)?.read(piece.offset, bytes);
        nBad += await queue.answer;
        const request = { kind: "load-piece", shard: queue.shard, piece, bytes } as const;
        queue.answer = ask<"load-piece">(queue.thread, request, [bytes.buffer]);
        queue.answer.catch(() => {}); // it is awaited before the next piece is sent
        onProgress(piece.bytes);
      }
    }
    return nBad;
  }
}

/** Where all tensors are, if workers can read all of them there. */
function locationsIn(source: TensorSource): ReadonlyMap<string, TensorLocation> | undefined {
  const locations = new Map<string, TensorLocation>();
  for (const name of source.names()) {
    const location = source.tensor(name)?.location;
    if (location === undefined || !isSyncReadable(location)) return undefined;
    locations.set(name, location);
  }
  return locations;
}

function errorOf(plain: PlainError): Error {
  const { purpose, need, have } = plain.fields;
  return purpose === undefined ? errorFrom(plain) : new MemoryError(String(purpose), Number(need), Number(have));
}
