// The queue and the steps: turns, bounds, and prompts that do not stop others.

import { memorySource } from "@ll/bytes";
import { openGgml } from "@ll/ggml-format";
import { configFromGgml, loadModel, type Model } from "@ll/llama";
import { createTokenizer } from "@ll/tokenizer";
import { afterEach, expect, test, vi } from "vitest";
import { SHORT_TEMPLATE, tinyModel } from "../../../tools/tiny-model.ts";
import { type ChatModel, createChatModel, type SchedulerOptions } from "../src/index.ts";
import { patternTemplate } from "../src/templates.ts";

const open: ChatModel[] = [];

afterEach(async () => {
  for (const model of open.splice(0)) await model.dispose();
});

async function newModel(scheduler: SchedulerOptions, parallel: number, contextTokens = 512) {
  const file = await openGgml(memorySource(await tinyModel("q4_0")));
  const model = await loadModel(file, configFromGgml(file.hyperParams), { threads: 1 });
  const batches = vi.spyOn(model, "evaluateBatch");
  const info = {
    ...{ name: "", container: "", contextTokens, parallel, threads: 1, kernels: "" },
    ...{ nParameters: 0, weightBytes: 0, weightType: "", pooling: "last" as const, warnings: [] },
  };
  const tokenizer = createTokenizer(file.vocab);
  const chat = createChatModel({ model, tokenizer, template: patternTemplate(SHORT_TEMPLATE), info, scheduler });
  open.push(chat);
  return { chat, batches, model };
}

const rowsOf = (items: Parameters<Model["evaluateBatch"]>[0]) => items.map(({ tokens }) => tokens.length);

test("a prompt of all of the context gets few rows while others generate, and all of a step when nobody does", async () => {
  const { chat, batches } = await newModel({ maxStepMs: 0.001 }, 4);
  const answers = [1, 2, 3].map((seed) => chat.chat("Hi", { seed, maxTokens: 80, ignoreEos: true }));
  for (const answer of answers) for await (const event of answer) if (event.type === "text") break;
  for (const answer of answers) answer.result().catch(() => undefined);
  await expect.poll(() => chat.stats().running).toBe(0);
  const streams = [1, 2, 3].map((seed) => chat.chat("Hi", { seed, maxTokens: 80, ignoreEos: true }));
  await vi.waitFor(() => expect(chat.stats().slots.filter(({ drawnTokens }) => drawnTokens > 2)).toHaveLength(3), {
    interval: 1,
  });
  batches.mockClear();
  const long = chat.chat("word ".repeat(90), { seed: 1, maxTokens: 1 });
  await Promise.all(streams.map((answer) => answer.result()));
  await long.result();
  const crowded = batches.mock.calls.map(([items]) => rowsOf(items)).filter((rows) => rows.length > 1);
  expect(crowded.length).toBeGreaterThan(10);
  for (const rows of crowded) {
    // every stream has its row in every step, and the prompt has 8
    expect(rows.filter((n) => n > 1).reduce((sum, n) => sum + n, 0)).toBeLessThanOrEqual(8);
  }
  batches.mockClear();
  await chat.chat("other ".repeat(60), { seed: 1, maxTokens: 1, reuse: false }).result();
  expect(Math.max(...batches.mock.calls.flatMap(([items]) => rowsOf(items)))).toBe(64);
});

test("prompts take turns", async () => {
  const { chat, batches } = await newModel({ maxStepMs: 0.001 }, 4);
  const stream = chat.chat("Hi", { seed: 1, maxTokens: 100, ignoreEos: true });
  for await (const event of stream) if (event.type === "text" && chat.stats().running === 1) break;
  const other = chat.chat("Hi", { seed: 1, maxTokens: 100, ignoreEos: true });
  await vi.waitFor(() => expect(chat.stats().slots.some(({ drawnTokens }) => drawnTokens > 10)).toBe(true), {
    interval: 1,
  });
  batches.mockClear();
  await Promise.all([1, 2, 3].map((i) => chat.chat(`${i} word `.repeat(20), { seed: 1, maxTokens: 1 }).result()));
  await other.result();
  const read = batches.mock.calls.map(([items]) =>
    items.filter(({ tokens }) => tokens.length > 1).map(({ context }) => context),
  );
  const turns = read.filter((contexts) => contexts.length === 1).map(([context]) => context);
  expect(new Set(turns).size).toBe(3);
  expect(turns.some((context, i) => i > 0 && context !== turns[i - 1])).toBe(true);
});

test("clients take turns in the queue, first come, first served within", async () => {
  const { chat } = await newModel({}, 1);
  const order: string[] = [];
  const ask = (name: string, client: string) =>
    chat
      .chat(name, { seed: 1, maxTokens: 1, client })
      .text()
      .then(() => order.push(name));
  await Promise.all([ask("a1", "a"), ask("a2", "a"), ask("a3", "a"), ask("b1", "b"), ask("b2", "b"), ask("c1", "c")]);
  expect(order).toEqual(["a1", "b1", "c1", "a2", "b2", "a3"]);
});

test("whoever finds the queue full is told so, and whoever waits too long", async () => {
  for (const [scheduler, code] of [
    [{ maxWaiting: 0 }, "E_OVERLOADED"],
    [{ maxWaitMs: 0 }, "E_QUEUE_TIMEOUT"],
  ] as const) {
    const { chat } = await newModel(scheduler, 1);
    const running = chat.chat("x", { seed: 1, maxTokens: 400, ignoreEos: true });
    await vi.waitFor(() => expect(chat.stats().running).toBe(1), { interval: 1 });
    await expect(chat.chat("y").result()).rejects.toMatchObject({ code });
    expect((await running.result()).finish).toBe("length");
    expect(chat.stats()).toMatchObject({ running: 0, waiting: 0 });
    expect(chat.stats().answerMs).toBeGreaterThan(0);
  }
});

test("contexts beyond the slots remember, each for its client alone unless they are shared", async () => {
  const question = "A question of some length about a cat and a dog and a bird?";
  for (const isShared of [false, true]) {
    const { chat } = await newModel({ contexts: 6, isShared }, 1);
    const cached = async (client: string, text: string) =>
      (await chat.chat(text, { seed: 1, maxTokens: 2, client }).result()).usage.cachedTokens;
    expect(await cached("a", question)).toBe(0);
    for (const text of ["One?", "Two?", "Three?"]) await cached("a", text);
    expect(await cached("a", question)).toBeGreaterThan(20);
    if (isShared) expect(await cached("b", question)).toBeGreaterThan(20);
    else expect(await cached("b", question)).toBe(0);
    expect(chat.stats().contexts).toBeGreaterThan(1);
    expect(chat.stats().slots.filter(({ state, held }) => state === "idle" && held > 0).length).toBeGreaterThan(1);
  }
});

test("steps are told", async () => {
  const steps: number[] = [];
  const { chat } = await newModel({ onStep: ({ rows, ms }) => steps.push(ms >= 0 ? rows : -1) }, 2);
  const { usage } = await chat.chat("Hi", { seed: 1, maxTokens: 4, ignoreEos: true }).result();
  expect(steps).toEqual([usage.promptTokens, 1, 1, 1]);
});

test("an engine that dies ends whoever runs and whoever waits, in whatever it dies", async () => {
  const { chat, batches, model } = await newModel({ contexts: 3 }, 1);
  const question = "A question of some length about a cat and a dog?";
  await chat.chat(question, { seed: 1, maxTokens: 2 }).result();
  const dead = new Error("a worker died");
  // while a context is made
  const createContext = vi.spyOn(model, "createContext").mockRejectedValue(dead);
  const ends = await Promise.allSettled(["One?", "Two?"].map((text) => chat.chat(text, { client: "b" }).result()));
  for (const end of ends) expect(end).toMatchObject({ reason: { code: "E_ENGINE", cause: dead } });
  createContext.mockRestore();
  // in a step
  batches.mockRejectedValueOnce(dead);
  await expect(chat.chat("Three?").result()).rejects.toMatchObject({ code: "E_ENGINE", cause: dead });
  expect(chat.stats()).toMatchObject({ running: 0, waiting: 0 });
  expect((await chat.chat(question, { seed: 1, maxTokens: 2 }).result()).finish).toBe("length");
});

test("so does one that dies while a sequence takes over what another one holds", async () => {
  const { chat, model } = await newModel({}, 2);
  const question = "A question of some length about a cat and a dog?";
  const dead = new Error("a worker died");
  const running = chat.chat(question, { seed: 1, ignoreEos: true });
  for await (const event of running) {
    if (event.type !== "text") continue;
    const made = model.createContext.bind(model);
    vi.spyOn(model, "createContext").mockImplementation(async (options) => {
      const context = await made(options);
      vi.spyOn(context, "copyPrefix").mockRejectedValue(dead);
      return context;
    });
    const other = chat.chat(question, { seed: 2, maxTokens: 2 });
    await expect(other.result()).rejects.toMatchObject({ code: "E_ENGINE", cause: dead });
    break;
  }
  expect(chat.stats()).toMatchObject({ running: 0, waiting: 0 });
});

test("logprobs of a prompt are those of the logits behind each of its tokens", async () => {
  const { chat, model } = await newModel({}, 2);
  const ids = [...chat.tokenizer.encode("Once upon a time there was a big red ball", { prompt: true })];
  const context = await model.createContext({ contextTokens: 512 });
  const logits = await context.evaluate(ids, 0, { logits: "all" });
  const nVocab = logits.length / ids.length;
  const expected = ids.slice(1).map((id, i) => {
    const row = logits.subarray(i * nVocab, (i + 1) * nVocab);
    const max = Math.max(...row);
    return (row[id] ?? 0) - max - Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - max), 0));
  });
  await context.dispose();
  const others = [1, 2].map((seed) => chat.chat("Hi", { seed, maxTokens: 30, ignoreEos: true }).result());
  for (const prompt of [ids, ids]) {
    const { promptLogprobs, usage } = await chat.complete(prompt, { promptLogprobs: 1, maxTokens: 1 }).result();
    expect(promptLogprobs.map(({ id }) => id)).toEqual(ids.slice(1));
    for (const [i, { logprob }] of promptLogprobs.entries()) expect(logprob).toBeCloseTo(expected[i] ?? 0, 10);
    expect(usage.cachedTokens).toBe(0);
  }
  await Promise.all(others);
});

test("ids are embedded as they are, one after the other", async () => {
  const { chat } = await newModel({}, 2);
  const ids = chat.tokenizer.encode("a cat", { prompt: true });
  const [one, two] = await Promise.all([chat.embed(ids), chat.embed("a cat")]);
  expect(one).toEqual(two);
  await expect(chat.embed("x", { signal: AbortSignal.abort(new Error("gone")) })).rejects.toThrow("gone");
  expect(await chat.embed(ids)).toEqual(one);
});
