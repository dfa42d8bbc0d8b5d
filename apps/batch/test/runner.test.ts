// Answers to chunks, and what is kept of them.

import { readdirSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { workHere } from "../src/jobs/embedded.ts";
import type { Chunk } from "../src/jobs/job-kind.ts";
import { Disagreement, finishedOutput, joinResults, openResults } from "../src/jobs/results.ts";
import { createLineRunner } from "../src/lines/runner.ts";
import { type Folder, temporaryFolder } from "./support/programs.ts";

let folder: Folder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

const TERMS = { model: "m" };
const lines = (from: number, n: number): string =>
  JSON.stringify(
    Array.from({ length: n }, (_, i) => ({
      line: from + i,
      custom_id: `${from + i}`,
      url: "/v1/completions",
      body: { prompt: `${from + i}` },
    })),
  );

function chunk(from: number, n: number): Chunk {
  const name = `${String(from).padStart(4, "0")}-${n}`;
  return { id: name, name, label: name, payload: lines(from, n), units: n, bytes: n, isDone: false };
}

async function* chunks(n: number, each: number) {
  for (let i = 0; i < n; i++) yield chunk(i * each, each);
}

/** A model that answers with the prompt after a while, and notes how many it was asked at the same time. */
function mock(after: () => Promise<void> = () => new Promise((resolve) => setTimeout(resolve, 1))) {
  const state = { running: 0, most: 0 };
  const handler = async (_url: unknown, init?: { body?: unknown; signal?: AbortSignal | null }) => {
    state.most = Math.max(state.most, ++state.running);
    try {
      await after();
      init?.signal?.throwIfAborted();
      const { prompt } = JSON.parse(String(init?.body));
      return Response.json({ id: "cmpl-random", created: 5, choices: [{ text: prompt }] });
    } finally {
      state.running--;
    }
  };
  return { state, handler: handler as Parameters<typeof createLineRunner>[0] };
}

const options = { signal: new AbortController().signal, onChunk: () => undefined };

describe("the work of one process", () => {
  test("comes in order, whatever ends first, and no more at a time than asked for", async () => {
    const { state, handler } = mock(() => new Promise((resolve) => setTimeout(resolve, Math.random() * 5)));
    const results = await openResults(folder.path("r"), TERMS);
    await workHere(chunks(5, 20), createLineRunner(handler, 4, {}), results, options);
    expect(await joinResults(results, folder.path("out"), [])).toBe(0);
    const out = (await import("node:fs")).readFileSync(folder.path("out"), "utf8").trim().split("\n");
    expect(out.map((line) => JSON.parse(line).response.body.choices[0].text)).toEqual(
      Array.from({ length: 100 }, (_, i) => String(i)),
    );
    expect(out[0]).not.toContain("random");
    expect(JSON.parse(out[0]!).response.body.created).toBe(0);
    expect(state.most).toBe(8);
    expect(readdirSync(folder.path(""))).toEqual(["out"]);
  });

  test("waits for the disk where answers come faster", async () => {
    const results = await openResults(folder.path("r"), TERMS);
    const waiting: (() => void)[] = [];
    let taken = 0;
    async function* counted() {
      for await (const one of chunks(30, 1)) {
        taken++;
        yield one;
      }
    }
    const slow = { ...results, put: () => new Promise<void>((resolve) => waiting.push(resolve)) };
    const runner = createLineRunner(mock(async () => undefined).handler, 4, {});
    const work = workHere(counted(), runner, slow, options);
    const settled = async () => {
      for (let i = 0; i < 100; i++) await new Promise((resolve) => setImmediate(resolve));
    };
    await settled();
    expect(taken).toBeLessThan(12); // those that are kept, those that are answered, and the next one
    for (; taken < 30; await settled()) for (const resolve of waiting.splice(0)) resolve();
    for (const resolve of waiting.splice(0)) resolve();
    await work;
    await results.close();
  });

  test("ends with the disk's error, also while it waits for it", async () => {
    const results = await openResults(folder.path("r"), TERMS);
    const waiting: (() => void)[] = [];
    const full = {
      ...results,
      put: () =>
        new Promise<void>((resolve, reject) => {
          waiting.push(resolve);
          if (waiting.length < 4) return;
          setImmediate(() => reject(new Error("the disk is full")));
          setImmediate(() => waiting.map((release) => release())); // what was on its way before
        }),
    };
    const work = workHere(chunks(30, 1), createLineRunner(mock(async () => undefined).handler, 4, {}), full, options);
    await expect(work).rejects.toThrow("the disk is full");
    await results.close();
  });

  test("takes the next chunk when half of its places are idle", async () => {
    let answered = 0;
    const { handler } = mock(async () => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      answered++;
    });
    const left: number[] = [];
    async function* counted() {
      for await (const one of chunks(6, 4)) {
        left.push(4 * left.length - answered);
        yield one;
      }
    }
    const results = await openResults(folder.path("r"), TERMS);
    await workHere(counted(), createLineRunner(handler, 4, {}), results, options);
    await results.close();
    expect(left).toHaveLength(6);
    expect(Math.max(...left)).toBeLessThanOrEqual(2);
    expect(answered).toBe(24);
  });

  test("ends with the first failure, and with a signal; what is done stays", async () => {
    let n = 0;
    const { handler } = mock(async () => {
      if (++n > 30) throw new Error("the engine is gone");
    });
    const results = await openResults(folder.path("r"), TERMS);
    const runner = createLineRunner(handler, 4, {});
    await expect(workHere(chunks(20, 5), runner, results, options)).rejects.toThrow("the engine is gone");
    await results.close();
    const kept = await openResults(folder.path("r"), TERMS);
    expect(kept.names.length).toBeGreaterThan(2);
    const stop = new AbortController();
    const waiting = mock(() => new Promise((resolve) => setTimeout(resolve, 50)));
    setTimeout(() => stop.abort(new Error("stop")), 10);
    const work = workHere(chunks(20, 5), createLineRunner(waiting.handler, 4, {}), kept, {
      ...options,
      signal: stop.signal,
    });
    await expect(work).rejects.toThrow("stop");
    await kept.close();
  });

  test("an engine that fails is no answer", async () => {
    const handler = async () => Response.json({ error: { code: "engine_failed", message: "dead" } }, { status: 500 });
    const runner = createLineRunner(handler, 1, {});
    await expect(runner.run(lines(0, 2), options.signal)).rejects.toMatchObject({ code: "engine_failed" });
  });

  test("calls have ids by their place", async () => {
    const call = { id: "call_random", type: "function", function: { name: "f", arguments: "{}" } };
    const handler = async () => Response.json({ choices: [{ message: { tool_calls: [call, call] } }] });
    const runner = createLineRunner(handler, 1, {});
    const { text } = await runner.run(lines(0, 1), options.signal);
    const ids = JSON.parse(text).response.body.choices[0].message.tool_calls.map(({ id }: { id: string }) => id);
    expect(ids[0]).toMatch(/^call_[0-9a-f]{24}00$/);
    expect(ids[1]).toMatch(/01$/);
    expect((await runner.run(lines(0, 1), options.signal)).text).toBe(text);
  });
});

describe("results", () => {
  const product = (text: string) => ({ text, failed: 0 });

  test("a second one is compared, and a difference names both", async () => {
    const results = await openResults(folder.path("r"), TERMS);
    await results.put(chunk(1, 1), product("same\n"), "a");
    await results.put(chunk(1, 1), product("same\n"), "b");
    const error = await results.put(chunk(1, 1), product("sane\n"), "b").catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Disagreement);
    expect(error).toMatchObject({
      workers: ["a", "b"],
      message: expect.stringMatching(/^a and b disagree about .*byte 2/),
    });
    await results.close();
  });

  test("are for one process at a time, and for one model", async () => {
    const results = await openResults(folder.path("r"), TERMS);
    await expect(openResults(folder.path("r"), TERMS)).rejects.toMatchObject({ code: "E_LOCKED" });
    await results.close();
    await expect(openResults(folder.path("r"), { model: "n" })).rejects.toThrow(/model was m, and is n/);
    await (await openResults(folder.path("r"), TERMS)).close();
  });

  test("an output that is there is known by its bytes", async () => {
    const results = await openResults(folder.path("r"), TERMS);
    await results.put(chunk(1, 1), { text: "x\n", failed: 1 }, "a");
    const old = await results.all().next();
    expect(old.value).toMatchObject({ failed: 1 });
    writeFileSync(folder.path("out"), "mine");
    await expect(finishedOutput(results, folder.path("out"))).rejects.toThrow(/is there already/);
    await expect(joinResults(results, folder.path("out"), [])).rejects.toMatchObject({ code: "E_EXISTS" });
    await results.close();
  });
});
