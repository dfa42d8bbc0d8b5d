// Work without bound is stopped; it takes a while to get there.

import { expect, test } from "vitest";
import { createCandidates, createGrammarStage, createRng, isGrammarError, parseGrammar } from "../../src/index.ts";

const characters = Array.from({ length: 20_000 }, (_, i) => String.fromCodePoint(0x4e00 + i));

test.each([
  ["alternatives", `root ::= ${characters.map((c) => `"${c}"`).join("|")}`],
  ["members of a set", `root ::= [^${characters.join("")}] | [${characters.join("")}]`],
])("twenty thousand %s, and as many tokens that begin differently", (_name, text) => {
  const texts = ["", ...characters].map((c) => new TextEncoder().encode(c));
  const nVocab = texts.length;
  const grammar = parseGrammar(text);
  const stage = createGrammarStage({ grammar, nVocab, endIds: [0], tokenBytes: (id) => texts[id]! });
  const candidates = createCandidates(nVocab);
  const context = { logits: candidates.logits, lastTokens: [], rng: createRng(1), nVocab };
  let error: unknown;
  try {
    stage.apply(candidates, context);
  } catch (cause) {
    error = cause;
  }
  expect(isGrammarError(error, "E_LIMIT")).toBe(true);
});

test("each token has a budget of its own, also where texts are only followed", () => {
  // each depth has states of its own, with a thousand words that could come next
  const words = Array.from({ length: 1000 }, (_, i) => `"w${i}"`).join(" | ");
  const text = new TextEncoder().encode("(".repeat(250));
  const stage = createGrammarStage({
    grammar: parseGrammar(`root ::= "(" root ")" | ${words}`),
    nVocab: 1,
    endIds: [],
    tokenBytes: () => text,
  });
  // a quarter of a million stacks each time, and a million are allowed
  for (let i = 0; i < 6; i++) stage.accept(0);
  expect(() => stage.accept(1)).toThrow(RangeError); // it does look at what it accepts
});
