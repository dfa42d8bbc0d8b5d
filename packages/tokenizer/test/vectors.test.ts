// Short texts whose ids are known: LLaMA's vocabulary, and a synthetic one that anyone can make.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { describeWithTestData, testData } from "../../../tools/test-data.ts";
import { createTokenizer, readSentencePieceModel, type VocabEntry } from "../src/index.ts";

/** Texts as byte values or as a string, with the ids that build 803 gives them; BOS is not among them. */
const LLAMA_VECTORS: [text: string | number[], ids: number[]][] = [
  ["Hello World", [10994, 2787]],
  [" Hello World", [15043, 2787]],
  [" Hello World!", [15043, 2787, 29991]],
  [" this is 🦙.cpp", [445, 338, 29871, 243, 162, 169, 156, 29889, 8223]],
  ["w048 7tuijk dsdfhu", [29893, 29900, 29946, 29947, 29871, 29955, 9161, 13535, 18031, 2176, 6905]],
  ["нещо на Български", [821, 4851, 665, 1386, 29713, 1305]],
  ["", []],
  [" ", [29871]],
  ["  ", [259]],
  ["   ", [1678]],
  ["\n", [13]],
  ["\n\n### Instruction:\n\n", [13, 13, 2277, 29937, 2799, 4080, 29901, 13, 13]],
  ["\n\n### Response:\n\n", [13, 13, 2277, 29937, 13291, 29901, 13, 13]],
  ["User:", [2659, 29901]],
  ["\u2581Hello", [229, 153, 132, 10994]],
  [
    [0xff, 0xfe],
    [258, 257],
  ],
  ["é", [29948]],
  ["e\u0301", [29872, 30103]],
  ["日本語", [30325, 30346, 30968]],
  ["\t", [12]],
  ["<s>", [29966, 29879, 29958]],
  ["</s>", [829, 29879, 29958]],
  ["<0x41>", [29966, 29900, 29916, 29946, 29896, 29958]],
  [" \u2047 ", [29871, 229, 132, 138, 29871]],
  ["a".repeat(16), [27137, 27137, 27137, 27137]],
  [
    [0xf0, 0x9f],
    [243, 162],
  ],
  [
    " Transcript of a dialog, where the User interacts with an Assistant named Bob.",
    [4103, 924, 310, 263, 7928, 29892, 988, 278, 4911, 16254, 29879, 411, 385, 4007, 22137, 4257, 7991, 29889],
  ],
];

describeWithTestData("LLaMA's vocabulary", () => {
  const tokenizer = createTokenizer(readSentencePieceModel(readFileSync(testData("vocab/llama-tokenizer.model"))));

  test.each(LLAMA_VECTORS)("%j", (text, ids) => {
    const input = typeof text === "string" ? text : Uint8Array.from(text);
    expect([...tokenizer.encode(input)]).toEqual(ids);
    const withBos = ids.length === 0 ? [] : [1, ...ids]; // empty text has no BOS either
    expect([...tokenizer.encode(input, { bos: true })]).toEqual(withBos);
  });

  test("vocabulary facts", () => {
    expect(tokenizer.nVocab).toBe(32_000);
    const texts = [0, 1, 2, 3, 13, 258, 259, 260, 261, 262].map((id) => [...tokenizer.tokenBytes(id)]);
    const ascii = (text: string) => [...new TextEncoder().encode(text)];
    expect(texts).toEqual([
      ascii(" \u2047 "),
      [],
      [],
      [0],
      [10],
      [255],
      ascii("  "),
      ascii(" t"),
      ascii("er"),
      ascii("in"),
    ]);
  });
});

/** The vocabulary of a synthetic golden model: bytes, 34 pieces, printable characters, then ` x388` to ` x511`. */
function syntheticVocabulary(): VocabEntry[] {
  const encoder = new TextEncoder();
  const pieces =
    " t|he| a|in|er|on| w|or| the|ll|re| s|ou|ed| b| c|an| o|is| m| f|ing|at| h| an| of|  |wor|ld|ello| wor| world|el|lo".split(
      "|",
    );
  const entries: VocabEntry[] = [
    { text: encoder.encode(" \u2047 "), score: 0 },
    { text: new Uint8Array(0), score: 0 },
    { text: new Uint8Array(0), score: 0 },
  ];
  for (let byte = 0; byte < 256; byte++) entries.push({ text: Uint8Array.of(byte), score: 0 });
  for (const [k, piece] of pieces.entries()) entries.push({ text: encoder.encode(piece), score: -k });
  for (let code = 0x20; code <= 0x7e; code++) entries.push({ text: Uint8Array.of(code), score: -entries.length });
  while (entries.length < 512) {
    entries.push({ text: encoder.encode(` x${entries.length}`), score: -(100_000 + entries.length) });
  }
  return entries;
}

describe("the synthetic vocabulary", () => {
  const tokenizer = createTokenizer(syntheticVocabulary());

  test.each([
    ["hello world", [260, 268, 372, 290]],
    [" the world is on", [267, 290, 293, 277, 293, 264]],
    [" Hello the  World!", [293, 333, 362, 268, 372, 267, 285, 348, 266, 287, 294]],
    ["üb", [198, 191, 359]],
    [" x300", [293, 381, 312, 309, 309]],
  ])("%j", (text, ids) => {
    expect([...tokenizer.encode(text)]).toEqual(ids);
  });
});
