// What run, perplexity, quantize and convert have in common: their chunks are worked on here or by a queue, and it is shown how far they are.

import type { Io } from "@ll/cli/frame";
import type { QueueParams } from "../queue/options.ts";
import { createDoer, type DoerOptions } from "./doer.ts";
import type { WorkOptions } from "./embedded.ts";
import type { Chunk } from "./job-kind.ts";
import type { Results } from "./results.ts";
import { createRunProgress, type RunProgress, type RunProgressOptions } from "./run-progress.ts";

export interface JobParams extends QueueParams {
  quiet: boolean;
  progress: boolean;
}

export type JobOptions = Omit<DoerOptions, "say"> & Pick<RunProgressOptions, "unit" | "bytes">;

export interface Job {
  /** Whoever has the job finishes it. */
  readonly progress: RunProgress;
  /** Resolves when there is a result for each chunk. @throws as `Doer.work` */
  work(chunks: AsyncIterable<Chunk>, results: Results, onChunk?: WorkOptions["onChunk"]): Promise<void>;
}

/** @throws UsageError for an address of no queue */
export function createJob(params: JobParams, io: Io, { unit, bytes, ...work }: JobOptions): Job {
  const isShown = params.progress && !params.quiet;
  const progress = createRunProgress(io, { unit, bytes, isShown, note: () => doer.note });
  const say = (text: string): void => {
    if (!params.quiet) progress.line(text);
  };
  const doer = createDoer(params, io, { ...work, say });
  return {
    progress,
    work(chunks, results, onChunk = () => undefined) {
      const { signal } = new AbortController();
      return doer.work(chunks, results, {
        signal,
        onChunk(chunk, ms) {
          onChunk(chunk, ms);
          progress.chunk(chunk);
        },
      });
    },
  };
}
