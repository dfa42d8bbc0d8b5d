// The fuzzing loop, in a thread of its own so that an input that hangs can be ended. What it runs is in shared memory.

import { parentPort, workerData } from "node:worker_threads";
import { watchAllocations } from "./allocations.ts";
import { coverModules } from "./coverage.ts";
import { mutate } from "./mutations.ts";
import { createRandom } from "./random.ts";
import { type FuzzTarget, HANG_MS, SELF_TEST, TARGETS } from "./target.ts";

/** What the supervisor passes. */
export interface WorkerJob {
  readonly target: string;
  readonly seed: number;
  readonly seconds: number;
  /** Ends the run when reached, if before the time is over. */
  readonly maxInputs: number;
  /** Only this input is run, once. */
  readonly replay?: Uint8Array;
  readonly shared: SharedInput;
}

/** The input that is being run. */
export interface SharedInput {
  /** [inputs begun, length of the current one] */
  readonly state: Int32Array<SharedArrayBuffer>;
  readonly bytes: Uint8Array<SharedArrayBuffer>;
}

export interface Find {
  readonly target: string;
  readonly input: Uint8Array;
  readonly what: string;
}

/** What the worker posts: the last one has `done`. */
export interface WorkerReport {
  readonly inputs: number;
  readonly edges: number;
  readonly corpus: number;
  /** Most processor time that one input took, in milliseconds. */
  readonly slowestMs: number;
  readonly finds: readonly Find[];
}

/** Different finds after which a run stops: more of them say nothing new. */
const MAX_FINDS = 25;
/** What a parser may allocate at a time: twice the input and this. */
const ALLOWANCE = 1024 * 1024;
const DEFAULT_MAX_BYTES = 8 * 1024;

async function work(job: WorkerJob): Promise<WorkerReport> {
  const entry = job.target === "self-test" ? SELF_TEST : TARGETS.get(job.target);
  if (entry === undefined) throw new Error(`no target "${job.target}"`);
  const coverage = coverModules(entry.covers);
  const allocations = watchAllocations();
  const target = (await import(`./targets/${entry.module}`)) as FuzzTarget;
  const { complaint, pollution } = await import("./verdict.ts");

  const corpus: Uint8Array[] = [];
  const finds = new Map<string, Find>();
  let inputs = 0;
  let slowestMs = 0;

  const run = async (input: Uint8Array): Promise<void> => {
    job.shared.bytes.set(input);
    job.shared.state[1] = input.length;
    Atomics.store(job.shared.state, 0, ++inputs);
    coverage.reset();
    allocations.reset();
    let what: string | undefined;
    const before = process.cpuUsage(); // the supervisor only waits: all of it is this thread's and its workers'
    try {
      const result = target.fuzz(input);
      // awaiting what is no promise costs as much as parsing a small input
      if (result instanceof Promise) await result;
    } catch (error) {
      what = complaint(error);
    }
    const { user, system } = process.cpuUsage(before);
    const ms = (user + system) / 1000;
    slowestMs = Math.max(slowestMs, ms);
    if (ms > HANG_MS) what ??= `hang: it ended after more than ${HANG_MS} ms`; // the supervisor looks now and then
    what ??= pollution();
    if (allocations.largest > 2 * input.length + (target.allowanceBytes ?? ALLOWANCE))
      what ??= `asked for ${allocations.largest} bytes at once`;
    if (what !== undefined) {
      const key = what.replaceAll(/\d+|".*?"/g, "").slice(0, 400);
      if (!finds.has(key)) finds.set(key, { target: job.target, input: input.slice(), what });
    }
    if (coverage.isNew()) corpus.push(input);
  };
  const report = (): WorkerReport => ({
    inputs,
    edges: coverage.edges,
    corpus: corpus.length,
    slowestMs,
    finds: [...finds.values()],
  });

  if (job.replay !== undefined) {
    await run(job.replay);
    return report();
  }
  const deadline = performance.now() + 1000 * job.seconds;
  for (const seed of target.seeds) await run(seed);
  if (coverage.unseen.length > 0) throw new Error(`the target "${job.target}" loads nothing of ${coverage.unseen}`);
  corpus.push(...target.seeds.filter((seed) => !corpus.includes(seed)));

  const random = createRandom(job.seed);
  const encoder = new TextEncoder();
  const material = {
    corpus,
    dictionary: (target.dictionary ?? []).map((word) => (typeof word === "string" ? encoder.encode(word) : word)),
    maxBytes: target.maxBytes ?? DEFAULT_MAX_BYTES,
  };
  while (inputs < job.maxInputs && finds.size < MAX_FINDS && performance.now() < deadline) {
    // half of the inputs come from the newest ones: what they reached has been tried least
    const newest = corpus.length > 32 && random.below(2) === 0 ? corpus.length - 32 : 0;
    const parent = corpus[newest + random.below(corpus.length - newest)] as Uint8Array;
    for (let i = 0; i < 16; i++) await run(mutate(parent, random, material));
  }
  return report();
}

parentPort?.postMessage(await work(workerData as WorkerJob));
