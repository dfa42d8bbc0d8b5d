// The bad-input corpus of tokenizer.json (TJ) and tekken.json (TK): rows marked + must open. Every refusal is typed, names what was found, and
// stays inside the budget of a parser.

import { isFormatError } from "@ll/bytes";
import { describe, expect, test } from "vitest";
import { seeds } from "../../../tools/fuzz/targets/tokenizer-json.ts";
import { countingBudget, expectWithinPromise } from "../../../tools/parser-cost.ts";
import { createJsonTokenizer, type Tokenizer } from "../src/index.ts";
import { readJsonVocabulary } from "../src/json-tokenizer.ts";

const encoder = new TextEncoder();
const [BYTES = {}, , TEKKEN = {}] = seeds.map((seed) => JSON.parse(new TextDecoder().decode(seed)));
const json = (value: unknown): string => JSON.stringify(value);
const model = (changes: object): string => json({ ...BYTES, model: { ...BYTES.model, ...changes } });
const vocab = (text: string): string =>
  `{"pre_tokenizer":{"type":"ByteLevel"},"model":{"type":"BPE","merges":[],"vocab":${text}}}`;
const added = (tokens: unknown): string => json({ ...BYTES, added_tokens: tokens });
const tekken = (changes: object): string => json({ ...TEKKEN, ...changes });
const ranks = (text: string, at: number): object => ({ vocab: TEKKEN.vocab.with(at, { rank: at, token_bytes: text }) });

type Row = readonly [name: string, input: string | Uint8Array, code: string];

const ROWS: readonly Row[] = [
  ["TJ01 nothing", "", "E_JSON"],
  ["TJ01 white space", " \n", "E_JSON"],
  ["TJ01 null", "null", "E_JSON"],
  ["TJ01 a list", "[]", "E_JSON"],
  ["TJ01 an empty object", "{}", "E_FIELD"],
  ["TJ02 a byte order mark", `\ufeff${json(BYTES)}`, "E_JSON"],
  ["TJ02 UTF-16", Buffer.from(json(BYTES), "utf16le"), "E_JSON"],
  ["TJ02 a comment", `/* */${json(BYTES)}`, "E_JSON"],
  ["TJ02 NaN", vocab('{"a":NaN}'), "E_JSON"],
  ["TJ02 single quotes", "{'model':{}}", "E_JSON"],
  ["TJ02 a comma too many", vocab('{"a":0,}'), "E_JSON"],
  ["TJ02 a second value", `${json(BYTES)}{}`, "E_JSON"],
  ["TJ03 a key twice", '{"model":{},"model":{}}', "E_DUP"],
  ["TJ03 a key twice, once escaped", '{"model":{},"\\u006dodel":{}}', "E_DUP"],
  ["TJ03 a key of the model twice", '{"model":{"type":"BPE","type":"BPE"}}', "E_DUP"],
  ["TJ03 a text twice, once escaped", vocab('{"a":0,"\\u0061":1}'), "E_DUP"],
  ["TJ03 an id twice", vocab('{"a":0,"b":0}'), "E_DUP"],
  ["TJ04 lists in lists", `{"x":${"[".repeat(100_000)}`, "E_LIMIT"],
  ["TJ04 objects in objects", `{"normalizer":${'{"a":'.repeat(100_000)}`, "E_LIMIT"],
  ["TJ06 an id below 0", vocab('{"a":-1}'), "E_FIELD"],
  ["TJ06 half an id", vocab('{"a":0.5}'), "E_FIELD"],
  ["TJ06 an id with an exponent", vocab('{"a":1e3}'), "E_FIELD"],
  ["TJ06 an id as text", vocab('{"a":"0"}'), "E_FIELD"],
  ["TJ06 an id of 2^53 + 1", vocab('{"a":9007199254740993}'), "E_FIELD"],
  ["TJ06 an id of a million", vocab('{"a":1000000}'), "E_RANGE"],
  ["TJ06 an id far behind the others", vocab('{"a":999999}'), "E_RANGE"],
  ["TJ06 no token", vocab("{}"), "E_EMPTY"],
  ["TJ07 no merges", '{"pre_tokenizer":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{"a":0}}}', "E_FIELD"],
  ["TJ07 a merge of one", model({ merges: ["ab"] }), "E_FIELD"],
  ["TJ07 a merge of nothing", model({ merges: [""] }), "E_FIELD"],
  ["TJ07 a merge without a right", model({ merges: ["a "] }), "E_FIELD"],
  ["TJ07 a pair of one", model({ merges: [["a"]] }), "E_JSON"],
  ["TJ07 a pair of three", model({ merges: [["a", "b", "c"]] }), "E_JSON"],
  ["TJ07 a number in place of a merge", model({ merges: [7] }), "E_JSON"],
  ["TJ07 merges in an object", model({ merges: {} }), "E_JSON"],
  ["TJ08 added tokens that are no list", added({}), "E_FIELD"],
  ["TJ08 an added token that is null", added([null]), "E_FIELD"],
  ["TJ08 an added token without an id", added([{ content: "x" }]), "E_FIELD"],
  ["TJ08 an added token without a text", added([{ id: 5 }]), "E_FIELD"],
  ["TJ08 an added token with half an id", added([{ id: 5.5, content: "x" }]), "E_FIELD"],
  ["TJ08 an added token far away", added([{ id: 999_999, content: "x" }]), "E_RANGE"],
  ["TJ08 two added tokens of one text", added([5, 6].map((id) => ({ id, content: "x", special: true }))), "E_DUP"],
  ["TJ09 a long key", `{"${"k".repeat(257)}":0}`, "E_LIMIT"],
  [
    "TJ09 a long token that is cut out of texts",
    added([{ id: 5, content: "x".repeat(513), special: true }]),
    "E_LIMIT",
  ],
  ["TJ09 a long merge", model({ merges: [`a ${"b".repeat(2 ** 17)}`] }), "E_FIELD"],
  ["TJ09 a long pre-tokenizer", json({ ...BYTES, pre_tokenizer: { x: "y".repeat(2 ** 22) } }), "E_LIMIT"],
  ["TJ10 Unigram", model({ type: "Unigram" }), "E_UNSUPPORTED"],
  ["TJ10 WordPiece", model({ type: "WordPiece" }), "E_UNSUPPORTED"],
  ["TJ10 a type that is a number", model({ type: 7 }), "E_UNSUPPORTED"],
  ["TJ10 dropout", model({ dropout: 0.1 }), "E_UNSUPPORTED"],
  ["TJ10 a prefix of parts of words", model({ continuing_subword_prefix: "##" }), "E_UNSUPPORTED"],
  ["TJ10 a normalizer", json({ ...BYTES, normalizer: { type: "Precompiled" } }), "E_UNSUPPORTED"],
  ["TJ10 a pattern that explodes", splitting("(a+)+$"), "E_UNSUPPORTED"],
  ["TJ10 a pattern that is none", splitting("(["), "E_UNSUPPORTED"],
  ["TJ10 no pre-tokenizer", json({ ...BYTES, pre_tokenizer: null }), "E_UNSUPPORTED"],
  ["TJ11 a byte that is no UTF-8", Uint8Array.of(0x7b, 0xff, 0x7d), "E_UTF8"],
  ["TJ11 a slash in two bytes", Uint8Array.of(0x7b, 0xc0, 0xaf, 0x7d), "E_UTF8"],
  ["TJ11 a surrogate as bytes", Uint8Array.of(0x7b, 0xed, 0xa0, 0x80, 0x7d), "E_UTF8"],
  ["TJ11 a lone surrogate", vocab('{"\\ud800":0}'), "E_UTF8"],
  ["TJ11 a surrogate before a letter", vocab('{"\\ud800\\u0061":0}'), "E_UTF8"],
  ["TJ11 an escape that is none", vocab('{"\\x":0}'), "E_JSON"],
  ["TJ11 a line break in a text", vocab('{"\n":0}'), "E_JSON"],
  ["TK01 no sizes", tekken({ config: {} }), "E_FIELD"],
  ["TK01 sizes of null", tekken({ config: null }), "E_FIELD"],
  ["TK02 a size below 0", sized(-1, 260), "E_FIELD"],
  ["TK02 half a size", sized(1.5, 260), "E_FIELD"],
  ["TK02 a size as text", sized("3", 260), "E_FIELD"],
  ["TK02 a size of 1e308", sized(3, 1e308), "E_FIELD"],
  ["TK02 fewer ranks than bytes", sized(3, 258), "E_FIELD"],
  ["TK02 a million ranks in a small file", sized(3, 1_000_000), "E_MISMATCH"],
  ["TK02 a million special tokens in a small file", sized(900_000, 1_000_000), "E_LIMIT"],
  ["TK02 a few ranks too many", sized(3, 300), "E_MISMATCH"],
  ["TK03 ranks in another order", tekken({ vocab: TEKKEN.vocab.toReversed() }), "E_FIELD"],
  ["TK03 a rank twice", tekken({ vocab: TEKKEN.vocab.with(1, TEKKEN.vocab[0]) }), "E_FIELD"],
  ["TK03 no list", tekken({ vocab: {} }), "E_MISMATCH"],
  ["TK03 a token that is null", tekken({ vocab: TEKKEN.vocab.with(1, null) }), "E_JSON"],
  ["TK04 no base64", tekken(ranks("!", 7)), "E_FIELD"],
  ["TK04 no bytes", tekken(ranks("", 7)), "E_FIELD"],
  ["TK04 257 bytes", tekken(ranks(Buffer.alloc(257).toString("base64"), 256)), "E_FIELD"],
  ["TK04 bytes twice", tekken(ranks("AA==", 7)), "E_DUP"],
  ["TK05 special tokens that are no list", tekken({ special_tokens: {} }), "E_FIELD"],
  ["TK05 a special token that is null", tekken({ special_tokens: [null] }), "E_FIELD"],
  ["TK05 a special rank beyond the others", tekken({ special_tokens: [{ rank: 3, token_str: "x" }] }), "E_FIELD"],
  ["TK05 a special rank of length", tekken({ special_tokens: [{ rank: "length", token_str: "x" }] }), "E_FIELD"],
  ["TK06 a key twice", `${tekken({}).slice(0, -1)},"config":{}}`, "E_DUP"],
];

function splitting(pattern: string): string {
  const split = { type: "Split", pattern: { Regex: pattern }, behavior: "Isolated" };
  const pretokenizers = [split, { type: "ByteLevel", use_regex: false }];
  return json({ ...BYTES, pre_tokenizer: { type: "Sequence", pretokenizers } });
}

function sized(nSpecial: unknown, nAll: unknown): string {
  return tekken({ config: { default_num_special_tokens: nSpecial, default_vocab_size: nAll } });
}

const bytesOf = (input: string | Uint8Array): Uint8Array =>
  typeof input === "string" ? encoder.encode(input) : new Uint8Array(input);

function open(input: string | Uint8Array): Tokenizer {
  return createJsonTokenizer(bytesOf(input), {}, "tokenizer.json");
}

function errorOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("bad inputs", () => {
  test.each(ROWS)("%s", (_name, input, code) => {
    const error = errorOf(() => open(input));
    expect(error).toMatchObject({ name: "TokenizerModelError", code, file: "tokenizer.json" });
    expect(error).toMatchObject({ field: expect.any(String), expected: expect.anything(), got: expect.anything() });
    expect((error as Error).message.length).toBeLessThanOrEqual(512);
    const bytes = bytesOf(input);
    const budget = countingBudget();
    errorOf(() => readJsonVocabulary(bytes, { budget }));
    expectWithinPromise(budget, bytes.length);
  });

  test("a message shows hostile text inert and short", () => {
    const hostile = "\u001b]0;title\u0007\u202e".repeat(300);
    const error = errorOf(() => open(model({ type: hostile }))) as Error;
    expect(error.message.length).toBeLessThanOrEqual(512);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is the point
    expect(error.message).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202a-\u202e]/);
  });
});

describe("TJ05 names of JavaScript", () => {
  test("+ are texts like any other, and change nothing", () => {
    const tokenizer = open(vocab('{"__proto__":0,"constructor":1,"toString":2,"_":3}'));
    expect(tokenizer.nVocab).toBe(4);
    expect(tokenizer.decode([0, 1])).toBe("__proto__constructor");
  });

  test("+ as keys are passed over", () => {
    const file = `{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},${json(BYTES).slice(1)}`;
    expect(open(file).nVocab).toBe(7);
    expect(open(added([JSON.parse('{"id":5,"content":"x","__proto__":{"special":true}}')])).nVocab).toBe(6);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

test("TJ07 + a merge of texts that are no tokens, and one that comes twice", () => {
  const tokenizer = open(model({ merges: ["a b", "a b", "x y", "xy z"] }));
  expect([...tokenizer.encode("ab")]).toEqual([2]);
});

describe("words that are no texts", () => {
  const withWord = (word: string): string => `{"x":[${word}],${json(BYTES).slice(1)}`;

  test.each(["0", "7", "10", "-0", "-1.5", "1e5", "2.5E-07", "true", "false", "null", "1".repeat(40)])(
    "+ %s",
    (word) => {
      expect(open(withWord(word)).nVocab).toBe(open(json(BYTES)).nVocab);
    },
  );

  test.each(["01", "00", "-", "+1", "1.", ".5", "1e", "tru", "nul1", "NaN", "0x10", "", "1".repeat(41)])(
    "'%s' is none",
    (word) => {
      expect(errorOf(() => open(withWord(`1,${word}`)))).toMatchObject({ code: "E_JSON" });
    },
  );
});

describe.each([
  ["TJ12", seeds[0] as Uint8Array],
  ["TK07", encoder.encode(tekken({ vocab: TEKKEN.vocab }))],
])("%s parts of a file", (_id, seed) => {
  const read = (bytes: Uint8Array): unknown => errorOf(() => readJsonVocabulary(bytes, {}, "tokenizer.json"));
  const step = Math.ceil(seed.length / 1000);

  test("every beginning is refused", () => {
    for (let length = 0; length < seed.length; length += step) {
      expect(read(seed.subarray(0, length)), `${length} bytes`).toMatchObject({
        code: expect.stringMatching(/^E_/),
      });
    }
  });

  test("every flipped bit is refused in words, or harmless", () => {
    const bytes = seed.slice();
    for (let bit = 0; bit < 8 * seed.length; bit += 8 * step + 1) {
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
      const error = read(bytes);
      expect(error === undefined || isFormatError(error), `bit ${bit}`).toBe(true);
      bytes[bit >> 3] = seed[bit >> 3] as number;
    }
  });
});
