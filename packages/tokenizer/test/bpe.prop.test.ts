// Encoding compared with its plain twin, over vocabularies and texts of every kind.

import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { encodeSteps } from "../src/bpe.ts";
import { IdList } from "../src/id-list.ts";
import { createTokenizer, type VocabEntry } from "../src/index.ts";
import { createPieceTable, LLAMA_BYTE_IDS } from "../src/piece-table.ts";
import { TYPE } from "../src/pieces.ts";
import { bytes, vocabulary } from "./support/arbitraries.ts";
import { latin1, plainEncode } from "./support/plain-bpe.ts";
import { textsOf } from "./support/texts.ts";

/** Ids behind these small vocabularies, so that every byte has one: see tokenizer.test.ts for models without. */
const ROOM = { nVocab: 1000 };

test.prop([vocabulary, bytes({ maxLength: 60 })], { numRuns: 2000 })("short texts", (vocab, text) => {
  expect([...createTokenizer(vocab, ROOM).encode(text)]).toEqual(plainEncode(vocab, text));
});

// the queue works in blocks of 16 positions: these texts fill many
test.prop([vocabulary, bytes({ minLength: 100, maxLength: 500 })], { numRuns: 200 })("long texts", (vocab, text) => {
  expect([...createTokenizer(vocab, ROOM).encode(text)]).toEqual(plainEncode(vocab, text));
});

/** Normal pieces, and those that stay whole or are taken apart again: how they lie to the borders of windows must not matter. */
const types = fc.array(fc.constantFrom(TYPE.normal, TYPE.normal, TYPE["user-defined"], TYPE.unused), { minLength: 60 });

test.prop([vocabulary, types, bytes({ maxLength: 120 }), fc.integer({ min: 1, max: 24 })], { numRuns: 1000 })(
  "windows of any size give what one gives",
  (vocab, typeOf, text, windowBytes) => {
    const table = createPieceTable({
      texts: textsOf(vocab.map((entry) => entry.text)),
      scores: Float32Array.from(vocab, ({ score }) => score),
      types: Uint8Array.from(vocab, (_, id) => typeOf[id] as number),
      byteIds: LLAMA_BYTE_IDS,
      unkId: -1,
    });
    const idsOf = (bytes: number): number[] => {
      const ids = new IdList();
      for (const _ of encodeSteps(table, text, ids, bytes)); // no pause is taken
      return [...ids.take()];
    };
    expect(idsOf(windowBytes)).toEqual(idsOf(1000));
  },
);

/** Every power of two of the letters: long runs of ties, merged many times over. */
test.prop([fc.integer({ min: 1, max: 700 }), fc.boolean()])("runs of one letter", (length, longestFirst) => {
  const vocab: VocabEntry[] = Array.from({ length: 9 }, (_, k) => ({
    text: new Uint8Array(2 ** k).fill(0x61),
    score: longestFirst ? k : -k,
  }));
  const text = new Uint8Array(length).fill(0x61);
  expect([...createTokenizer(vocab, ROOM).encode(text)]).toEqual(plainEncode(vocab, text));
});

/**
 * Every power of `b`, longest first: a symbol grows letter by letter until it is long, beside characters that are pieces themselves
 * or only a part of longer ones.
 */
test.prop([
  fc.array(fc.tuple(fc.constantFrom("a", "\u00e9", "\u{1f999}", "c"), fc.integer({ min: 1, max: 120 })), {
    maxLength: 8,
  }),
  fc.boolean(),
])("long symbols", (runs, more) => {
  const encoder = new TextEncoder();
  const entry = (text: string, score: number): VocabEntry => ({ text: encoder.encode(text), score });
  const vocab = [
    ...Array.from({ length: 100 }, (_, k) => entry("b".repeat(k + 1), k)),
    entry(`a${"b".repeat(80)}`, 999),
    entry(`\u00e9${"b".repeat(80)}`, 999),
    entry(`${"b".repeat(80)}\u{1f999}`, 999),
    entry("c", 0),
  ];
  if (more) vocab.push(entry(`a${"b".repeat(20)}`, -1), entry(`${"b".repeat(90)}c`, 999), entry("a", 0));
  const text = encoder.encode(runs.map(([character, run]) => character + "b".repeat(run)).join(""));
  expect([...createTokenizer(vocab, ROOM).encode(text)]).toEqual(plainEncode(vocab, text));
});

test.prop([vocabulary, bytes({ maxLength: 60 })])("bos comes first, but not alone", (vocab, text) => {
  const tokenizer = createTokenizer(vocab, ROOM);
  const ids = [...tokenizer.encode(text)];
  expect([...tokenizer.encode(text, { bos: true })]).toEqual(text.length === 0 ? [] : [1, ...ids]);
});

test.prop([vocabulary, bytes({ maxLength: 30 }), bytes({ maxLength: 30 })])(
  "a tokenizer keeps nothing from one text to the next",
  (vocab, first, second) => {
    const tokenizer = createTokenizer(vocab, ROOM);
    const alone = tokenizer.encode(second);
    tokenizer.encode(first);
    expect(tokenizer.encode(second)).toEqual(alone);
  },
);

test("of equal texts the last id is encoded", () => {
  const entry = (text: string, score: number): VocabEntry => ({ text: new TextEncoder().encode(text), score });
  const vocab = [entry("ab", 0), entry("a", 0), entry("ab", -7), entry("a", 0)];
  expect(latin1(vocab[2]!.text)).toBe("ab");
  expect([...createTokenizer(vocab, ROOM).encode("aba")]).toEqual([2, 3]);
});
