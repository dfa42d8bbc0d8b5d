import { describe, expect, test } from "vitest";
import { countingBudget } from "../../../tools/counting-budget.ts";
import { seeds } from "../../../tools/fuzz/targets/tokenizer-json.ts";
import { createJsonTokenizer, isTokenizerModelError } from "../src/index.ts";
import { readJsonVocabulary } from "../src/json-tokenizer.ts";

const [BYTE_LEVEL, FALLBACK, TEKKEN] = seeds.map((seed) => JSON.parse(new TextDecoder().decode(seed)));
const bytesOf = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
const open = (value: unknown) => createJsonTokenizer(bytesOf(value), {}, "tokenizer.json");

describe("tokenizer.json", () => {
  test("byte-level: merges, special tokens and their white space, BOS of the post-processor", () => {
    const tokenizer = open(BYTE_LEVEL);
    expect([...tokenizer.encode("ab ab")]).toEqual([2, 4]);
    expect([...tokenizer.encode("ab <|end|> <x>ab")]).not.toContain(5);
    expect([...tokenizer.encode("ab <|end|> ab", { special: true, prompt: true })]).toEqual([5, 2, 5, 2]);
    // a word goes on behind it
    expect([...tokenizer.encode("<|end|>ab", { special: true })]).not.toContain(5);
    expect(tokenizer.special).toMatchObject({ bos: 5, ends: new Set([5]) });
  });

  test("plain texts with bytes for what is no token", () => {
    const tokenizer = open(FALLBACK);
    expect([...tokenizer.encode("a a\n")]).toEqual([1, 3, 0]);
    expect(tokenizer.decode([3, 0])).toBe(" a\n");
    expect([...tokenizer.encode("x")]).toEqual([4]);
  });

  test.each(["BertProcessing", "RobertaProcessing"])("what stands around texts by %s", (type) => {
    const processed = (cls: unknown) => open({ ...BYTE_LEVEL, post_processor: { type, sep: ["<|end|>", 5], cls } });
    const tokenizer = processed(["<|end|>", 5]);
    expect([...tokenizer.encode("ab", { prompt: true, eos: true })]).toEqual([5, 2, 5]);
    expect(() => processed(["<none>", 9])).toThrow(
      expect.objectContaining({ code: "E_FIELD", field: "post_processor.cls" }),
    );
  });

  test("errors name the file's own fields", () => {
    const merges = { ...BYTE_LEVEL, model: { ...BYTE_LEVEL.model, merges: ["a"] } };
    expect(() => open(merges)).toThrow(expect.objectContaining({ code: "E_FIELD", field: "model.merges[0]" }));
    const { added_tokens } = BYTE_LEVEL;
    const twice = { ...BYTE_LEVEL, added_tokens: [...added_tokens, { ...added_tokens[0], id: 40 }] };
    expect(() => open(twice)).toThrow(expect.objectContaining({ code: "E_DUP", field: "model.vocab[40]" }));
  });

  test("escapes of JSON", () => {
    const text = JSON.stringify(BYTE_LEVEL).replaceAll("\u0120", "\\u0120");
    expect([...open(text).encode("ab ab")]).toEqual([2, 4]);
  });

  const model = BYTE_LEVEL.model;
  test.each<[string, unknown, object]>([
    ["half of it", JSON.stringify(BYTE_LEVEL).slice(0, 300), { code: "E_JSON" }],
    ["a web page", "<!DOCTYPE html>", { code: "E_MAGIC", hint: "fetch it again" }],
    ["a pointer", "version https://git-lfs.github.com/spec/v1\n", { code: "E_MAGIC", hint: "git lfs pull fetches it" }],
    ["something behind it", `${JSON.stringify(BYTE_LEVEL)}x`, { code: "E_JSON" }],
    ["a key twice", '{"model":{},"model":{}}', { code: "E_DUP", field: "model" }],
    ["no model", {}, { code: "E_FIELD", field: "model" }],
    [
      "another kind",
      { ...BYTE_LEVEL, model: { ...model, type: "Unigram" } },
      { code: "E_UNSUPPORTED", field: "model.type", got: "Unigram" },
    ],
    [
      "dropout",
      { ...BYTE_LEVEL, model: { ...model, dropout: 0.1 } },
      { code: "E_UNSUPPORTED", field: "model.dropout" },
    ],
    [
      "a normalizer",
      { ...BYTE_LEVEL, normalizer: { type: "Lowercase" } },
      { code: "E_UNSUPPORTED", field: "normalizer", got: "Lowercase" },
    ],
    [
      "a pattern",
      {
        ...BYTE_LEVEL,
        pre_tokenizer: {
          type: "Sequence",
          pretokenizers: [
            { type: "Split", pattern: { Regex: "(a+)+$" }, behavior: "Isolated" },
            { type: "ByteLevel", use_regex: false },
          ],
        },
      },
      { code: "E_UNSUPPORTED", field: "pre_tokenizer", got: "(a+)+$" },
    ],
    ["no pre-tokenizer", { ...BYTE_LEVEL, pre_tokenizer: null }, { code: "E_UNSUPPORTED", field: "pre_tokenizer" }],
    [
      "an id twice",
      { ...BYTE_LEVEL, model: { ...model, vocab: { a: 0, b: 0 } } },
      { code: "E_DUP", field: "model.vocab" },
    ],
    [
      "a text twice",
      `{"model":{"type":"BPE","vocab":{"a":0,"a":1},"merges":[]},"pre_tokenizer":{"type":"ByteLevel"}}`,
      { code: "E_DUP" },
    ],
    ["an id that is far", { ...BYTE_LEVEL, model: { ...model, vocab: { a: 999_999 } } }, { code: "E_RANGE" }],
    ["an id beyond all", { ...BYTE_LEVEL, model: { ...model, vocab: { a: 1_000_000 } } }, { code: "E_RANGE" }],
    ["half an id", { ...BYTE_LEVEL, model: { ...model, vocab: { a: 1.5 } } }, { code: "E_FIELD" }],
    ["a merge of one", { ...BYTE_LEVEL, model: { ...model, merges: ["ab"] } }, { code: "E_FIELD" }],
    ["a lone surrogate", '{"model":{"type":"BPE","vocab":{"\\ud800":0},"merges":[]}}', { code: "E_UTF8" }],
    ["deep lists", `{"model":${"[".repeat(40)}`, { code: "E_LIMIT" }],
    [
      "an added token without an id",
      { ...BYTE_LEVEL, added_tokens: [{ content: "x" }] },
      { code: "E_FIELD", field: "added_tokens[0]" },
    ],
  ])("%s is refused", (_name, value, fields) => {
    let error: unknown;
    try {
      open(value);
    } catch (reason) {
      error = reason;
    }
    expect([isTokenizerModelError(error), error]).toEqual([
      true,
      expect.objectContaining({ file: "tokenizer.json", ...fields }),
    ]);
  });

  test("bytes that are no UTF-8", () => {
    expect(() => createJsonTokenizer(Uint8Array.of(0x7b, 0xff))).toThrow(expect.objectContaining({ code: "E_UTF8" }));
  });

  test("has as many added tokens as there are", () => {
    // more than 4 MiB, which as one value of JavaScript would take 80
    const added = Array.from({ length: 60_000 }, (_, i) => {
      const flags = { single_word: false, lstrip: false, rstrip: i === 7, normalized: false, special: i % 2 === 0 };
      return { id: 10 + i, content: `<custom_token_${i}>`, ...flags };
    });
    const tokenizer = open({ ...BYTE_LEVEL, added_tokens: added, model: { ...BYTE_LEVEL.model, vocab: { a: 0 } } });
    const text = "<custom_token_7> a<custom_token_59999><custom_token_2>";
    expect([...tokenizer.encode(text, { special: true })]).toEqual([17, 0, 60_009, 12]);
    expect(tokenizer.special.idOf("<custom_token_40000>")).toBe(40_010);
  });

  test.each(["the file", "the model"])("refuses more members of %s than its memory holds", (where) => {
    const object = `{${Array.from({ length: 20_000 }, (_, i) => `"${i.toString(36)}":0`).join()}}`;
    const refused = expect.objectContaining({ code: "E_LIMIT", expected: expect.stringMatching(/ bytes$/) });
    expect(() => open(where === "the file" ? object : `{"model":${object}}`)).toThrow(refused);
  });

  test("takes at most twice the bytes of the file and 1 MiB", () => {
    const vocab = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`t${i}`, i]));
    const merges = Array.from({ length: 100_000 }, (_, i) => `t ${i}`);
    const bytes = bytesOf({ ...FALLBACK, added_tokens: [], model: { ...FALLBACK.model, vocab, merges } });
    const budget = countingBudget();
    readJsonVocabulary(bytes, { budget });
    expect(budget.peakBytes).toBeLessThanOrEqual(2 * bytes.length + 2 ** 20);
    expect(() => readJsonVocabulary(bytes)).not.toThrow();
  });
});

describe("tekken.json", () => {
  test("tokens that are made in hundreds of ways are refused before there is room for these", () => {
    // all parts of a long text are tokens, so that each of n bytes is made in n - 1 ways
    const text = Uint8Array.from({ length: 400 }, (_, i) => (i * i) % 251);
    const tokens = new Set(Array.from({ length: 256 }, (_, byte) => Buffer.of(byte).toString("base64")));
    for (let length = 2; length <= 256; length += 1) {
      for (let at = 0; at < 8; at++) tokens.add(Buffer.from(text.subarray(at, at + length)).toString("base64"));
    }
    for (let length = 2; length <= 256; length += 1) {
      for (let at = 0; at < 8; at++) {
        tokens.add(Buffer.from(text.subarray(264 - at - length, 264 - at)).toString("base64"));
      }
    }
    const vocab = [...tokens].map((token_bytes, rank) => ({ rank, token_bytes }));
    const config = { default_vocab_size: vocab.length + 3, default_num_special_tokens: 3 };
    const refused = expect.objectContaining({ code: "E_LIMIT", field: "vocab" });
    expect(() => open({ ...TEKKEN, vocab, config })).toThrow(refused);
  });

  test("ids by rank, behind the special ones", () => {
    const tokenizer = open(TEKKEN);
    expect([...tokenizer.encode("ab</s>", { special: true })]).toEqual([259, 2]);
    expect([...tokenizer.encode("ba")]).toEqual([3 + 0x62, 3 + 0x61]);
    expect(tokenizer.decode(tokenizer.encode("é \u4e2d"))).toBe("é \u4e2d");
    expect(tokenizer.special).toMatchObject({ bos: 1, eos: 2 });
  });

  test.each<[string, object, object]>([
    ["few ranks", { vocab: TEKKEN.vocab.slice(0, 200) }, { code: "E_MISMATCH", field: "vocab" }],
    ["sizes", { config: { default_num_special_tokens: 3 } }, { code: "E_FIELD", field: "config.default_vocab_size" }],
    ["ranks in another order", { vocab: TEKKEN.vocab.toReversed() }, { code: "E_FIELD", field: "vocab[0].rank" }],
    [
      "no base64",
      { vocab: TEKKEN.vocab.with(7, { rank: 7, token_bytes: "!" }) },
      { code: "E_FIELD", field: "vocab[7].token_bytes" },
    ],
    [
      "bytes twice",
      { vocab: TEKKEN.vocab.with(7, { rank: 7, token_bytes: "AA==" }) },
      { code: "E_DUP", field: "vocab[7].token_bytes" },
    ],
    [
      "a special rank beyond",
      { special_tokens: [{ rank: 3, token_str: "x" }] },
      { code: "E_FIELD", field: "special_tokens" },
    ],
  ])("%s: refused", (_name, changes, fields) => {
    expect(() => open({ ...TEKKEN, ...changes })).toThrow(expect.objectContaining(fields));
  });
});
