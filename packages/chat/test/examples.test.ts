// The examples of the README, on the embedded model, with what they print.

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, expectTypeOf, test } from "vitest";
import { fixture } from "../../../tools/test-data.ts";
import { tinyModel } from "../../../tools/tiny-model.ts";
import { type AnswerEvent, type ChatModel, restoreSession } from "../src/index.ts";
import { openModel } from "../src/node.ts";
import { type Person, runExamples } from "./support/examples.ts";

let model: ChatModel;
let made: Awaited<ReturnType<typeof runExamples>>;

beforeAll(async () => {
  model = await openModel(await tinyModel("q4_0"));
  made = await runExamples({ openModel, restoreSession }, await tinyModel("q4_0"));
});

afterAll(() => model.dispose());

test("1: a sentence, the one that ll-main writes", () => {
  const { cases } = JSON.parse(readFileSync(fixture("tiny/golden/tiny-main.json"), "utf8"));
  const recorded = cases.map(({ stdout }: { stdout?: { text?: string } }) => String(stdout?.text));
  expect(recorded.some((one: string) => one.startsWith(` Once upon a time${made.sentence}`))).toBe(true);
  expect(made.sentence).toMatchInlineSnapshot(
    `", there was a big rock. He lived in a small house with a red ball. The ball was not nice. One day, he went to the park to play with his friends. They played"`,
  );
});

test("2: a chat that streams", () => {
  const { streamed, whole } = made.streams;
  expect(streamed).toBe(whole);
  expect(streamed).toMatchInlineSnapshot(
    `"ter had an idea! He wanted to help his mom and dad. They all ate the disgusting toys, and they could see their hands. They were happy to"`,
  );
});

test("3: a session remembers, answers anew, branches and is saved", () => {
  const { first, anew, seed, roles, next } = made.session;
  expect([first, anew]).toMatchInlineSnapshot(`
    [
      "saw a pretty tree. The tree was very scared and wanted",
      "saw a big chubby ball in his",
    ]
  `);
  expect(seed).toBe(8);
  expect(roles).toEqual(["user", "assistant", "user", "assistant"]);
  expect(next[0]).toBe(next[1]);
});

test("4: JSON, typed by zod", async () => {
  expect(made.person).toMatchInlineSnapshot(`
    {
      "born": 2033,
      "name": "Hello, little girl,",
    }
  `);
  expectTypeOf<Person>().toEqualTypeOf<{ name: string; born: number }>();
  const plain = model.chat("A number?", { schema: { type: "integer", minimum: 3, maximum: 5 }, seed: 1 });
  expectTypeOf(plain.json()).resolves.toEqualTypeOf<unknown>();
  expect([3, 4, 5]).toContain(await plain.json());
});

test("5: tools", () => {
  expect(made.tools).toMatchInlineSnapshot(`
    {
      "calls": [
        "weather",
        {
          "city": "Bern",
        },
        "sunny in Bern",
        false,
      ],
      "roles": [
        "assistant",
        "tool",
        "assistant",
      ],
    }
  `);
});

test("6: stopped by a signal, and by leaving the loop", () => {
  expect(made.ends).toEqual({ ends: ["enough", "E_CANCELLED"], running: 0, waiting: 0 });
});

test("7: embeddings, and sixteen answers at once", () => {
  const { similarity, answers, alone } = made.many;
  expect(similarity).toMatchInlineSnapshot(`"0.8405"`);
  expect(answers).toEqual(alone);
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
