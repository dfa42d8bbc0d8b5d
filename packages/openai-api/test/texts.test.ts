// Texts: those of ll-main, and those before a stop text, wherever it and the characters of the text are cut.

import { readFileSync } from "node:fs";
import { test as property } from "@fast-check/vitest";
import { type ChatModel, openModel } from "@ll/chat";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fixture } from "../../../tools/test-data.ts";
import { tinyModel } from "../../../tools/tiny-model.ts";
import { type Ask, asker } from "./support/small-model.ts";
import { expectStopped, stopTexts, textPath } from "./support/stop-texts.ts";

let model: ChatModel;
let ask: Ask;

beforeAll(async () => {
  model = await openModel(await tinyModel("q4_0"), { contextTokens: 512 });
  ask = asker(model).ask;
});

afterAll(() => model.dispose());

interface Case {
  readonly model: string;
  readonly args: readonly string[];
  readonly stdout: { readonly text: string };
}

const { cases } = JSON.parse(readFileSync(fixture("tiny/golden/tiny-main.json"), "utf8")) as { cases: readonly Case[] };
const PLAIN = /^-n\|(\d+)(\|--temp\|0)?\|-s\|(\d+)\|-p\|([^|]*)$/;
const recorded = cases.flatMap(({ model: type, args, stdout }) => {
  const found = type === "q4_0" ? PLAIN.exec(args.join("|")) : null;
  if (found === null) return [];
  const [, n, greedy, seed, prompt = ""] = found;
  const sampling = greedy === undefined ? {} : { temperature: 0 };
  return [{ body: { prompt, max_tokens: Number(n), seed: Number(seed), ...sampling }, text: stdout.text }];
});

test.each(recorded.map((one) => [JSON.stringify(one.body), one] as const))(
  "as ll-main: %s",
  async (_name, { body, text }) => {
    const { body: answer } = await ask("/v1/completions", { ...body, echo: true });
    expect(` ${answer.choices[0].text}`.trimEnd()).toBe(text.trimEnd());
  },
);

test("there are recordings", () => {
  expect(recorded.length).toBeGreaterThan(5);
});

property.prop([stopTexts, textPath], { numRuns: 60 })(
  "ends before the first of any stop texts, streamed and not",
  (stops, path) => expectStopped(ask, stops, path),
);

test("a prompt that is echoed has its logprobs, and its tokens their places", async () => {
  const prompt = "Once upon a time";
  const { body } = await ask("/v1/completions", { prompt, max_tokens: 2, temperature: 0, echo: true, logprobs: 1 });
  const [{ text, logprobs }] = body.choices;
  expect(text.startsWith(prompt)).toBe(true);
  expect(logprobs.tokens.join("")).toBe(` ${text}`);
  expect(logprobs.token_logprobs[0]).toBeNull();
  expect(logprobs.token_logprobs.slice(1).every((value: number) => value <= 0)).toBe(true);
  for (const [i, token] of logprobs.tokens.slice(2).entries()) {
    expect(text.slice(logprobs.text_offset[i + 2]).startsWith(token)).toBe(true);
  }
  const ids = [...model.tokenizer.encode(prompt, { prompt: true })];
  const { body: same } = await ask("/v1/completions", {
    prompt: ids,
    max_tokens: 2,
    temperature: 0,
    echo: true,
    logprobs: 1,
  });
  expect(same.choices[0].logprobs.token_logprobs).toEqual(logprobs.token_logprobs);
  const streamed = await ask("/v1/completions", { prompt, echo: true, logprobs: 1, stream: true });
  expect(streamed.body.error).toMatchObject({ code: "unsupported_parameter", param: "echo" });
});
