// What ends the work early: a worker that dies, an abort, a source or a sink that fails. Nothing hangs, and no worker stays.

import { Worker } from "node:worker_threads";
import { type ByteSink, memorySink, memorySource } from "@ll/bytes";
import type { SpawnWorker } from "@ll/bytes/workers";
import { type GgmlFile, openGgml } from "@ll/ggml-format";
import { beforeAll, describe, expect, test } from "vitest";
import { type MortalWorker, mortalWorkers } from "../../../../tools/mortal-workers.ts";
import { isWorkerError, WorkerError } from "../../src/index.ts";
import { PIECE_VALUES } from "../../src/packing/packer.ts";
import { type QuantizeOptions, quantizeWith } from "../../src/quantize-model.ts";
import { ggjtBytes } from "../models.ts";

const CONVERT_WORKER = new URL("../../src/convert-worker.ts", import.meta.url);

const N_PIECES = 12;
const Q6_K = 18; // the slowest type: pieces wait in workers

let bytes: Uint8Array;
beforeAll(async () => {
  bytes = await ggjtBytes([{ name: "a.weight", shape: [256 * N_PIECES, PIECE_VALUES / 256] }]);
});

/** The model; `onRead` is awaited before each read of tensor data, with its number. */
async function model(onRead: (n: number) => void | Promise<void> = () => {}): Promise<GgmlFile> {
  const source = memorySource(bytes, "model.bin");
  let isOpen = false;
  let n = 0;
  const file = await openGgml({
    ...source,
    async read(offset, target) {
      if (isOpen) await onRead(n++);
      await source.read(offset, target);
    },
  });
  isOpen = true;
  return file;
}

/** A sink that calls `onPiece` with the number of each write, the header being 0. */
function watchedSink(onPiece: (n: number) => void | Promise<void>): ByteSink {
  let n = 0;
  return { bytesWritten: 0, write: async () => onPiece(n++) };
}

/** Lets two workers quantise; the error that came of it, and the workers. */
async function failure(
  file: GgmlFile,
  sink: ByteSink,
  workers: MortalWorker[],
  options: Partial<QuantizeOptions> = {},
): Promise<unknown> {
  const seams = { spawn: mortalWorkers(workers, CONVERT_WORKER), workerMs: 0 };
  const error = await quantizeWith(file, sink, { ftype: Q6_K, threads: 2, ...options }, seams).then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(workers.map(({ worker }) => worker.threadId)).toEqual([-1, -1]); // all are gone
  return error;
}

describe("a worker that dies", () => {
  test.each(["terminate", "exit", "throw"] as const)("by %s ends the work with a typed error", async (death) => {
    const workers: MortalWorker[] = [];
    const file = await model(async (n) => {
      const victim = workers[1];
      if (n !== 4 || victim === undefined) return;
      victim.kill(death);
      // a worker dies between pieces: hold the pieces that are left until it has
      await new Promise((resolve) => victim.worker.once("exit", resolve));
    });
    const error = await failure(file, memorySink(), workers);
    expect(error).toBeInstanceOf(WorkerError);
    expect(isWorkerError(error)).toBe(true);
    expect(error).toMatchObject({ name: "WorkerError", code: "E_WORKER" });
    expect((error as Error).message).toMatch(/^worker 2 of 2 died: /);
  });

  test("while a piece is written", async () => {
    const workers: MortalWorker[] = [];
    const sink = watchedSink(async (n) => {
      if (n !== 4) return;
      workers[0]?.kill("terminate");
      await new Promise((resolve) => workers[0]?.worker.once("exit", resolve));
    });
    expect(await failure(await model(), sink, workers)).toBeInstanceOf(WorkerError);
  });

  test("before it has begun", async () => {
    const spawn: SpawnWorker = (listeners) => {
      const worker = new Worker("no such file.js", { eval: true });
      worker.on("error", (error: Error) => listeners.death(error.message, error));
      return { post() {}, keepAlive() {}, terminate: () => worker.terminate() };
    };
    const work = quantizeWith(await model(), memorySink(), { ftype: 2, threads: 2 }, { spawn, workerMs: 0 });
    await expect(work).rejects.toThrow(WorkerError);
  });

  test("because it was never there takes along those that were started", async () => {
    const workers: MortalWorker[] = [];
    const start = mortalWorkers(workers, CONVERT_WORKER);
    const spawn: SpawnWorker = (listeners) => {
      if (workers.length === 1) throw new Error("no more threads");
      return start(listeners);
    };
    const work = quantizeWith(await model(), memorySink(), { ftype: 2, threads: 2 }, { spawn, workerMs: 0 });
    await expect(work).rejects.toThrow(
      /^cannot start worker file:.*: no more threads; put the file @ll\/convert\/worker/,
    );
    expect(workers.map(({ worker }) => worker.threadId)).toEqual([-1]);
  });
});

describe("the work ends early", () => {
  test("by an abort while pieces are packed: its reason, and few more reads", async () => {
    const controller = new AbortController();
    let nReads = 0;
    const file = await model((n) => {
      nReads = n + 1;
      if (n === 3) controller.abort(new Error("stop"));
    });
    const sink = memorySink();
    expect(await failure(file, sink, [], { signal: controller.signal })).toMatchObject({ message: "stop" });
    expect(nReads).toBe(4); // the one under way is the last
  });

  test("by a source that fails: its error, after what comes before it was written", async () => {
    const file = await model((n) => {
      if (n === 6) throw new Error("disk on fire");
    });
    let nWrites = 0;
    const sink = watchedSink((n) => {
      nWrites = n + 1;
    });
    expect(await failure(file, sink, [])).toMatchObject({ message: "disk on fire" });
    expect(nWrites).toBe(2 + 6); // header, record, pieces
  });

  test("by a sink that fails: its error, and no read is still under way", async () => {
    let reading = false;
    const file = await model(() => {
      reading = true;
      setImmediate(() => {
        reading = false;
      });
    });
    const sink = watchedSink((n) => {
      if (n === 3) throw new Error("disk full");
    });
    expect(await failure(file, sink, [])).toMatchObject({ message: "disk full" });
    await new Promise((resolve) => setImmediate(resolve));
    expect(reading).toBe(false);
  });
});
