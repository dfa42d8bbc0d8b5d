import { describe, expect, test } from "vitest";
import { ggmlVocab, isTokenizerModelError, readSentencePieceModel } from "../src/index.ts";
import { basePieces, modelBytes, TYPE } from "./support/model-bytes.ts";

const model = readSentencePieceModel(
  modelBytes([
    ...basePieces(),
    { text: "\u2581the\u2581", score: -0 },
    { text: "<u>\u2581", score: -1.5, type: TYPE.userDefined },
    { text: "é", score: -2, type: TYPE.unused },
  ]),
);

describe("ggmlVocab", () => {
  const shown = ggmlVocab(model).map(({ text, score }) => [Buffer.from(text).toString("latin1"), score]);

  test("unknown and control pieces", () => {
    expect(shown.slice(0, 3)).toEqual([
      ["\x20\xe2\x81\x87\x20", 0],
      ["", 0],
      ["", 0],
    ]);
  });

  test("byte pieces", () => {
    const bytes = Array.from({ length: 256 }, (_, byte) => [String.fromCharCode(byte), 0]);
    expect(shown.slice(3, 259)).toEqual(bytes);
  });

  test("other pieces, whatever their type; the sign of a zero score stays", () => {
    expect(shown.slice(259)).toEqual([
      [" the ", -0],
      ["<u> ", -1.5],
      ["\xc3\xa9", -2],
    ]);
  });
});

describe("added tokens", () => {
  test("follow the pieces, in the order of their ids", () => {
    const added = ggmlVocab(
      model,
      new Map([
        ["\u2581b", 263],
        ["__proto__", 262],
      ]),
    ).slice(262);
    expect(added.map(({ text, score }) => [new TextDecoder().decode(text), score])).toEqual([
      ["__proto__", -1000],
      ["\u2581b", -1000], // kept as it is: only pieces have spaces put in
    ]);
  });

  test("may be none", () => {
    expect(ggmlVocab(model, new Map())).toEqual(ggmlVocab(model));
  });

  test.each([
    [[263], "[263]"],
    [[262, 264], "[262, 264]"],
    [[262, 262], "[262, 262]"],
    [[0, 1], "[0, 1]"],
    [[262.5], "[262.5]"],
    [[Number.NaN], "[NaN]"],
  ])("with the ids %j are refused", (ids, got) => {
    const added = new Map(ids.map((id, index) => [`token ${index}`, id]));
    let error: unknown;
    try {
      ggmlVocab(model, added);
    } catch (thrown) {
      error = thrown;
    }
    if (!isTokenizerModelError(error, "E_VOCAB")) throw error;
    expect(error).toMatchObject({ expected: "ids from 262", got });
    expect(error.message).toBe(`Expected added token IDs to be sequential and start at 262; got ${got}`);
    expect(isTokenizerModelError(error, "E_DUP")).toBe(false);
  });
});
