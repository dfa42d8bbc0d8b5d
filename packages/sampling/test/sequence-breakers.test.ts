import { expect, test } from "vitest";
import { DRY_SEQUENCE_BREAKERS, sequenceBreakers } from "../src/index.ts";

/** A vocabulary of these texts; `encode` takes the longest that fits, and gives up where none does. */
function vocabularyOf(...texts: string[]) {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  return {
    nVocab: texts.length,
    tokenBytes: (id: number) => encoder.encode(texts[id]),
    encode: (bytes: Uint8Array) => {
      const ids: number[] = [];
      for (let rest = decoder.decode(bytes); rest !== ""; ) {
        const fitting = texts
          .filter((text) => text !== "" && rest.startsWith(text))
          .sort((a, b) => b.length - a.length);
        if (fitting.length === 0) break;
        ids.push(texts.indexOf(fitting[0]!));
        rest = rest.slice(fitting[0]!.length);
      }
      return ids;
    },
  };
}

test("the defaults are llama.cpp's", () => {
  expect(DRY_SEQUENCE_BREAKERS).toEqual(["\n", ":", '"', "*"]);
});

test("every token that contains the text is a breaker of its own", () => {
  const vocabulary = vocabularyOf("a", ":", "x:", ":y", "x:y", "xy", "");
  expect(sequenceBreakers([":"], vocabulary)).toEqual([[1], [2], [3], [4]]);
});

test("a token that ends in a beginning of the text is one together with the encoded rest", () => {
  const vocabulary = vocabularyOf("#", "##", "a#", "b", "### #", " ");
  expect(sequenceBreakers(["###"], vocabulary)).toEqual([
    [0, 1], // # ##
    [1, 0], // ## #
    [1, 1], // ## ##, where the text begins with the second byte
    [2, 1], // a# ##
    [4], // has it all
  ]);
});

test("the same sequence is there once, empty texts not at all", () => {
  const vocabulary = vocabularyOf("a", ":", "::");
  expect(sequenceBreakers([":", ":", ""], vocabulary)).toEqual([[1], [2]]);
});

test("long texts and long rests are cut as in llama.cpp", () => {
  const vocabulary = vocabularyOf("a");
  const breaker = sequenceBreakers(["a".repeat(100)], vocabulary);
  expect(breaker).toEqual([[0, ...Array.from({ length: 20 }, () => 0)]]); // 40 bytes, then 20 tokens of the rest
});

test("a breaker in several bytes", () => {
  const vocabulary = vocabularyOf("—", "a—b", "é");
  expect(sequenceBreakers(["—"], vocabulary)).toEqual([[0], [1]]);
});
