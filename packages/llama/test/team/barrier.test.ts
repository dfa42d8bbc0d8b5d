import { Worker } from "node:worker_threads";
import { describe, expect, onTestFinished, test } from "vitest";
import { BARRIER_WORDS, poison, setAbort } from "../../src/team/barrier.ts";
import type { BarrierResult, BarrierWork } from "./support/barrier-worker.ts";

const NEVER = -1;

interface Crew {
  readonly words: Int32Array; // (BARRIER_WORDS)
  readonly counts: Int32Array; // (nWorkers)
  readonly results: Promise<BarrierResult>[];
}

/** Starts workers that pass `nBarriers`; the last one comes `dawdleMs` late to each, and dies at barrier `deadAt`. */
function start(nWorkers: number, nBarriers: number, dawdleMs: number, deadAt = NEVER): Crew {
  const words = new Int32Array(new SharedArrayBuffer(4 * BARRIER_WORDS));
  const counts = new Int32Array(new SharedArrayBuffer(4 * nWorkers));
  const results = Array.from({ length: nWorkers }, (_, index) => {
    const isLast = index === nWorkers - 1;
    const character = isLast ? { dawdleMs, deadAt } : { dawdleMs: 0, deadAt: NEVER };
    const workerData: BarrierWork = { words, counts, index, nBarriers, ...character };
    const worker = new Worker(new URL("./support/barrier-worker.ts", import.meta.url), { workerData });
    onTestFinished(async () => {
      await worker.terminate();
    });
    return new Promise<BarrierResult>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
    });
  });
  return { words, counts, results };
}

describe.each([
  ["all equally fast", 0],
  ["one slow enough for the others to fall asleep", 0.5],
])("workers, %s:", (_, dawdleMs) => {
  test.each([2, 3])("%i of them never pass before all have arrived", async (nWorkers) => {
    const { results } = start(nWorkers, 300, dawdleMs);
    for (const result of await Promise.all(results)) {
      expect(result).toEqual({ outcome: "finished", nPassed: 300, nTooEarly: 0 });
    }
  });

  test("leave at the same barrier after an abort", async () => {
    const { words, counts, results } = start(3, Number.MAX_SAFE_INTEGER, dawdleMs);
    while (Atomics.load(counts, 0) < 10) await new Promise((resolve) => setTimeout(resolve, 1));
    setAbort(words, true);
    const [first, ...others] = await Promise.all(results);
    expect(first?.outcome).toBe("aborted");
    expect(others).toEqual([first, first]);
  });

  test("leave a barrier at which one of them is missing when they are poisoned", async () => {
    const { words, counts, results } = start(3, 10, dawdleMs, 5);
    while (Atomics.load(counts, 0) < 6 || Atomics.load(counts, 1) < 6) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    poison(words);
    expect(await Promise.all(results.slice(0, 2))).toEqual(
      Array(2).fill({ outcome: "poisoned", nPassed: 5, nTooEarly: 0 }),
    );
  });
});
