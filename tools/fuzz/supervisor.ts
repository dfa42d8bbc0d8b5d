// Runs a target in a worker and watches it: an input that takes too long, or takes the worker with it, is a find.

import { Worker } from "node:worker_threads";
import { HANG_MS } from "./target.ts";
import type { Find, SharedInput, WorkerJob, WorkerReport } from "./worker.ts";

export interface FuzzOptions {
  readonly target: string;
  readonly seconds: number;
  readonly seed?: number;
  readonly maxInputs?: number;
}

/** So is one that waits for ever. */
const WAIT_MS = 30_000;
const POLL_MS = 100;
/** Heap of a worker: a parser of small inputs that needs more has believed a number. */
const HEAP_MB = 512;
/** Room for the longest input of any target. */
const SHARED_BYTES = 256 * 1024;

/** Fuzzes for `seconds`. After an input that ended the worker and does not do so again, it goes on with another seed. */
export async function runFuzz(options: FuzzOptions): Promise<WorkerReport> {
  const deadline = performance.now() + 1000 * options.seconds;
  const maxInputs = options.maxInputs ?? Number.MAX_SAFE_INTEGER;
  const total = { inputs: 0, edges: 0, corpus: 0, slowestMs: 0, finds: [] as Find[] };
  for (let seed = options.seed ?? 1; ; seed++) {
    const seconds = (deadline - performance.now()) / 1000;
    const job = { target: options.target, seed, seconds, maxInputs: maxInputs - total.inputs };
    const part = await runWorker(job);
    total.inputs += part.inputs;
    total.edges = Math.max(total.edges, part.edges);
    total.corpus = Math.max(total.corpus, part.corpus);
    total.slowestMs = Math.max(total.slowestMs, part.slowestMs);
    total.finds.push(...part.finds);
    if (part.died === undefined) return total;
    total.finds.push(...(await replay(options.target, part.died.input)).finds);
    if (total.finds.length > 0 || total.inputs >= maxInputs || performance.now() >= deadline) return total;
  }
}

/** Runs the one input again: a machine that was busy for a second is no find. */
export async function replay(target: string, input: Uint8Array): Promise<WorkerReport> {
  const job = { target, seed: 0, seconds: 1, maxInputs: 1, replay: input };
  const { died, ...report } = await runWorker(job);
  return died === undefined ? report : { ...report, finds: [died] };
}

function runWorker(job: Omit<WorkerJob, "shared">): Promise<WorkerReport & { died?: Find }> {
  const shared: SharedInput = {
    state: new Int32Array(new SharedArrayBuffer(8)),
    bytes: new Uint8Array(new SharedArrayBuffer(SHARED_BYTES)),
  };
  const worker = new Worker(new URL("./worker.ts", import.meta.url), {
    workerData: { ...job, shared } satisfies WorkerJob,
    execArgv: ["--conditions=@ll/source", "--no-warnings"], // the stripping of types is experimental, and says so
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
  });
  return new Promise((resolve, reject) => {
    let last = 0;
    let since = performance.now();
    let cpu = process.cpuUsage();
    const end = (what: string): void => {
      clearInterval(watch);
      const input = new Uint8Array(shared.bytes.subarray(0, shared.state[1]));
      const died = { target: job.target, input, what };
      const report = { inputs: shared.state[0] as number, edges: 0, corpus: 0, slowestMs: 0, finds: [], died };
      worker.terminate().then(() => resolve(report), reject);
    };
    const watch = setInterval(() => {
      const now = Atomics.load(shared.state, 0);
      if (now !== last || now === 0) {
        last = now;
        since = performance.now();
        cpu = process.cpuUsage();
        return;
      }
      const { user, system } = process.cpuUsage(cpu); // this thread only waits: all of it is the worker's
      if ((user + system) / 1000 > HANG_MS) end(`hang: no end after ${HANG_MS} ms`);
      else if (performance.now() - since > WAIT_MS) end(`hang: it waits for ever`);
    }, POLL_MS);
    worker.on("message", (report: WorkerReport) => {
      clearInterval(watch);
      resolve(report);
    });
    worker.on("error", (error) => {
      // before the first input it is the fuzzer that is wrong, not the parser
      if (shared.state[0] !== 0) return end(`the worker died: ${String(error)}`);
      clearInterval(watch);
      reject(error);
    });
  });
}
