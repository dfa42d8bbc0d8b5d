// What holds for every text: nothing is lost, and text that arrives in pieces is the same text.

import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { createTokenizer } from "../src/index.ts";
import { tinyModel } from "./support/tiny.ts";

const tokenizer = createTokenizer(tinyModel);

/** Any string of Unicode characters, with more spaces and letters than chance would give. */
const text = fc
  .array(fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom(" ", "  ", "once", "the", "\u2581", "\0", "\ufeff")))
  .map((parts) => parts.join(""));

/** Any string of UTF-16 code units, paired or not. */
const codeUnits = fc
  .array(fc.oneof(fc.nat(0xffff), fc.integer({ min: 0xd800, max: 0xdfff })))
  .map((units) => String.fromCharCode(...units));

const ids = fc.array(fc.nat(tokenizer.nVocab - 1));

test.prop([text], { numRuns: 500 })("decode(encode(s)) is s", (s) => {
  expect(tokenizer.decode(tokenizer.encode(s))).toBe(s);
  expect(tokenizer.decode(tokenizer.encode(s, { bos: true }))).toBe(s);
});

test.prop([codeUnits])("a lone surrogate becomes U+FFFD, everything else stays", (s) => {
  expect(tokenizer.decode(tokenizer.encode(s))).toBe(s.toWellFormed());
});

test.prop([fc.uint8Array({ maxLength: 200 })], { numRuns: 500 })(
  "the bytes of the ids are the bytes of the text",
  (bytes) => {
    const encoded = tokenizer.encode(bytes);
    expect(encoded.length).toBeLessThanOrEqual(bytes.length);
    expect(Buffer.concat([...encoded].map((id) => tokenizer.tokenBytes(id)))).toEqual(Buffer.from(bytes));
    expect(tokenizer.encode(Buffer.from(bytes))).toEqual(encoded);
  },
);

test.prop([text])("a string and its UTF-8 have the same ids", (s) => {
  for (const mode of ["build803", "sentencepiece"] as const) {
    expect(tokenizer.encode(s, { mode })).toEqual(tokenizer.encode(new TextEncoder().encode(s), { mode }));
  }
});

// the tiny model's options are LLaMA's: one space in front, none removed, U+2581 the same as a space
test.prop([text])("SentencePiece ids decode to the text with a space in front", (s) => {
  const decoded = tokenizer.decode(tokenizer.encode(s, { mode: "sentencepiece" }));
  expect(decoded).toBe(s === "" ? "" : ` ${s.replaceAll("\u2581", " ")}`);
});

test.prop([ids], { numRuns: 500 })("text decoded id by id is the text decoded at once", (list) => {
  const decoder = tokenizer.createDecoder();
  const parts = list.map((id) => decoder.push(id));
  expect([...parts, decoder.flush()].join("")).toBe(tokenizer.decode(list));
  for (const part of parts) expect(part.isWellFormed()).toBe(true); // no half of a surrogate pair
});

test.prop([fc.uint8Array({ maxLength: 40 })], { numRuns: 500 })("so is text of single bytes, valid or not", (bytes) => {
  const list = [...bytes].map((byte) => byte + 3);
  const decoder = tokenizer.createDecoder();
  const streamed = list.map((id) => decoder.push(id)).join("") + decoder.flush();
  expect(streamed).toBe(tokenizer.decode(list));
  expect(streamed).toBe(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
});

test.prop([text.filter((s) => s !== "")])("a streamed character appears with its last byte", (s) => {
  const decoder = tokenizer.createDecoder();
  for (const character of s) {
    const list = [...new TextEncoder().encode(character)].map((byte) => byte + 3);
    expect(list.map((id) => decoder.push(id))).toEqual([...list.slice(1).map(() => ""), character]);
  }
  expect(decoder.flush()).toBe("");
});
