// Work without bound is stopped; it takes seconds to get there.

import { expect, test } from "vitest";
import { createCandidates, createGrammarStage, createRng, isGrammarError, parseGrammar } from "../../src/index.ts";

test("twenty thousand alternatives, and as many tokens that begin differently", () => {
  const characters = Array.from({ length: 20_000 }, (_, i) => String.fromCodePoint(0x4e00 + i));
  const grammar = parseGrammar(`root ::= ${characters.map((c) => `"${c}"`).join("|")}`);
  const texts = ["", ...characters].map((c) => new TextEncoder().encode(c));
  const nVocab = texts.length;
  const stage = createGrammarStage({ grammar, nVocab, eosId: 0, tokenBytes: (id) => texts[id]! });
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
