import { describe, expect, test } from "vitest";
import { createTokenizer, ggmlVocab, type VocabEntry } from "../src/index.ts";
import { tinyModel } from "./support/tiny.ts";

const tokenizer = createTokenizer(tinyModel);

describe("createTokenizer", () => {
  test("constants", () => {
    expect(tokenizer).toMatchObject({ nVocab: 1024, bos: 1, eos: 2, newline: 13 });
    expect(tokenizer.decode([tokenizer.newline])).toBe("\n");
  });

  test("a vocabulary is as good as the model it was made from", () => {
    const fromVocab = createTokenizer(ggmlVocab(tinyModel));
    for (const mode of ["build803", "sentencepiece"] as const) {
      const text = " Once upon a time… é\n\0\0";
      expect(fromVocab.encode(text, { mode })).toEqual(tokenizer.encode(text, { mode }));
    }
  });

  test("later changes of the entries do not reach it", () => {
    const text = Uint8Array.of(0x61);
    const made = createTokenizer([{ text, score: 0 }]);
    text[0] = 0x62;
    made.tokenBytes(0)[0] = 0x63;
    expect(made.decode([0])).toBe("a");
    expect([...made.encode("a")]).toEqual([0]);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e39])(
    "a score of %d is refused",
    (score) => {
      const vocab: VocabEntry[] = [
        { text: Uint8Array.of(0x61), score: 0 },
        { text: Uint8Array.of(0x62), score },
      ];
      expect(() => createTokenizer(vocab)).toThrow(
        expect.objectContaining({ name: "TokenizerModelError", code: "E_RANGE", field: "vocab[1].score" }),
      );
    },
  );

  test("scores are compared as binary32", () => {
    // 1 and 1 + 2^-30 are one score then, and the left pair wins
    const entry = (text: string, score: number): VocabEntry => ({ text: new TextEncoder().encode(text), score });
    const vocab = [entry("ab", 1), entry("bc", 1 + 2 ** -30), entry("c", 0), entry("a", 0), entry("zz", 9)];
    expect([...createTokenizer(vocab).encode("abc")]).toEqual([0, 2]);
  });

  test("more than 1,000,000 entries are refused, and more than 16 MiB of text", () => {
    const entry: VocabEntry = { text: new Uint8Array(64 * 1024), score: 0 };
    const refused = expect.objectContaining({ code: "E_LIMIT", field: "vocab" });
    expect(() => createTokenizer(new Array<VocabEntry>(256).fill(entry))).toThrow(refused);
    const empty: VocabEntry = { text: new Uint8Array(0), score: 0 };
    expect(() => createTokenizer(new Array<VocabEntry>(1_000_001).fill(empty))).toThrow(refused);
  });
});

describe("encode", () => {
  test("empty text has no ids in build 803, but has BOS in SentencePiece", () => {
    expect([...tokenizer.encode("", { bos: true })]).toEqual([]);
    expect([...tokenizer.encode("", { bos: true, mode: "sentencepiece" })]).toEqual([1]);
    expect([...tokenizer.encode("", { mode: "sentencepiece" })]).toEqual([]);
  });

  test("nothing is cut at a zero byte", () => {
    expect(tokenizer.decode(tokenizer.encode("a\0b"))).toBe("a\0b");
  });

  test("wrong arguments", () => {
    expect(() => tokenizer.encode([1, 2] as never)).toThrow('"text" expected a string or Uint8Array, got object');
    expect(() => tokenizer.encode("a", { mode: "llama" as never })).toThrow(
      '"mode" expected "build803" or "sentencepiece", got llama',
    );
  });
});

describe("ids that are not in the vocabulary", () => {
  test.each([-1, 1024, 1.5, Number.NaN, 2 ** 32])("%d", (id) => {
    const message = `"id" expected 0 <= integer < 1024, got ${id}`;
    expect(() => tokenizer.decode([5, id])).toThrow(new RangeError(message));
    expect(() => tokenizer.tokenBytes(id)).toThrow(new RangeError(message));
    expect(() => tokenizer.createDecoder().push(id)).toThrow(new RangeError(message));
  });
});

test("a decoder can be used again after flush", () => {
  const decoder = tokenizer.createDecoder();
  expect(decoder.push(0xf0 + 3)).toBe("");
  expect(decoder.flush()).toBe("\ufffd");
  expect(decoder.push(0x61 + 3)).toBe("a");
});
