// The work of all chunks, in this process.

import type { Chunk, JobRunner } from "./job-kind.ts";
import type { Results } from "./results.ts";

export interface WorkOptions {
  readonly signal: AbortSignal;
  /** Also told of chunks whose results were there. */
  readonly onChunk: (chunk: Chunk, ms: number) => void;
}

/** Results that are on their way to the disk: where answers come faster than it takes them, it is waited for. */
const MOST_KEPT_AT_ONCE = 4;

/** Who works in a run without a queue. */
const HERE = "this process";

/** Resolves when there is a result for each. @throws what the runner and the chunks throw */
export async function workHere(
  chunks: AsyncIterable<Chunk>,
  runner: JobRunner,
  results: Results,
  { signal, onChunk }: WorkOptions,
): Promise<void> {
  const own = new AbortController();
  const all = AbortSignal.any([signal, own.signal]);
  const running = new Set<Promise<void>>();
  const keeping = new Set<Promise<void>>();
  const work = async (chunk: Chunk): Promise<void> => {
    const startMs = performance.now();
    const product = await runner.run(chunk.payload, all);
    const kept = results.put(chunk, product, HERE);
    keeping.add(kept);
    await kept;
    keeping.delete(kept);
    onChunk(chunk, performance.now() - startMs);
  };
  try {
    for await (const chunk of chunks) {
      if (chunk.isDone) {
        onChunk(chunk, 0);
        continue;
      }
      all.throwIfAborted();
      const one = work(chunk);
      running.add(one);
      one.then(
        () => running.delete(one),
        (error: unknown) => own.abort(error),
      );
      await runner.ready(); // also when what runs has failed
      while (keeping.size >= MOST_KEPT_AT_ONCE) await Promise.race(keeping);
    }
    await Promise.all(running);
  } catch (error) {
    own.abort(error);
    await Promise.allSettled(running);
    throw all.reason ?? error;
  }
}
