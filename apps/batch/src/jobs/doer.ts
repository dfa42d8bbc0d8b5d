// Who works out the chunks of a run: this process, or, if there is a queue, whoever works for it.

import { setFlagsFromString } from "node:v8";
import type { Io } from "@ll/cli/frame";
import { type QueueParams, queueOf } from "../queue/options.ts";
import { type WorkOptions, workHere } from "./embedded.ts";
import type { Chunk, JobRunner } from "./job-kind.ts";
import type { Results } from "./results.ts";

export interface DoerOptions {
  /** Of work: `lines`. */
  readonly kind: string;
  /** What must be the same everywhere, by name, and 16 hexadecimal digits of it. */
  readonly terms: Readonly<Record<string, string | number>>;
  readonly fingerprint: string;
  /** Each so many chunks, one is done by two; 0 for none. */
  readonly checkEvery: number;
  /** Makes a runner for this process, without a queue. */
  readonly open: () => Promise<JobRunner>;
  readonly say: (text: string) => void;
}

export interface Doer {
  work(chunks: AsyncIterable<Chunk>, results: Results, options: WorkOptions): Promise<void>;
  /** Behind the rate of a progress line: how many work. */
  readonly note: string;
}

/** @throws UsageError for an address of no queue */
export function createDoer(
  params: QueueParams,
  io: Io,
  { kind, terms, fingerprint, checkEvery, open, say }: DoerOptions,
): Doer {
  const url = queueOf(params, io);
  let note = "";
  return {
    get note() {
      return note;
    },
    async work(chunks, results, options) {
      if (url === undefined) {
        const runner = await open();
        return workHere(chunks, runner, results, options).finally(() => runner.close());
      }
      // lines come and go: unless it is told to, V8 lets 100 MB of garbage pile up before it looks for any
      setFlagsFromString("--optimize-for-size");
      // loaded where it is needed: a run alone knows nothing of queues
      const [{ coordinate }, { openRedis }, { queueName }, { createRoster }] = await Promise.all([
        import("../queue/coordinator.ts"),
        import("../queue/redis.ts"),
        import("../queue/job.ts"),
        import("../queue/roster.ts"),
      ]);
      const redis = await openRedis(url, say);
      const queue = queueName(kind, fingerprint);
      const roster = createRoster(queue, terms, say);
      const onWorkers: typeof roster.seen = (workers) => {
        roster.seen(workers);
        note = roster.note;
      };
      try {
        await coordinate(chunks, results, { ...options, redis, queue, checkEvery, onWorkers });
      } finally {
        redis.disconnect();
      }
    },
  };
}
