// What holds for every text and vocabulary of byte pairs.

import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { PRE_TOKENIZER_NAMES, preTokenizer } from "../src/byte-level/pretokenizers.ts";
import { createGgufTokenizer, type Tokenizer } from "../src/index.ts";
import { textsOf } from "./support/texts.ts";

/** GPT-2's characters for bytes. */
const ALPHABET: readonly string[] = (() => {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const isPlain = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCharCode(isPlain ? byte : next++);
  });
})();

/** Merges of letters that texts here are made of. */
const MERGES = ["a b", "ab a", "b b", "a a", "aa aa", "ab ab", "\u0120 a", "\u00c3 \u00a9", "b a", "bb bb"];

function tokenizerOf(pre: string, merges: readonly string[] = MERGES): Tokenizer {
  const made = [...new Set(merges.map((merge) => merge.replace(" ", "")))].filter((text) => !ALPHABET.includes(text));
  return createGgufTokenizer({
    model: "gpt2",
    pre,
    name: undefined,
    tokens: textsOf([...ALPHABET, ...made, "<|end|>", "<u>"]),
    types: [...ALPHABET.map(() => 1), ...made.map(() => 1), 3, 4],
    scores: undefined,
    merges: textsOf(merges),
    ids: {},
    addBos: false,
    addSpacePrefix: undefined,
  });
}

const tokenizers = PRE_TOKENIZER_NAMES.filter((name) => preTokenizer(name)?.raw !== true).map((name) =>
  tokenizerOf(name),
);
const text = fc
  .array(
    fc.oneof(
      fc.constantFrom(..."aaabbb \n19.\u00e9", "<|end|>", "<u>", "abab", "a".repeat(40)),
      fc.string({ unit: "binary" }),
    ),
  )
  .map((parts) => parts.join("").toWellFormed());

test.prop([text, fc.nat(), fc.boolean()])("texts come back", (given, which, special) => {
  const tokenizer = tokenizers[which % tokenizers.length] as Tokenizer;
  const isComposed = [preTokenizer("qwen2"), preTokenizer("qwen35")].some(
    (row) => tokenizers[PRE_TOKENIZER_NAMES.findIndex((name) => preTokenizer(name) === row)] === tokenizer,
  );
  const ids = tokenizer.encode(given, { special });
  expect(tokenizer.decode(ids, { special })).toBe(isComposed ? given.normalize("NFC") : given);
  expect(tokenizer.encode(new TextEncoder().encode(given), { special })).toEqual(ids);
  expect([...tokenizer.encodeSlices(given, { special })].flatMap((part) => [...part])).toEqual([...ids]);
  const decoder = tokenizer.createDecoder({ special });
  expect([...Array.from(ids, (id) => decoder.push(id)), decoder.flush()].join("")).toBe(
    tokenizer.decode(ids, { special }),
  );
});

/** Merging as it is defined: the pair with the lowest rank, the left-most of equal ones, again and again. */
function plainMerges(piece: string, merges: readonly string[]): string[] {
  const symbols = Array.from(piece);
  for (;;) {
    let best = -1;
    let bestRank = merges.length;
    for (let i = 0; i + 1 < symbols.length; i++) {
      const rank = merges.indexOf(`${symbols[i]} ${symbols[i + 1]}`);
      if (rank >= 0 && rank < bestRank) {
        best = i;
        bestRank = rank;
      }
    }
    if (best < 0) return symbols;
    symbols.splice(best, 2, `${symbols[best]}${symbols[best + 1]}`);
  }
}

const word = fc.array(fc.constantFrom("a", "b"), { minLength: 1, maxLength: 90 }).map((letters) => letters.join(""));
const pairs = fc.array(fc.constantFrom("a", "b", "ab", "ba", "aa", "bb", "aab", "abab"), {
  minLength: 2,
  maxLength: 2,
});

test.prop([
  word,
  fc.array(
    pairs.map((pair) => pair.join(" ")),
    { minLength: 1, maxLength: 8 },
  ),
])("short and long words are merged as it is defined", (given, merges) => {
  const tokenizer = tokenizerOf("qwen2", merges);
  const ids = tokenizer.encode(given);
  const texts = Array.from(ids, (id) => tokenizer.decode([id]));
  expect(texts).toEqual(plainMerges(given, merges));
});

test.prop([word])("a merge may make what is no token: its bytes remain", (given) => {
  const tokenizer = createGgufTokenizer({
    model: "gpt2",
    pre: "qwen2",
    name: undefined,
    tokens: textsOf(ALPHABET),
    types: undefined,
    scores: undefined,
    merges: textsOf(["a b", "b a", "ab ab"]),
    ids: {},
    addBos: false,
    addSpacePrefix: undefined,
  });
  expect(tokenizer.decode(tokenizer.encode(given))).toBe(given);
});
