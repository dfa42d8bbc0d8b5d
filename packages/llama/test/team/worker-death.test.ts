import { Worker } from "node:worker_threads";
import type { SpawnWorker } from "@ll/bytes/workers";
import { describe, expect, test } from "vitest";
import type { MortalWorker } from "../../../../tools/mortal-workers.ts";
import { isWorkerError, type SourceTensor, type TensorSource, WorkerError } from "../../src/index.ts";
import { randomTensors, smallConfig, sourceOf } from "../support/hand-made.ts";
import { loadForTest, loadMortal, mortalTeam } from "./support/engines.ts";

// some seconds of work
const config = { ...smallConfig({ nKvHeads: 2 }), nEmbd: 512, nFf: 1024, nLayers: 8 };
const source = sourceOf(config, randomTensors(config), "q4_0");
const prompt = Array.from({ length: 1000 }, (_, i) => i % 96);

/** The error of `work`; undefined if there is none. */
async function failure(work: Promise<unknown>): Promise<{ error: unknown }> {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  return { error };
}

describe("a worker that dies", () => {
  test("in the middle of an evaluation fails it and all that waits, within a second", async () => {
    const { model, workers } = await loadMortal(source, config, 3);
    const [one, two] = await Promise.all([0, 1].map(() => model.createContext({ contextTokens: 1000 })));
    const running = failure(one!.evaluate(prompt, 0));
    const queued = failure(two!.evaluate(prompt, 0));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const dying = performance.now();
    workers[1]?.kill("terminate");
    for (const { error } of await Promise.all([running, queued])) {
      expect(error).toBeInstanceOf(WorkerError);
      expect(isWorkerError(error)).toBe(true);
      expect(error).toMatchObject({ name: "WorkerError", code: "E_WORKER" });
    }
    expect(performance.now() - dying).toBeLessThan(20_000); // twenty times what is promised: the machine may be busy
    // the others are gone too, and nothing hangs
    await expect(one!.evaluate([1], 0)).rejects.toThrow(WorkerError);
    await expect(model.createContext()).rejects.toThrow(WorkerError);
    await expect(two!.readKv(1)).rejects.toThrow(WorkerError);
    await two!.dispose();
    await model.dispose();
    expect(workers.map(({ worker }) => worker.threadId)).toEqual([-1, -1, -1]);
  });

  test.each(["terminate", "exit", "throw"] as const)("between evaluations by %s", async (death) => {
    const { model, workers } = await loadMortal(source, config, 2);
    const context = await model.createContext({ contextTokens: 100 });
    await context.evaluate([1, 2, 3], 0);
    workers[0]?.kill(death);
    const { error } = await failure(
      (async () => {
        for (;;) await context.evaluate([1], 0);
      })(),
    );
    expect(error).toBeInstanceOf(WorkerError);
  });

  test("while it loads", async () => {
    const workers: MortalWorker[] = [];
    const deadly: TensorSource = {
      names: () => source.names(),
      tensor(name): SourceTensor | undefined {
        const tensor = source.tensor(name);
        if (name !== "layers.1.attention.wk.weight") return tensor;
        return (
          tensor && {
            ...tensor,
            async read(offset, target) {
              workers[1]?.kill("terminate");
              await tensor.read(offset, target);
            },
          }
        );
      },
    };
    const loading = loadForTest(deadly, config, { threads: 2 }, { spawn: mortalTeam(workers) });
    await expect(loading).rejects.toThrow(WorkerError);
  });

  test("before it has begun", async () => {
    const spawn: SpawnWorker = (listeners) => {
      const worker = new Worker("no such file.js", { eval: true });
      worker.on("error", (error: Error) => listeners.death(error.message, error));
      return { post() {}, keepAlive() {}, terminate: () => worker.terminate() };
    };
    await expect(loadForTest(source, config, { threads: 2 }, { spawn })).rejects.toThrow(WorkerError);
  });

  test("because it was never there takes along those that were started", async () => {
    const workers: MortalWorker[] = [];
    const start = mortalTeam(workers);
    const spawn: SpawnWorker = (listeners) => {
      if (workers.length === 2) throw new Error("no more threads");
      return start(listeners);
    };
    const { error } = await failure(loadForTest(source, config, { threads: 3 }, { spawn }));
    expect(error).toBeInstanceOf(WorkerError);
    expect((error as Error).message).toMatch(
      /^cannot start worker file:.*: no more threads; put the file @ll\/llama\/worker/,
    );
    expect(workers.map(({ worker }) => worker.threadId)).toEqual([-1, -1]);
  });

  test("while a context is given up does not fail that", async () => {
    const { model, workers } = await loadMortal(source, config, 2);
    const context = await model.createContext({ contextTokens: 100 });
    workers[0]?.kill("terminate");
    const disposal = context.dispose(); // its request is on the way when the death is noticed
    await expect(disposal).resolves.toBeUndefined();
  });
});
