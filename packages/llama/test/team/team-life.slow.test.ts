// Teams that come and go: workers killed over and over, models loaded and disposed of over and over. LL_KILLS=100 for the long form.

import { expect, test } from "vitest";
import type { Death } from "../../../../tools/mortal-workers.ts";
import { loadModel, WorkerError } from "../../src/index.ts";
import { randomTensors, smallConfig, sourceOf } from "../support/hand-made.ts";
import { loadMortal } from "./support/engines.ts";

// 12 MB of weights, some seconds of work
const config = { ...smallConfig({ nKvHeads: 2 }), nEmbd: 512, nFf: 1024, nLayers: 8 };
const source = sourceOf(config, randomTensors(config), "q4_0");
const prompt = Array.from({ length: 1000 }, (_, i) => i % 96);

const KILLS = Number(process.env["LL_KILLS"] ?? 20);

test(`a worker killed at any moment of an evaluation fails it, ${KILLS} times`, async () => {
  for (let i = 0; i < KILLS; i++) {
    const { model, workers } = await loadMortal(source, config, 2 + (i % 2));
    const context = await model.createContext({ contextTokens: 1000 });
    const ended = context.evaluate(prompt, 0).then(
      () => undefined,
      (error: unknown) => ({ error, at: performance.now() }),
    );
    await new Promise((resolve) => setTimeout(resolve, (3 * i) % 60));
    const killedAt = performance.now();
    // a worker in the middle of an evaluation hears no message: only terminate reaches it
    workers[i % workers.length]?.kill("terminate");
    const failure = await ended;
    expect(failure?.error).toBeInstanceOf(WorkerError);
    expect((failure?.at ?? Number.NaN) - killedAt).toBeLessThan(20_000); // twenty times what is promised: the machine may be busy
    await model.dispose();
  }
});

test(`a worker that ends itself between evaluations is noticed, ${KILLS} times`, async () => {
  for (let i = 0; i < KILLS; i++) {
    const death: Death = i % 2 === 0 ? "exit" : "throw";
    const { model, workers } = await loadMortal(source, config, 2);
    const context = await model.createContext({ contextTokens: 100 });
    await context.evaluate([1, 2, 3], 0);
    workers[i % 2]?.kill(death);
    const evaluateForEver = async (): Promise<never> => {
      for (;;) await context.evaluate([1], 0);
    };
    await expect(evaluateForEver()).rejects.toThrow(WorkerError);
    await model.dispose();
  }
});

test.each([1, 2])("loading and disposing again and again keeps memory flat, on %i threads", async (threads) => {
  const liveOnce = async (): Promise<void> => {
    const model = await loadModel(source, config, { threads });
    const context = await model.createContext({ contextTokens: 2048 });
    await context.evaluate(prompt.slice(0, 64), 0);
    await model.dispose();
  };
  const residentMiB = (): number => process.memoryUsage.rss() / 2 ** 20;
  for (let i = 0; i < 20; i++) await liveOnce();
  const before = residentMiB();
  for (let i = 0; i < 60; i++) await liveOnce();
  // each round takes 12 MiB of weights and 16 MiB of cache: a leak of either would be 700 MiB; the collector has its own mind
  expect(residentMiB() - before).toBeLessThan(100);
});
