// Workers that cannot be started: an error if the user asked for them, one thread and an event if not.

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { availableCores } from "@ll/bytes/workers";
import { describe, expect, test } from "vitest";
import { isWorkerError, type LoadModelEvent, loadModel } from "../../src/index.ts";
import { randomTensors, smallConfig, sourceOf } from "../support/hand-made.ts";
import { loadForTest } from "./support/engines.ts";

const config = smallConfig({ nKvHeads: 2 });
const source = sourceOf(config, randomTensors(config), "q4_0");
const WORKER = join(import.meta.dirname, "../../src/worker.ts");
const MISSING = join(import.meta.dirname, "no such worker.js");

describe("a worker whose script is missing", () => {
  test("fails a call that asks for threads, with its address and what to do", async () => {
    const error = await loadModel(source, config, { threads: 2, workerUrl: MISSING }).catch((cause: unknown) => cause);
    expect(isWorkerError(error)).toBe(true);
    expect(error).toMatchObject({ code: "E_WORKER", url: pathToFileURL(MISSING).href });
    expect((error as Error).message).toMatch(
      /^cannot start worker file:\S*\/no%20such%20worker\.js: .*Cannot find module.*; put the file @ll\/llama\/worker of the same version there, or give its address as "workerUrl": see the README of @ll\/llama$/s,
    );
  });

  test.skipIf(availableCores() < 2)("leaves the default call with one thread, and an event", async () => {
    const events: LoadModelEvent[] = [];
    const model = await loadForTest(source, config, {
      workerUrl: MISSING,
      onEvent: (event) => void events.push(event),
    });
    expect(model.threads).toBe(1);
    expect(model.kernels).not.toBe("scalar");
    const [failed, ...loaded] = events;
    expect(failed).toMatchObject({ kind: "workers-failed", error: { url: pathToFileURL(MISSING).href } });
    expect(loaded.length).toBeGreaterThan(0);
    expect(loaded.every(({ kind }) => kind === "weights-loaded")).toBe(true);

    const context = await model.createContext({ contextTokens: 8 });
    const one = await loadForTest(source, config, { threads: 1 });
    const logits = await (await one.createContext({ contextTokens: 8 })).evaluate([1, 2, 3], 0);
    expect(await context.evaluate([1, 2, 3], 0)).toEqual(logits);
  });

  test("is not looked for with one thread, unless that is to be a worker", async () => {
    const model = await loadForTest(source, config, { threads: 1, workerUrl: MISSING });
    expect(model.threads).toBe(1);
    const apart = loadModel(source, config, { threads: 1, offMainThread: true, workerUrl: MISSING });
    await expect(apart).rejects.toMatchObject({ code: "E_WORKER" });
  });
});

test("one worker gives the logits of one thread", async () => {
  const tokens = Int32Array.from({ length: 64 }, (_, i) => 1 + (i % 8));
  const logits: Float32Array[] = [];
  for (const offMainThread of [false, true]) {
    const model = await loadForTest(source, config, { threads: 1, offMainThread, workerUrl: WORKER });
    expect(model.threads).toBe(1);
    const context = await model.createContext({ contextTokens: 64 });
    logits.push(await context.evaluate(tokens, 0));
  }
  expect(logits[1]).toEqual(logits[0]);
});

test.each([
  ["a path", WORKER],
  ["an address", pathToFileURL(WORKER).href],
  ["a URL", pathToFileURL(WORKER)],
])("the script may be given as %s", async (_, workerUrl) => {
  const model = await loadForTest(source, config, { threads: 2, workerUrl });
  expect(model.threads).toBe(2);
});

test("the worker of another package is refused", async () => {
  const workerUrl = join(import.meta.dirname, "../../../convert/src/convert-worker.ts");
  await expect(loadModel(source, config, { threads: 2, workerUrl })).rejects.toThrow(
    /convert-worker\.ts: it is the worker of @ll\/convert \(sources\); put the file @ll\/llama\/worker/,
  );
});

test("an abort ends the wait for workers that say nothing", async () => {
  const controller = new AbortController();
  const workerUrl = new URL("data:text/javascript,setInterval(()=>{},1000)");
  const loading = loadModel(source, config, { threads: 2, workerUrl, signal: controller.signal });
  setTimeout(() => controller.abort(new Error("stop")), 50);
  await expect(loading).rejects.toThrow("stop");
});
