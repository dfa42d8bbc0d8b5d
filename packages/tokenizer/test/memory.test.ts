// What a vocabulary may cost, on the counter of the budget: no more than twice the bytes that describe it, and 1 MiB.

import { type Budget, createBudget, headerBudget } from "@ll/bytes";
import { describe, expect, test } from "vitest";
import { createTokenizer, readSentencePieceModel, type SentencePieceModel, type VocabEntry } from "../src/index.ts";
import { largeModel } from "./support/large-model.ts";
import { modelBytes } from "./support/model-bytes.ts";
import { tinyBytes } from "./support/tiny.ts";

const unlimited = (): Budget => createBudget({ bytes: 2 ** 40, items: 2 ** 40, steps: 2 ** 40 });

describe.each([
  ["1,000,000 pieces in 12 MB", largeModel()],
  ["1,024 pieces", tinyBytes],
])("%s", (_, file) => {
  const most = 2 * file.length + 2 ** 20;
  let model: SentencePieceModel;

  test("reading", () => {
    const budget = headerBudget(file.length, "tokenizer.model");
    model = readSentencePieceModel(file, "tokenizer.model", { budget });
    expect(budget.peakBytes).toBeLessThanOrEqual(most);
    // texts, their places, scores and types stay
    expect(budget.usedBytes).toBeGreaterThan(9 * budget.usedItems);
    expect(budget.usedBytes).toBeLessThanOrEqual(file.length + 8);
  });

  test("making a tokenizer", () => {
    const budget = unlimited();
    createTokenizer(model, { budget });
    expect(budget.usedBytes).toBeGreaterThan(12 * model.pieces.length);
    expect(budget.peakBytes).toBeLessThanOrEqual(most);
  });
});

test("making a tokenizer of the vocabulary of a ggml file", () => {
  const entry = (id: number): VocabEntry => ({ text: new TextEncoder().encode(id.toString(36)), score: -id });
  const vocab = Array.from({ length: 300_000 }, (_, id) => entry(id));
  const fileBytes = vocab.reduce((sum, { text }) => sum + 4 + text.length + 4, 0);
  const budget = unlimited();
  createTokenizer(vocab, { budget });
  expect(budget.usedBytes).toBeGreaterThan(12 * vocab.length);
  expect(budget.peakBytes).toBeLessThanOrEqual(2 * fileBytes + 2 ** 20);
});

test("a model over its budget is refused before anything is made", () => {
  const file = modelBytes([{ text: "<unk>", score: 0, type: 2 }]);
  const budget = createBudget({ bytes: 10, items: 9, steps: 0 }, "tokenizer.model");
  const refused = expect.objectContaining({ code: "E_LIMIT", field: "pieces", expected: "at most 10 bytes" });
  expect(() => readSentencePieceModel(file, "tokenizer.model", { budget })).toThrow(refused);
  expect(budget.peakBytes).toBe(0);
});

test("a million pieces are looked up as few are", () => {
  const tokenizer = createTokenizer(readSentencePieceModel(largeModel(300_000)));
  // no text has two bytes, so nothing can be merged: each byte is the fallback of build 803
  expect([...tokenizer.encode("abc")]).toEqual([0x61 + 3, 0x62 + 3, 0x63 + 3]);
  const text = [...tokenizer.tokenBytes(299_999)];
  expect(text).toEqual([
    1 + (299_999 % 127),
    1 + (Math.floor(299_999 / 127) % 127),
    1 + Math.floor(299_999 / 127 ** 2),
  ]);
});
