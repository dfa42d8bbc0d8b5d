// Guesses of the next tokens: they are taken, and no answer is another for them, whoever runs beside it.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memorySource } from "@ll/bytes";
import { openGgml } from "@ll/ggml-format";
import { configFromGgml, modelMemory } from "@ll/llama";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tinyModel } from "../../../tools/tiny-model.ts";
import { fittingContext } from "../src/conversation.ts";
import type { ChatModel, GenerateOptions } from "../src/index.ts";
import { openModel } from "../src/node.ts";
import { smallModel } from "./support/small-model.ts";

const STORY = "Once upon a time there was a dog. Once upon a time there was a";

const SAMPLERS: readonly (readonly [string, GenerateOptions])[] = [
  ["greedy", { temperature: 0 }],
  ["the default chain", {}],
  ["top-p alone", { topK: 0, topP: 0.9 }],
  ["mirostat 2", { mirostat: 2 }],
  ["penalties", { repeatPenalty: 1.3, frequencyPenalty: 0.5, temperature: 0.3 }],
  ["a grammar", { grammar: 'root ::= "a" [a-z ,.]+' }],
  ["a stop text", { stop: ["the"] }],
];

let plain: ChatModel;

beforeAll(async () => {
  plain = await smallModel({ parallel: 1 });
});

afterAll(() => plain.dispose());

describe.each([
  ["of the text", { lookup: 6 }],
  ["of a model", { tokens: 4 }],
  ["of both", { lookup: 3, tokens: 2 }],
] as const)("guesses %s", (_, { lookup, tokens }: { lookup?: number; tokens?: number }) => {
  let guessing: ChatModel;

  beforeAll(async () => {
    const draft = tokens === undefined ? undefined : { from: await tinyModel("q8_0"), tokens };
    guessing = await smallModel({ parallel: 3, lookup, draft });
  });

  afterAll(() => guessing.dispose());

  test("seeds and samplers at once: the text, the numbers and the end are those without", async () => {
    const all = SAMPLERS.flatMap(([, options], i) =>
      [1, 2].map((seed): GenerateOptions => ({ maxTokens: 40, logprobs: 1, seed: 10 * i + seed, ...options })),
    );
    const results = await Promise.all(all.map((options) => guessing.complete(STORY, options).result()));
    for (const [i, { text, finish, logprobs, usage }] of results.entries()) {
      const expected = await plain.complete(STORY, { ...all[i], reuse: false }).result();
      expect({ text, finish, logprobs }).toEqual({
        text: expected.text,
        finish: expected.finish,
        logprobs: expected.logprobs,
      });
      expect(usage.completionTokens).toBe(expected.usage.completionTokens);
      expect(expected.usage).toMatchObject({ draftedTokens: 0, acceptedTokens: 0 });
    }
    const { draftedTokens, acceptedTokens, running } = guessing.stats();
    expect(running).toBe(0);
    expect(acceptedTokens).toBeGreaterThan(tokens === undefined ? 0 : 20);
    expect(draftedTokens).toBeGreaterThanOrEqual(acceptedTokens);
    expect(results.reduce((sum, { usage }) => sum + usage.acceptedTokens, 0)).toBe(acceptedTokens);
  });

  test("a conversation goes on, to the end of its context, and can be told not to guess", async () => {
    const [session, expected] = [guessing.session(), plain.session()];
    for (const text of ["A dog?", "A dog?", "A dog?"]) {
      const options = { seed: 5, maxTokens: 20, temperature: 0.2 };
      expect(await session.ask(text, options).text()).toBe(await expected.ask(text, options).text());
    }
    const whole = { seed: 3, temperature: 0 };
    expect(await guessing.complete(STORY, whole).text()).toBe(await plain.complete(STORY, whole).text());
    const { usage } = await guessing.complete(STORY, { ...whole, drafts: false }).result();
    expect(usage.draftedTokens).toBe(0);
  });

  test("an answer that is left leaves no trace", async () => {
    const options = { seed: 4, maxTokens: 30, temperature: 0 };
    for await (const text of guessing.complete(STORY, options).textStream) if (text.length > 0) break;
    const [a, b] = await Promise.all([guessing, plain].map((model) => model.complete(STORY, options).text()));
    expect(a).toBe(b);
    expect(guessing.stats()).toMatchObject({ running: 0, waiting: 0 });
  });
});

test("a model that guesses right spares passes", async () => {
  const guessing = await smallModel({ parallel: 1, draft: { from: await tinyModel("q4_0"), tokens: 8 } });
  const { usage } = await guessing
    .complete("Once upon a time", { maxTokens: 40, temperature: 0, repeatPenalty: 1 })
    .result();
  expect(usage.acceptedTokens).toBeGreaterThan(30);
  await guessing.dispose();
});

test("a context is no larger than what memory holds of it and of that of the model that guesses", async () => {
  const file = await openGgml(memorySource(await tinyModel("q4_0")));
  const config = configFromGgml(file.hyperParams);
  const { context } = await modelMemory(file, config, { contextTokens: 4096 });
  const wish = { trainedContextTokens: 4096, parallel: Math.floor(2 ** 31 / context) };
  expect(await fittingContext(file, config, wish)).toEqual({ contextTokens: 4096 });
  expect(await fittingContext(file, config, { ...wish, draft: { source: file, config } })).toEqual({
    contextTokens: 2048,
    warning: expect.stringContaining("2048 positions of 4096"),
  });
});

test("what cannot guess is refused, and everything is closed", async () => {
  const directory = mkdtempSync(join(tmpdir(), "ll-chat-"));
  const path = join(directory, "model.bin");
  writeFileSync(path, await tinyModel("q4_0"));
  await expect(openModel(path, { lookup: 65 })).rejects.toThrow('"lookup" expected an integer from 0 to 64, got 65');
  await expect(openModel(path, { draft: { from: path, tokens: -1 } })).rejects.toThrow('"draft.tokens" expected');
  await expect(openModel(path, { draft: { from: join(directory, "no.bin") } })).rejects.toMatchObject({ code: "E_IO" });
  const model = await openModel(path, { draft: { from: path } });
  expect((await model.complete(STORY, { maxTokens: 8, temperature: 0 }).result()).usage.draftedTokens).toBeGreaterThan(
    0,
  );
  await model.dispose();
  rmSync(directory, { recursive: true });
});

test("where options are refused behind the loading, no thread stays", async () => {
  const from = await tinyModel("q4_0");
  const kvType = "q3_0" as "q8_0";
  for (const wrong of [{ kvType }, { kvType, draft: { from } }, { lookup: 65 }, { draft: { from, tokens: -1 } }]) {
    await expect(openModel(from, { threads: 2, contextTokens: 64, ...wrong })).rejects.toThrow(/expected/);
  }
  Object.assign(process.report, { excludeNetwork: true }); // names of hosts are asked for otherwise
  const { workers } = process.report.getReport() as { workers: unknown[] };
  expect(workers).toEqual([]);
});
