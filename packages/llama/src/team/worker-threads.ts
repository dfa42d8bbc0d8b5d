// A team of several threads, each a worker with its shards. The main thread only sends requests and takes answers; it never
// waits for shared memory.

import type { AbortSignal, TensorLocation, TensorSource } from "@ll/bytes";
import { createWorkerPool, errorFrom, isSyncReadable, type PlainError, type SpawnWorker } from "@ll/bytes/workers";
import { MemoryError } from "../errors.ts";
import { WORKER_NAME } from "../worker-script.ts";
import { poison, setAbort } from "./barrier.ts";
import { loadPieces } from "./load-pieces.ts";
import type { LoadTeamOptions, Request, Threads, WorkerFunctions } from "./protocol.ts";
import type { ThreadSetup } from "./thread-host.ts";

export interface WorkerStart {
  readonly spawn: SpawnWorker;
  /** Of the script. */
  readonly url: URL;
  readonly signal: AbortSignal | undefined;
}

/**
 * Starts the workers and has them set up their shards.
 * @param setups one for each thread
 * @param words of the barrier
 * @throws MemoryError; WorkerError if a worker cannot be started; the signal's reason
 */
export async function startWorkerThreads(
  setups: readonly ThreadSetup[],
  words: Int32Array,
  workers: WorkerStart,
): Promise<Threads> {
  let onProgress: (bytes: number) => void = () => {};
  const pool = await createWorkerPool<Request, unknown>({
    ...workers,
    count: setups.length,
    name: WORKER_NAME,
    onProgress: (bytes) => onProgress(bytes),
    onEnd: () => poison(words),
    errorOf,
  });

  function ask<Name extends keyof WorkerFunctions>(
    thread: number,
    name: Name,
    args: Parameters<WorkerFunctions[Name]>,
    transfer?: readonly ArrayBuffer[],
  ): Promise<ReturnType<WorkerFunctions[Name]>> {
    return pool.ask(thread, { name, args }, transfer) as Promise<ReturnType<WorkerFunctions[Name]>>;
  }

  async function askEach<Name extends keyof WorkerFunctions>(
    name: Name,
    argsOf: (thread: number) => Parameters<WorkerFunctions[Name]>,
  ): Promise<ReturnType<WorkerFunctions[Name]>[]> {
    const results = await Promise.allSettled(setups.map((_, thread) => ask(thread, name, argsOf(thread))));
    return results.map((result) => {
      if (result.status === "rejected") throw result.reason;
      return result.value;
    });
  }

  async function withAbort<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted();
    setAbort(words, false);
    const onAbort = (): void => setAbort(words, true);
    signal?.addEventListener("abort", onAbort);
    try {
      return await work();
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  try {
    await Promise.all(setups.map((setup, thread) => ask(thread, "setUp", [setup])));
  } catch (error) {
    await pool.endWith(error as Error);
    throw error;
  }

  return {
    get end() {
      return pool.end;
    },
    askEach,
    load(source, options) {
      onProgress = options.onProgress;
      const locations = locationsIn(source);
      return withAbort(options.signal, async () => {
        if (locations === undefined) return sendPieces(source, options);
        // the first failure ends it: the team is of no use then, and the others may read for long
        const nBad = await Promise.all(setups.map(({ thread }) => ask(thread, "load", [locations])));
        options.signal?.throwIfAborted();
        return nBad.reduce((sum, n) => sum + n, 0);
      });
    },
    evaluate(contexts, slice, signal) {
      return withAbort(signal, async () => {
        const finished = await askEach("run", () => [contexts, slice]);
        if (!finished.every(Boolean)) signal?.throwIfAborted();
      });
    },
    async dispose() {
      await pool.endWith(new Error("the model was disposed of"));
    },
  };

  /** Reads the tensors here and sends them: for sources that only this thread can read. */
  async function sendPieces(source: TensorSource, { onProgress, signal }: LoadTeamOptions): Promise<number> {
    const queues = setups.flatMap(({ thread, shards }) =>
      shards.map(({ layout }, shard) => ({
        pieces: loadPieces(layout),
        thread,
        shard,
        answer: Promise.resolve(0), // to the piece sent before: one is on its way while the next is read
      })),
    );
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
        queue.answer = ask(queue.thread, "loadPiece", [queue.shard, piece, bytes], [bytes.buffer]);
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
