// The bad-input corpus TM01 … TM20: what is refused, with every field of the error, and what must be taken.

import { FormatError } from "@ll/bytes";
import { describe, expect, test } from "vitest";
import { createTokenizer, readSentencePieceModel, TextTooLongError } from "../src/index.ts";
import { pieceRows } from "./corpus/piece-rows.ts";
import type { Row } from "./corpus/row.ts";
import { wireRows } from "./corpus/wire-rows.ts";
import { basePieces, modelBytes } from "./support/model-bytes.ts";
import { tinyModel } from "./support/tiny.ts";

const rows: readonly Row[] = [...wireRows, ...pieceRows];

describe("bad inputs", () => {
  test.each(rows.map((row) => [row.id, row.input, row] as const))("%s %s", (_id, _input, row) => {
    const bytes = Uint8Array.from(row.bytes);
    if (row.refused === undefined) {
      row.check?.(readSentencePieceModel(bytes, "tokenizer.model"));
      return;
    }
    const [code, offset, field, expected, got] = row.refused;
    let error: unknown;
    try {
      readSentencePieceModel(bytes, "tokenizer.model");
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({
      name: "TokenizerModelError",
      code,
      file: "tokenizer.model",
      offset,
      field,
      expected,
      got,
    });
    expect(error).toBeInstanceOf(FormatError);
    const { message } = error as FormatError;
    expect(message.length).toBeLessThanOrEqual(512);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is the point
    expect(message).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/);
  });

  test("a message shows hostile text inert and short", () => {
    const text = "\u001b]0;title\u0007\u202e".repeat(300);
    const bytes = modelBytes([...basePieces(), { text }, { text }]);
    expect(() => readSentencePieceModel(bytes)).toThrow(/^piece \\x1b\]0;title\\x07\\u\{202e\}.{1,400}$/);
  });
});

describe("TM18 long and strange texts", () => {
  const tokenizer = createTokenizer(tinyModel);
  const encoder = new TextEncoder();
  const MIB = 2 ** 20;
  const repeated = (text: string): Uint8Array =>
    encoder.encode(text.repeat(Math.ceil(MIB / encoder.encode(text).length)));

  test.each([
    ["1 MiB of a", repeated("a")],
    ["1 MiB of spaces", repeated(" ")],
    ["1 MiB of U+1F468 and ZWJ", repeated("\u{1f468}\u200d")],
    ["1 MiB of two letters in turn", repeated("he")],
    ["1 MiB of bytes", Uint8Array.from({ length: MIB }, (_, i) => (Math.imul(i + 1, 2654435761) >>> 13) & 0xff)],
    ["zero bytes", Uint8Array.of(0x61, 0, 0, 0x62, 0)],
    ["bytes that are not UTF-8", Uint8Array.of(0x80, 0xff, 0xfe, 0xf0, 0x9f, 0xed, 0xa0, 0x80, 0xc0)],
  ])("%s", (_name, text) => {
    const bytesOf = (ids: Int32Array): Buffer => Buffer.concat([...ids].map((id) => tokenizer.tokenBytes(id)));
    const ids = tokenizer.encode(text);
    expect(bytesOf(ids).equals(text)).toBe(true);
    expect(tokenizer.decode(ids)).toBe(new TextDecoder("utf-8", { ignoreBOM: true }).decode(text));
    expect(tokenizer.encode(text, { mode: "sentencepiece" }).length).toBeGreaterThan(0);
  });

  test("a lone surrogate counts as U+FFFD", () => {
    expect(tokenizer.encode("a\ud83d\udc68b\ud800")).toEqual(tokenizer.encode("a\ud83d\udc68b\ufffd"));
  });
});

// the other half of TM19, more ids than the context holds, is checked where ids are evaluated
test("TM19 a text that might need 2^31 ids is refused before anything is done", () => {
  const text = new Uint8Array(2 ** 31 - 1);
  const encode = (): Int32Array => createTokenizer(tinyModel).encode(text);
  expect(encode).toThrow(TextTooLongError);
  expect(encode).toThrow(expect.objectContaining({ code: "E_TOO_LONG", expected: 2 ** 31 - 2, got: 2 ** 31 - 1 }));
});

test.each(["<s>", "</s>", "<0x0A>", "<unk>", " <s> </s>"])("TM20 %s is plain text", (text) => {
  const tokenizer = createTokenizer(tinyModel);
  for (const mode of ["build803", "sentencepiece"] as const) {
    const ids = [...tokenizer.encode(text, { mode })];
    expect(ids.filter((id) => id <= 2 || id === tokenizer.special.newline)).toEqual([]);
    expect(tokenizer.decode(ids).trimStart()).toBe(text.trimStart());
  }
});
