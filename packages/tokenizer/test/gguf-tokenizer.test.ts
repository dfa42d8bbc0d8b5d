import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { describeWithTestData, fixture, testData } from "../../../tools/test-data.ts";
import {
  createGgufTokenizer,
  createTokenizer,
  type GgufTokenizer,
  isTokenizerModelError,
  readSentencePieceModel,
  type TokenizerOptions,
} from "../src/index.ts";
import { readGgufTokenizer } from "./support/gguf-vocabulary.ts";
import { textsOf } from "./support/texts.ts";

/** Bytes as byte-level vocabularies spell them. */
const spelled = (byte: number): string => {
  const isPlain = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  if (isPlain) return String.fromCharCode(byte);
  const before = Array.from({ length: byte }, (_, b) => b).filter(
    (b) => !((b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae),
  );
  return String.fromCharCode(0x100 + before.length);
};
const BYTES = Array.from({ length: 256 }, (_, byte) => spelled(byte));
const WORDS = ["ab", "Ġab", "abc", "<think>", "<|end_of_turn|>", "<|im_end|>", "<|eot_id|>"];
const [AB, SPACE_AB, ABC, THINK, TURN, IM_END, EOT] = Array.from({ length: 7 }, (_, i) => 256 + i) as [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
];
const MERGES = ["a b", "Ġ ab", "ab c"];

const bytes: GgufTokenizer = {
  model: "gpt2",
  pre: "llama-bpe",
  name: undefined,
  tokens: textsOf([...BYTES, ...WORDS]),
  types: [...BYTES.map(() => 1), 1, 1, 1, 4, 3, 3, 1],
  scores: undefined,
  merges: textsOf(MERGES),
  ids: { bos: TURN, eos: IM_END },
  addBos: undefined,
  addSpacePrefix: undefined,
};

const PIECES = ["<unk>", "<s>", "</s>", "<0x0A>", "\u2581", "a", "\u2581a", "b", "<x>"];
const scores: GgufTokenizer = {
  ...bytes,
  model: "llama",
  pre: "default",
  tokens: textsOf(PIECES),
  types: [2, 3, 3, 6, 1, 1, 1, 1, 4],
  scores: [0, 0, 0, 0, -3, -2, -1, -4, -5],
  merges: undefined,
  ids: {},
};

const open = (from: GgufTokenizer, changes: Partial<GgufTokenizer> = {}, options: TokenizerOptions = {}) =>
  createGgufTokenizer({ ...from, ...changes }, options, "model.gguf");

describe("byte-level merges", () => {
  const tokenizer = open(bytes);
  const ids = (text: string | Uint8Array, options = {}) => [...tokenizer.encode(text, options)];

  test("in their order, inside pieces", () => {
    expect(ids("ab ab abc")).toEqual([AB, SPACE_AB, SPACE_AB, 0x63]);
    expect(ids("abc")).toEqual([ABC]);
    expect(ids("")).toEqual([]);
    expect(tokenizer.decode(ids("ab é\n"))).toBe("ab é\n");
  });

  test("control tokens only if they are asked for, user-defined ones always", () => {
    const text = "ab<|im_end|><think>";
    expect(ids(text, { special: true })).toEqual([AB, IM_END, THINK]);
    expect(ids(text).slice(-1)).toEqual([THINK]);
    expect(ids(text)).not.toContain(IM_END);
    expect(tokenizer.decode(ids(text))).toBe(text);
  });

  test("a mark in the text of a control token, or behind it, keeps it text, and is gone", () => {
    const mark = "\u{10fffe}";
    const marked = (text: string) => ids(text, { special: true, mark });
    expect(marked(`a${mark}b<${mark}|im_end|><think>`)).toEqual(ids("ab<|im_end|><think>"));
    expect(marked(`<|im_end|>${mark}ab`)).toEqual(ids("<|im_end|>ab"));
    expect(marked(`<|im_end|>a${mark}b<|im_end|>`)).toEqual([IM_END, AB, IM_END]);
    expect(marked(mark)).toEqual([]);
    expect(ids(`<|im_end|>${mark}`, { special: true })).toEqual([IM_END, ...ids(mark)]);
  });

  test("texts of control tokens", () => {
    expect(tokenizer.special.texts()).toEqual(["<|end_of_turn|>", "<|im_end|>"]);
    const scored = open(scores, {}, { ids: "llama.cpp" });
    expect(scored.special.texts()).toEqual(["<unk>", "</s>", "<s>"]);
  });

  test("text never becomes a control token, even if merges lead to it", () => {
    const types = [...BYTES.map(() => 1), 3, 1, 1, 4, 3, 3, 1];
    for (const ignored of ["llama-bpe", "qwen2"]) {
      for (const whose of ["publisher", "llama.cpp"] as const) {
        const hostile = open(bytes, { types, pre: ignored }, { ids: whose });
        expect([...hostile.encode("ab")]).toEqual([0x61, 0x62]);
        expect([...hostile.encode("ab", { special: true })]).toEqual([AB]);
        expect([...hostile.encode("abc")]).toEqual([ABC]);
      }
    }
  });

  test("special ids", () => {
    const { special } = tokenizer;
    expect(special).toMatchObject({ bos: TURN, eos: IM_END, newline: 10 });
    // <|eot_id|> is an ordinary text of this file
    expect([...special.ends]).toEqual([IM_END]);
    expect([...open(bytes, {}, { ids: "llama.cpp" }).special.ends].sort()).toEqual([IM_END, EOT]);
    expect([special.idOf("<|im_end|>"), special.idOf(" ab"), special.idOf("nothing")]).toEqual([
      IM_END,
      SPACE_AB,
      undefined,
    ]);
  });

  test("hidden and shown", () => {
    const all = [AB, IM_END, THINK];
    expect([tokenizer.decode(all), tokenizer.decode(all, { special: true })]).toEqual([
      "ab<think>",
      "ab<|im_end|><think>",
    ]);
    const decoder = tokenizer.createDecoder({ special: true });
    expect(all.map((id) => decoder.push(id))).toEqual(["ab", "<|im_end|>", "<think>"]);
  });

  test("BOS as pre-tokenizer and file say", () => {
    expect([...tokenizer.encode("ab", { prompt: true })]).toEqual([TURN, AB]);
    expect([...open(bytes, { addBos: false }).encode("ab", { prompt: true })]).toEqual([AB]);
    expect([...open(bytes, { pre: "qwen2" }).encode("ab", { prompt: true })]).toEqual([AB]);
    expect([...open(bytes, { addBos: false }).encode("ab", { bos: true })]).toEqual([TURN, AB]);
    const both = open(bytes, { addEos: true });
    expect([...both.encode("ab", { prompt: true, eos: true })]).toEqual([TURN, AB, IM_END]);
    expect([...both.encode("ab", { prompt: true })]).toEqual([TURN, AB]);
    expect([...tokenizer.encode("ab", { eos: true })]).toEqual([AB]);
  });

  test("ids of a model beyond the vocabulary have no text", () => {
    const padded = open(bytes, {}, { nVocab: 300 });
    expect([padded.nVocab, padded.tokenBytes(299).length]).toEqual([300, 0]);
    expect(() => padded.tokenBytes(300)).toThrow(RangeError);
  });

  test("NFC, as the publisher of Qwen does it, and not as llama.cpp", () => {
    const given = { pre: "qwen2" };
    const composed = [...open(bytes, given).encode("e\u0301")];
    expect(composed).toEqual([0xc3, 0xa9]);
    expect([...open(bytes, given, { ids: "llama.cpp" }).encode("e\u0301")]).toEqual([0x65, 0xcc, 0x81]);
  });

  test("an id that is none is told, and not used", () => {
    const odd = open(bytes, { ids: { eos: 1_000, bos: -1 } });
    expect(odd.special).toMatchObject({ bos: undefined, eos: undefined });
    expect(odd.warnings).toEqual([expect.stringContaining("tokenizer.ggml.eos_token_id is 1000")]);
  });
});

describe("scores", () => {
  const tokenizer = open(scores);
  test("a space in front where it is asked for", () => {
    expect([...tokenizer.encode("a a")]).toEqual([5, 6]);
    expect([...tokenizer.encode("a a", { space: true })]).toEqual([6, 6]);
    expect([...tokenizer.encode("a", { prompt: true })]).toEqual([1, 6]);
    expect([...open(scores, { addSpacePrefix: false, addBos: false }).encode("a", { prompt: true })]).toEqual([5]);
  });

  test("special tokens, and a space behind each", () => {
    expect([...tokenizer.encode("a</s>a<x>a", { space: true })].filter((id) => id === 2)).toEqual([]);
    expect([...tokenizer.encode("a</s>a<x>a", { space: true, special: true })]).toEqual([6, 2, 6, 8, 6]);
    expect([...tokenizer.encode("a<x>a")]).toEqual([5, 8, 5]);
  });

  test("Phi-3 swallows white space behind its tokens", () => {
    const ids = [...open(scores, { name: "Phi-3 mini" }).encode("a<x> \n a", { space: true })];
    expect(ids).toEqual([6, 8, 6]);
  });

  test("is the tokenizer.model's, for the embedded model", () => {
    const TYPE_IDS = { normal: 1, unknown: 2, control: 3, "user-defined": 4, unused: 5, byte: 6 } as const;
    const path = fixture("tiny/meta/tokenizer.model");
    const model = readSentencePieceModel(readFileSync(path), path);
    const original = createTokenizer(model);
    const copy = open(scores, {
      tokens: textsOf(model.pieces.map(({ text }) => text)),
      scores: model.pieces.map(({ score }) => score),
      types: model.pieces.map(({ type }) => TYPE_IDS[type]),
    });
    const recorded: { text: string }[] = JSON.parse(readFileSync(fixture("tiny/golden/tiny-tokenizer.json"), "utf8"));
    for (const { text } of recorded) {
      expect(copy.encode(text, { space: true })).toEqual(original.encode(text, { mode: "sentencepiece" }));
      // build 803 takes U+2581 for three bytes; here it is a space
      if (!text.includes("\u2581")) expect(copy.encode(text)).toEqual(original.encode(text));
    }
  });
});

describe("refused", () => {
  const at = <T>(list: ArrayLike<T>, index: number, item: T): T[] =>
    Array.from(list, (old, i) => (i === index ? item : old));
  const big = { bytes: new Uint8Array(0), starts: new Uint32Array(1_000_002) };

  test.each<[string, GgufTokenizer, object]>([
    ["a kind", { ...bytes, model: "t5" }, { code: "E_UNSUPPORTED", field: "tokenizer.ggml.model", got: "t5" }],
    ["no kind", { ...bytes, model: undefined }, { code: "E_UNSUPPORTED", got: "nothing" }],
    [
      "a pre-tokenizer",
      { ...bytes, pre: "youtu" },
      { code: "E_UNSUPPORTED", field: "tokenizer.ggml.pre", got: "youtu" },
    ],
    ["one of another spelling", { ...bytes, pre: "gemma4" }, { code: "E_UNSUPPORTED", field: "tokenizer.ggml.pre" }],
    ["no tokens", { ...bytes, tokens: textsOf([]), types: [] }, { code: "E_EMPTY", field: "tokenizer.ggml.tokens" }],
    ["a million and one tokens", { ...bytes, tokens: big }, { code: "E_LIMIT", field: "tokenizer.ggml.tokens" }],
    [
      "few types",
      { ...bytes, types: [1] },
      { code: "E_MISMATCH", field: "tokenizer.ggml.token_type", expected: 263, got: 1 },
    ],
    [
      "type 7",
      { ...bytes, types: at(bytes.types ?? [], 4, 7) },
      { code: "E_RANGE", field: "tokenizer.ggml.token_type[4]" },
    ],
    ["few scores", { ...scores, scores: [1] }, { code: "E_MISMATCH", field: "tokenizer.ggml.scores", got: 1 }],
    [
      "score NaN",
      { ...scores, scores: at(scores.scores ?? [], 3, Number.NaN) },
      { code: "E_RANGE", field: "tokenizer.ggml.scores[3]" },
    ],
    ["no merges", { ...bytes, merges: undefined }, { code: "E_FIELD", field: "tokenizer.ggml.merges" }],
    [
      "half a merge",
      { ...bytes, merges: textsOf(["a b", "ab"]) },
      { code: "E_FIELD", field: "tokenizer.ggml.merges[1]" },
    ],
    [
      "a text twice",
      { ...bytes, tokens: textsOf([...BYTES, "ab", "ab", ...WORDS.slice(2)]) },
      { code: "E_DUP", field: "tokenizer.ggml.tokens[257]" },
    ],
    [
      "a special text twice",
      { ...bytes, tokens: textsOf([...BYTES, ...WORDS.slice(0, 4), "<é>", "<é>", "x y"]) },
      { code: "E_DUP" },
    ],
    [
      "a long special text",
      { ...bytes, tokens: textsOf([...BYTES, ...WORDS.slice(0, 5), `<${"x".repeat(600)}>`, "y z"]) },
      { code: "E_LIMIT", field: "tokenizer.ggml.tokens[261]", got: 602 },
    ],
  ])("%s", (_name, from, fields) => {
    let error: unknown;
    try {
      createGgufTokenizer(from, {}, "model.gguf");
    } catch (reason) {
      error = reason;
    }
    expect(isTokenizerModelError(error)).toBe(true);
    expect(error).toMatchObject({ file: "model.gguf", ...fields });
  });

  test("an id that is in no list", () => {
    expect(() => open(bytes).decode(5 as never)).toThrow('"ids" expected a list of ids, got number 5');
  });

  test("a vocabulary larger than its model", () => {
    expect(() => open(bytes, {}, { nVocab: 200 })).toThrow(expect.objectContaining({ code: "E_MISMATCH" }));
  });
});

interface Recording {
  readonly text: string;
  readonly build803: readonly number[];
  readonly sentencepiece: readonly number[];
}

describeWithTestData("LLaMA's vocabulary out of a GGUF file", () => {
  test("gives the recorded ids of build 803 and of SentencePiece", async () => {
    const tokenizer = createGgufTokenizer(await readGgufTokenizer(testData("vocab/llama-spm.gguf")));
    const recordings: Recording[] = JSON.parse(readFileSync(testData("golden/llama-tokenizer.json"), "utf8"));
    expect(recordings.length).toBeGreaterThan(100);
    for (const { text, build803, sentencepiece } of recordings) {
      expect({ text, ids: [...tokenizer.encode(text, { space: true })] }).toEqual({ text, ids: sentencepiece });
      // build 803 takes U+2581 for three bytes; here it is a space
      if (text.includes("\u2581")) continue;
      expect({ text, ids: [...tokenizer.encode(text)] }).toEqual({ text, ids: build803 });
    }
  });
});
