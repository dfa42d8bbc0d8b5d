// A worker of barrier.test.ts: passes barriers and counts them until it is told to stop.

import { parentPort, workerData } from "node:worker_threads";
import { Barrier } from "../../../src/team/barrier.ts";

export interface BarrierWork {
  readonly words: Int32Array; // (BARRIER_WORDS)
  readonly counts: Int32Array; // (nWorkers): barriers that each worker has arrived at
  readonly index: number;
  readonly nBarriers: number;
  /** How late this worker is at each barrier. */
  readonly dawdleMs: number;
  /** The barrier at which this worker stops to arrive, as if it were dead. */
  readonly deadAt: number;
}

export interface BarrierResult {
  readonly outcome: "finished" | "aborted" | "poisoned";
  readonly nPassed: number;
  /** Barriers that were passed although somebody had not arrived yet. */
  readonly nTooEarly: number;
}

const { words, counts, index, nBarriers, dawdleMs, deadAt } = workerData as BarrierWork;
const nothing = new Int32Array(new SharedArrayBuffer(4)); // (1): nobody notifies it
const barrier = new Barrier(words, counts.length);
let nPassed = 0;
let nTooEarly = 0;

function run(): BarrierResult["outcome"] {
  while (nPassed < nBarriers) {
    if (nPassed === deadAt) Atomics.wait(nothing, 0, 0);
    if (dawdleMs > 0) Atomics.wait(nothing, 0, 0, dawdleMs);
    Atomics.add(counts, index, 1);
    if (!barrier.arrive()) return "aborted";
    for (let other = 0; other < counts.length; other++) {
      if (Atomics.load(counts, other) <= nPassed) nTooEarly++;
    }
    nPassed++;
  }
  return "finished";
}

let outcome: BarrierResult["outcome"] = "poisoned";
try {
  outcome = run();
} catch (error) {
  if ((error as Error).name !== "PoisonedError") throw error;
}
parentPort?.postMessage({ outcome, nPassed, nTooEarly } satisfies BarrierResult);
