import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { describeWithTestData, fixture, testData } from "../../../tools/test-data.ts";
import type { GgufArray } from "../../gguf/src/index.ts";
import { openGgufPath } from "../../gguf/src/node.ts";
import {
  createTokenizer,
  type GgufVocab,
  ggmlVocab,
  isTokenizerModelError,
  modelFromGgufVocab,
  readSentencePieceModel,
} from "../src/index.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const TYPE_IDS = { normal: 1, unknown: 2, control: 3, "user-defined": 4, unused: 5, byte: 6 } as const;

const small: GgufVocab = {
  tokens: ["<unk>", "<s>", "</s>", "\u2581", "a", "\u2581a"].map(utf8),
  scores: [0, 0, 0, -3, -2, -1],
  types: [2, 3, 3, 1, 1, 1],
  bosId: 1,
  eosId: 2,
  unknownId: 0,
  addBos: true,
  addSpacePrefix: true,
};

describe("a model", () => {
  test("has the pieces, ids and switches of the file", () => {
    const model = modelFromGgufVocab(small);
    expect(model.pieces[5]).toEqual({ text: "\u2581a", score: -1, type: "normal" });
    expect(model.pieces.map(({ type }) => type)).toEqual([
      "unknown",
      "control",
      "control",
      "normal",
      "normal",
      "normal",
    ]);
    expect(model.normalizer).toEqual({ addDummyPrefix: true, removeExtraWhitespaces: false, escapeWhitespaces: true });
    expect(model.trainer).toEqual({ modelType: "bpe", vocabSize: 6, unkId: 0, bosId: 1, eosId: 2 });
    expect(model.addBos).toBe(true);
    expect([...createTokenizer(model).encode("a  a", { mode: "sentencepiece" })]).toEqual([5, 3, 5]);
  });

  test("without a space in front", () => {
    const model = modelFromGgufVocab({ ...small, addSpacePrefix: false, addBos: false });
    expect([...createTokenizer(model).encode("a a", { mode: "sentencepiece" })]).toEqual([4, 5]);
    expect(model.addBos).toBe(false);
  });

  test("other ids of BOS and EOS, and a prompt as the file wants it", () => {
    const of = (changes: Partial<GgufVocab>) => createTokenizer(modelFromGgufVocab({ ...small, ...changes }));
    expect(of({})).toMatchObject({ special: { bos: 1, eos: 2 }, addBos: true, addSpacePrefix: true });
    expect(of({ bosId: 2, eosId: 5 })).toMatchObject({ special: { bos: 2, eos: 5 } });
    expect(of({ bosId: -1, eosId: -1 })).toMatchObject({ special: { bos: undefined, eos: undefined }, addBos: false });
    const prompt = (changes: Partial<GgufVocab>, text = "a", mode: "build803" | "sentencepiece" = "build803") => [
      ...of(changes).encode(text, { prompt: true, mode }),
    ];
    for (const mode of ["build803", "sentencepiece"] as const) {
      expect(prompt({}, "a", mode)).toEqual([1, 5]);
      expect(prompt({ bosId: 2 }, "a", mode)).toEqual([2, 5]);
      expect(prompt({ addBos: false }, "a", mode)).toEqual([5]);
      expect(prompt({ addSpacePrefix: false }, "a", mode)).toEqual([1, 4]);
      expect(prompt({ addBos: false, addSpacePrefix: false }, "a", mode)).toEqual([4]);
    }
    expect(prompt({}, "")).toEqual([1, 3]);
    expect(prompt({ addSpacePrefix: false }, "")).toEqual([1]);
    expect(prompt({ addBos: false, addSpacePrefix: false }, "")).toEqual([]);
    // who asks for BOS gets it, if there is one
    expect([...of({ addBos: false }).encode("a", { bos: true })]).toEqual([1, 4]);
    expect([...of({ bosId: -1 }).encode("a", { bos: true })]).toEqual([4]);
  });

  test("empty texts get names, as in llama.cpp, and decode to nothing", () => {
    const tokens = [...Array.from(small.tokens), utf8(""), utf8("")];
    const model = modelFromGgufVocab({ ...small, tokens, scores: Array(8).fill(0), types: [2, 3, 3, 1, 1, 1, 3, 3] });
    expect(model.pieces.slice(6).map(({ text }) => text)).toEqual(["[EMPTY_6]", "[EMPTY_7]"]);
    expect(
      ggmlVocab(model)
        .slice(6)
        .map(({ text }) => text.length),
    ).toEqual([0, 0]);
  });

  test("with no piece of the unknown type, that of the id is it", () => {
    const model = modelFromGgufVocab({ ...small, types: [1, 3, 3, 1, 1, 1] });
    expect(model.pieces[0]?.type).toBe("unknown");
  });

  test("is the one that a tokenizer.model gives, for the embedded model", () => {
    const path = fixture("tiny/meta/tokenizer.model");
    const model = readSentencePieceModel(readFileSync(path), path);
    const { pieces, normalizer, trainer } = modelFromGgufVocab({
      ...small,
      tokens: model.pieces.map(({ text }) => utf8(text)),
      scores: model.pieces.map(({ score }) => score),
      types: model.pieces.map(({ type }) => TYPE_IDS[type]),
    });
    expect({ pieces, normalizer, trainer }).toEqual(model);
  });
});

describe("refused", () => {
  const other = (changes: Partial<GgufVocab>): GgufVocab => ({ ...small, ...changes });
  const at = <T>(list: ArrayLike<T>, index: number, item: T): T[] =>
    Array.from(list, (old, i) => (i === index ? item : old));

  test.each<[string, GgufVocab, object]>([
    ["no pieces", other({ tokens: [], scores: [], types: [] }), { code: "E_EMPTY" }],
    ["few scores", other({ scores: [1] }), { code: "E_MISMATCH", field: "tokenizer.ggml.scores", expected: 6, got: 1 }],
    [
      "few types",
      other({ types: [1] }),
      { code: "E_MISMATCH", field: "tokenizer.ggml.token_type", expected: 6, got: 1 },
    ],
    ["many types", other({ types: [2, 3, 3, 1, 1, 1, 1] }), { code: "E_MISMATCH", got: 7 }],
    [
      "a million and one",
      other({ tokens: { length: 1_000_001 }, scores: { length: 1_000_001 }, types: { length: 1_000_001 } }),
      { code: "E_LIMIT", field: "tokenizer.ggml.tokens", expected: "at most 1000000", got: 1_000_001 },
    ],
    ["BOS -2", other({ bosId: -2 }), { code: "E_VOCAB", field: "tokenizer.ggml.bos_token_id", got: -2 }],
    [
      "EOS 32000",
      other({ eosId: 32000 }),
      { code: "E_VOCAB", field: "tokenizer.ggml.eos_token_id", expected: "-1 to 5", got: 32000 },
    ],
    ["unknown id 6", other({ unknownId: 6 }), { code: "E_VOCAB", field: "trainer_spec.unk_id", got: 6 }],
    [
      "type 0",
      other({ types: at(small.types, 4, 0) }),
      { code: "E_RANGE", field: "tokenizer.ggml.token_type[4]", expected: "1 to 6", got: 0 },
    ],
    ["type 7", other({ types: at(small.types, 4, 7) }), { code: "E_RANGE", got: 7 }],
    [
      "score NaN",
      other({ scores: at(small.scores, 3, Number.NaN) }),
      { code: "E_RANGE", field: "tokenizer.ggml.scores[3]", got: "NaN" },
    ],
    [
      "score Infinity",
      other({ scores: at(small.scores, 3, Number.POSITIVE_INFINITY) }),
      { code: "E_RANGE", got: "Infinity" },
    ],
    [
      "not UTF-8",
      other({ tokens: at(small.tokens, 3, Uint8Array.of(0xff)) }),
      { code: "E_FIELD", field: "tokenizer.ggml.tokens[3]" },
    ],
    [
      "a long text",
      other({ tokens: at(small.tokens, 3, new Uint8Array(8000)) }),
      { code: "E_FIELD", got: "8000 bytes" },
    ],
    ["a text twice", other({ tokens: at(small.tokens, 3, utf8("a")) }), { code: "E_DUP", field: "pieces[4].piece" }],
    ["two unknown pieces", other({ types: at(small.types, 1, 2) }), { code: "E_VOCAB" }],
    [
      "few byte pieces",
      other({ tokens: at(small.tokens, 3, utf8("<0x20>")), types: at(small.types, 3, 6) }),
      { code: "E_BYTE_PIECE" },
    ],
  ])("%s", (_name, vocab, fields) => {
    let error: unknown;
    try {
      modelFromGgufVocab(vocab, "model.gguf");
    } catch (reason) {
      error = reason;
    }
    expect(isTokenizerModelError(error)).toBe(true);
    expect(error).toMatchObject({ file: "model.gguf", ...fields });
  });
});

interface Recording {
  readonly text: string;
  readonly build803: readonly number[];
  readonly sentencepiece: readonly number[];
}

describeWithTestData("LLaMA's vocabulary out of a GGUF file", () => {
  test("gives the recorded ids of build 803 and of SentencePiece, and the entries of the ggml file", async () => {
    const file = await openGgufPath(testData("vocab/llama-spm.gguf"));
    const items = (key: string) => file.metadata.get(`tokenizer.ggml.${key}`) as GgufArray;
    const model = modelFromGgufVocab({
      ...small,
      tokens: await items("tokens").read("string"),
      scores: await items("scores").read("f32"),
      types: await items("token_type").read("i32"),
    });
    await file.close();
    const tokenizer = createTokenizer(model);
    const recordings: Recording[] = JSON.parse(readFileSync(testData("golden/llama-tokenizer.json"), "utf8"));
    expect(recordings.length).toBeGreaterThan(100);
    for (const { text, build803, sentencepiece } of recordings) {
      const ids = [tokenizer.encode(text), tokenizer.encode(text, { mode: "sentencepiece" })].map((list) => [...list]);
      expect({ text, ids }).toEqual({ text, ids: [build803, sentencepiece] });
    }
    const original = readSentencePieceModel(readFileSync(testData("vocab/llama-tokenizer.model")));
    expect(ggmlVocab(model)).toEqual(ggmlVocab(original));
  });
});
