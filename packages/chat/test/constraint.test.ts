// Constraints: behind thoughts, and calls in the notation of each family.

import { createCandidates, createRng } from "@ll/sampling";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { callGrammar, grammarStage } from "../src/constraint.ts";
import { createOutputParser, outputFormatOf } from "../src/formats.ts";
import type { ChatModel } from "../src/index.ts";
import { OUTPUTS } from "./format/outputs.ts";
import { smallModel } from "./support/small-model.ts";

let model: ChatModel;

beforeAll(async () => {
  model = await smallModel({ contextTokens: 512 });
});

afterAll(() => model.dispose());

test("a grammar begins behind the thought, which may begin in front of it", () => {
  const { tokenizer } = model;
  const { nVocab } = tokenizer;
  const progress = { isThinking: false, mayThink: true };
  const thoughtId = 300;
  const stage = grammarStage('root ::= "1" "2"', tokenizer, progress, thoughtId);
  if (stage.kind !== "custom") throw new TypeError("no custom stage");
  const idOf = (text: string) =>
    Array.from({ length: nVocab }, (_, id) => id).find((id) => tokenizer.decode([id]) === text);
  const permitted = () => {
    const candidates = createCandidates(nVocab);
    candidates.ids.set(Array.from({ length: nVocab }, (_, id) => id));
    candidates.n = nVocab;
    stage.apply(candidates, { logits: candidates.logits, lastTokens: [], rng: createRng(1), nVocab });
    return [...candidates.ids].filter((_, i) => candidates.logits[i] === 0);
  };
  const one = idOf("1") as number;
  expect(permitted()).toEqual(expect.arrayContaining([one, thoughtId]));
  expect(permitted()).not.toContain(idOf("2"));
  stage.accept?.(thoughtId); // no part of the grammar
  Object.assign(progress, { isThinking: true, mayThink: false });
  expect(permitted()).toHaveLength(nVocab);
  stage.accept?.(400); // nor is the thought
  progress.isThinking = false;
  expect(permitted()).toContain(one);
  expect(permitted()).not.toContain(thoughtId);
  stage.accept?.(one);
  expect(permitted()).not.toContain(one);
});

describe("forced calls are read as calls", () => {
  const templates = [...new Set(OUTPUTS.map(({ template }) => template))];
  const tools = {
    weather: { parameters: { type: "object", properties: { city: { enum: ["Rome", "Bern"] } }, required: ["city"] } },
    now: {},
  };

  test.each(templates)("%s", async (template) => {
    const format = outputFormatOf(template);
    for (const [names, isOne] of [
      [["weather", "now"], false],
      [["weather"], true],
    ] as const) {
      const grammar = callGrammar(format.calls.forced, tools, names, isOne, () => undefined) as string;
      for (const seed of [1, 2, 3]) {
        const answer = model.complete("Once", { grammar, seed, maxTokens: 300, temperature: 1.5 });
        const { text, finish } = await answer.result();
        if (finish === "length") continue;
        const parser = createOutputParser({ format, tools: new Map(Object.entries(tools)) });
        const parts = [...parser.push(text), ...parser.end()];
        expect(
          parts.map(({ type }) => type),
          text,
        ).toEqual(parts.map(() => "tool-call"));
        expect(parts.length, text).toBeGreaterThan(0);
        if (isOne) expect(parts, text).toHaveLength(1);
        for (const part of parts) {
          if (part.type !== "tool-call") continue;
          if (part.call.name === "weather") expect(["Rome", "Bern"]).toContain(part.call.arguments["city"]);
          else expect(part.call).toMatchObject({ name: "now", arguments: {} });
        }
      }
    }
  });
});
