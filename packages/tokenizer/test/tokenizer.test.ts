import { describe, expect, test } from "vitest";
import { createTokenizer, ggmlVocab, type SentencePiece, type VocabEntry } from "../src/index.ts";
import { tinyModel } from "./support/tiny.ts";

const tokenizer = createTokenizer(tinyModel);

describe("createTokenizer", () => {
  test("constants", () => {
    expect(tokenizer).toMatchObject({ nVocab: 1024, special: { bos: 1, eos: 2, newline: 13, ends: new Set([2]) } });
    expect(tokenizer.decode([tokenizer.special.newline ?? 0])).toBe("\n");
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
    expect(() => tokenizer.decode(5 as never)).toThrow('"ids" expected a list of ids, got number 5');
    expect(() => tokenizer.decode(undefined as never)).toThrow('"ids" expected a list of ids, got undefined');
    expect(() => tokenizer.encode([1, 2] as never)).toThrow('"text" expected a string or Uint8Array, got Array');
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

describe("small vocabularies", () => {
  const vocab = (n: number): VocabEntry[] =>
    Array.from({ length: n }, (_, i) => ({ text: new TextEncoder().encode(`x${i}`), score: -i }));

  test.each([1, 2, 3, 13, 14, 258])("of %i entries: what has no id is the unknown piece", (n) => {
    const tokenizer = createTokenizer(vocab(n));
    expect(tokenizer).toMatchObject({
      nVocab: n,
      special: { bos: n > 1 ? 1 : undefined, eos: n > 2 ? 2 : undefined, newline: 0 },
    });
    for (const mode of ["build803", "sentencepiece"] as const) {
      const ids = [...tokenizer.encode("Hi \n\xff", { prompt: true, mode })];
      expect(ids).toEqual(n > 1 ? [1, 0] : [0]);
    }
    if (n > 3) expect([...tokenizer.encode("Hix3")]).toEqual([0, 3]);
  });

  test("of 259 entries and more: byte b is b + 3", () => {
    expect([...createTokenizer(vocab(259)).encode("\n")]).toEqual([13]);
  });

  test("with ids of the model behind them, which have no text", () => {
    const tokenizer = createTokenizer(vocab(14), { nVocab: 300 });
    expect(tokenizer).toMatchObject({ nVocab: 300, special: { newline: 13 } });
    expect(tokenizer.tokenBytes(299)).toEqual(new Uint8Array(0));
    expect(tokenizer.decode([299, 1])).toBe("x1");
    expect(() => tokenizer.tokenBytes(300)).toThrow(RangeError);
  });

  test("a model with fewer ids than entries is refused", () => {
    expect(() => createTokenizer(vocab(14), { nVocab: 13 })).toThrow(
      expect.objectContaining({ code: "E_MISMATCH", expected: 13, got: 14 }),
    );
    for (const nVocab of [Number.NaN, 20.5]) expect(() => createTokenizer(vocab(14), { nVocab })).toThrow(RangeError);
  });
});

describe("in slices", () => {
  test.each(["build803", "sentencepiece"] as const)("the same ids, in pieces of limited work: %s", (mode) => {
    // words; one segment without an end; pairs that are no pieces; user-defined and unused ones are in other tests
    for (const unit of ["Once upon a time ", "a", "\ud83e\udd99", "aab"]) {
      const text = new TextEncoder().encode(unit.repeat(Math.ceil(600_000 / unit.length)));
      const pieces = [...tokenizer.encodeSlices(text, { bos: true, mode })];
      expect(pieces.length).toBeGreaterThan(2);
      expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(300_000);
      const joined = Buffer.concat(pieces.map((piece) => new Uint8Array(piece.buffer)));
      expect(joined.equals(new Uint8Array(tokenizer.encode(text, { bos: true, mode }).buffer))).toBe(true);
    }
  });

  test("a short text is one piece", () => {
    expect([...tokenizer.encodeSlices(" Once upon a time", { bos: true })]).toEqual([
      Int32Array.of(1, 385, 386, 261, 370),
    ]);
  });
});

test("unused pieces made of unused pieces, thousands deep, are taken apart", () => {
  const pieces: SentencePiece[] = [{ text: "<unk>", score: 0, type: "unknown" }];
  pieces.push({ text: "a", score: 0, type: "normal" });
  for (let n = 2; n <= 5700; n++) pieces.push({ text: "a".repeat(n), score: n, type: "unused" });
  const normalizer = { addDummyPrefix: false, removeExtraWhitespaces: false, escapeWhitespaces: false };
  const ladder = createTokenizer({ pieces, normalizer, trainer: undefined });
  expect(ladder.encode("a".repeat(5700), { mode: "sentencepiece" })).toEqual(new Int32Array(5700).fill(1));
  // b is unknown; each run of a is a symbol that is thousands of parts
  const text = `${"a".repeat(5000)}b`.repeat(5);
  const ids = ladder.encode(text, { mode: "sentencepiece" });
  expect([ids.length, ids.filter((id) => id === 1).length]).toEqual([5 * 5001, 5 * 5000]);
});
