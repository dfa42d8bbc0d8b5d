import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { normalizeSteps } from "../src/normalize.ts";
import type { NormalizerOptions } from "../src/sentencepiece-model.ts";

const NOTHING = { addDummyPrefix: false, removeExtraWhitespaces: false, escapeWhitespaces: false };

function normalize(text: Uint8Array, options: NormalizerOptions): Uint8Array {
  return normalizeSteps(text, options).next().value as Uint8Array; // short texts take no pause
}

/** Bytes at which the rules of UTF-8 change, and some between. */
const bytes = fc
  .array(
    fc.constantFrom(
      ...[0x00, 0x20, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf],
      ...[0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff],
    ),
    { maxLength: 12 },
  )
  .map((values) => Uint8Array.from(values));

function isUtf8(text: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(text);
    return true;
  } catch {
    return false;
  }
}

test.prop([bytes], { numRuns: 20_000 })("leaves UTF-8 alone, and makes UTF-8 of everything else", (text) => {
  const normal = normalize(text, NOTHING);
  expect(isUtf8(normal)).toBe(true);
  expect(Buffer.from(normal).equals(text)).toBe(isUtf8(text));
});

// the longest valid characters are kept: what is replaced, one U+FFFD for a byte, has no character in it
test.prop([bytes], { numRuns: 5000 })("replaces the bytes between characters one by one", (text) => {
  const expected: string[] = [];
  for (let start = 0; start < text.length; ) {
    const size = [1, 2, 3, 4].find((n) => start + n <= text.length && isUtf8(text.subarray(start, start + n)));
    expected.push(
      size === undefined
        ? "\ufffd"
        : new TextDecoder("utf-8", { ignoreBOM: true }).decode(text.subarray(start, start + size)),
    );
    start += size ?? 1;
  }
  expect(new TextDecoder("utf-8", { ignoreBOM: true }).decode(normalize(text, NOTHING))).toBe(expected.join(""));
});

const spaced = fc
  .array(fc.constantFrom(" ", "  ", "a", "é", "\u2581"), { maxLength: 10 })
  .map((parts) => parts.join(""));

test.prop([spaced, fc.boolean(), fc.boolean(), fc.boolean()])(
  "treats spaces as regular expressions would",
  (text, addDummyPrefix, removeExtraWhitespaces, escapeWhitespaces) => {
    const stripped = removeExtraWhitespaces ? text.replace(/^ +/, "").replace(/ {2,}/g, " ") : text;
    let expected = stripped === "" ? "" : (addDummyPrefix ? " " : "") + stripped;
    if (escapeWhitespaces) expected = expected.replaceAll(" ", "\u2581");
    if (removeExtraWhitespaces) expected = expected.replace(escapeWhitespaces ? /\u2581+$/ : / +$/, "");
    const options = { addDummyPrefix, removeExtraWhitespaces, escapeWhitespaces };
    expect(new TextDecoder().decode(normalize(new TextEncoder().encode(text), options))).toBe(expected);
  },
);
