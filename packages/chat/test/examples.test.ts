// The examples of the README, on the embedded model, with what they print.

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { fixture } from "../../../tools/test-data.ts";
import { tinyModel } from "../../../tools/tiny-model.ts";
import { type AnswerEvent, type ChatModel, restoreSession } from "../src/index.ts";
import { openModel } from "../src/node.ts";

let model: ChatModel;

beforeAll(async () => {
  model = await openModel(await tinyModel("q4_0"));
});

afterAll(() => model.dispose());

test("1: a sentence, the one that ll-main writes", async () => {
  const text = await model.complete("Once upon a time", { maxTokens: 40, seed: 1 }).text();
  const { cases } = JSON.parse(readFileSync(fixture("tiny/golden/tiny-main.json"), "utf8"));
  const recorded = cases.map(({ stdout }: { stdout?: { text?: string } }) => String(stdout?.text));
  expect(recorded.some((one: string) => one.startsWith(` Once upon a time${text}`))).toBe(true);
  expect(text).toMatchInlineSnapshot(
    `", there was a big rock. He lived in a small house with a red ball. The ball was not nice. One day, he went to the park to play with his friends. They played"`,
  );
});

test("2: a chat that streams", async () => {
  const answer = model.chat("Tell me a story.", { temperature: 0.7, seed: 1, maxTokens: 40 });
  let streamed = "";
  for await (const text of answer.textStream) streamed += text;
  expect(streamed).toBe(await answer.text());
  expect(streamed).toMatchInlineSnapshot(
    `"ter had an idea! He wanted to help his mom and dad. They all ate the disgusting toys, and they could see their hands. They were happy to"`,
  );
});

test("3: a session remembers, answers anew, branches and is saved", async () => {
  const session = model.session({ system: "You answer in one sentence." });
  const first = await session.ask("Who was Ada Lovelace?", { seed: 7, maxTokens: 12 }).text();
  const other = session.fork();
  const anew = other.regenerate({ temperature: 1, maxTokens: 12 });
  expect((await anew.result()).seed).toBe(8);
  expect([first, await anew.text()]).toMatchInlineSnapshot(`
    [
      "saw a pretty tree. The tree was very scared and wanted",
      "saw a big chubby ball in his",
    ]
  `);
  expect(session.turns.map(({ role }) => role)).toEqual(["user", "assistant"]);
  const restored = restoreSession(model, JSON.parse(JSON.stringify(session)));
  expect(restored.turns).toEqual(session.turns);
  const [a, b] = [restored, session].map((one) => one.ask("And then?", { seed: 3, maxTokens: 8 }).text());
  expect(await a).toBe(await b);
});

test("4: JSON, typed by zod", async () => {
  const Person = z.object({ name: z.string().max(20), born: z.int().min(1000).max(2100) });
  const person = await model.chat("Ada Lovelace, 1815.", { schema: Person, temperature: 0 }).json();
  expectTypeOf(person).toEqualTypeOf<{ name: string; born: number }>();
  expect(person).toMatchInlineSnapshot(`
    {
      "born": 2033,
      "name": "Hello, little girl,",
    }
  `);
  const plain = model.chat("A number?", { schema: { type: "integer", minimum: 3, maximum: 5 }, seed: 1 });
  expectTypeOf(plain.json()).resolves.toEqualTypeOf<unknown>();
  expect([3, 4, 5]).toContain(await plain.json());
});

test("5: tools", async () => {
  const answer = model.chat("What is the weather in Rome?", {
    tools: {
      weather: {
        description: "Weather of a city",
        parameters: z.object({ city: z.enum(["Rome", "Bern"]) }),
        run: ({ city }: { city: string }) => `sunny in ${city}`,
      },
    },
    toolChoice: "required",
    parallelToolCalls: false,
    seed: 1,
    maxTokens: 60,
  });
  const seen: unknown[] = [];
  for await (const event of answer) {
    if (event.type === "tool-call") seen.push(event.call.name, event.call.arguments);
    if (event.type === "tool-result") seen.push(event.result, event.isError);
  }
  expect(seen).toMatchInlineSnapshot(`
    [
      "weather",
      {
        "city": "Bern",
      },
      "sunny in Bern",
      false,
    ]
  `);
  const { messages, finish, usage } = await answer.result();
  expect(messages.map(({ role }) => role)).toEqual(["assistant", "tool", "assistant"]);
  expect(finish).not.toBe("tool-calls");
  expect(usage.cachedTokens).toBeGreaterThan(0);
});

test("6: stopped by a signal, and by leaving the loop", async () => {
  const controller = new AbortController();
  const aborted = model.chat("Count to a million.", { signal: controller.signal, seed: 1 });
  let n = 0;
  await expect(async () => {
    for await (const _ of aborted.textStream) if (++n === 3) controller.abort(new Error("enough"));
  }).rejects.toThrow("enough");
  await expect(aborted.text()).rejects.toThrow("enough");

  const left = model.chat("Count to a million.", { seed: 1 });
  for await (const text of left.textStream) if (text.includes("a")) break;
  await expect(left.result()).rejects.toMatchObject({ code: "E_CANCELLED" });
  expect(model.stats()).toMatchObject({ running: 0, waiting: 0 });
});

test("7: embeddings, and sixteen answers at once", async () => {
  const [a, b] = await model.embed(["a cat", "a dog"]);
  const similarity = (a as Float32Array).reduce((sum, x, i) => sum + x * ((b as Float32Array)[i] as number), 0);
  expect(similarity.toFixed(4)).toMatchInlineSnapshot(`"0.8405"`);
  const questions = Array.from({ length: 16 }, (_, i) => `Question ${i}?`);
  const answers = await Promise.all(questions.map((q) => model.chat(q, { seed: 1, maxTokens: 12 }).text()));
  for (const [i, q] of questions.entries()) {
    expect(await model.chat(q, { seed: 1, maxTokens: 12, reuse: false }).text()).toBe(answers[i]);
  }
});

test("8: a file that was dropped on a page", async () => {
  const file = new Blob([(await tinyModel("q4_0")) as Uint8Array<ArrayBuffer>]);
  const loaded: number[] = [];
  const local = await openModel(file, {
    onEvent: (event) => event.kind === "weights-loaded" && loaded.push(event.bytes / event.total),
  });
  expect(loaded.at(-1)).toBe(1);
  expect(await local.complete("Once upon a time", { maxTokens: 40, seed: 1 }).text()).toBe(
    await model.complete("Once upon a time", { maxTokens: 40, seed: 1 }).text(),
  );
  await local.dispose();
});

test("what one answer says of itself", async () => {
  const answer = model.complete("Once upon a time", { maxTokens: 5, seed: 1, logprobs: 2, n: 2 });
  const events: AnswerEvent[] = [];
  for await (const event of answer) events.push(event);
  const result = await answer.result();
  expect(events.at(-1)).toEqual({ type: "finish", finish: "length" });
  expect(events.filter(({ type }) => type === "prompt").at(-1)).toMatchObject({ total: 5, done: 5 });
  expect(result).toMatchObject({ seed: 1, finish: "length", usage: { promptTokens: 5, completionTokens: 5 } });
  expect(result.logprobs).toHaveLength(5);
  for (const { logprob, top } of result.logprobs) {
    expect(logprob).toBeLessThan(0);
    expect(top).toHaveLength(2);
    expect(top[0]?.logprob).toBeGreaterThanOrEqual(top[1]?.logprob ?? 0);
  }
  expect(result.alternatives).toHaveLength(1);
  expect(result.alternatives[0]).toMatchObject({ seed: 2 });
  expect(result.alternatives[0]?.text).toBe(await model.complete("Once upon a time", { maxTokens: 5, seed: 2 }).text());
});

test("counts of tokens", async () => {
  expect(model.countTokens("Once upon a time")).toBe(model.tokenizer.encode("Once upon a time").length);
  const { usage } = await model.chat("Hello", { seed: 1, maxTokens: 1 }).result();
  expect(model.countTokens([{ role: "user", content: "Hello" }])).toBe(usage.promptTokens);
});
