// The list of merges: which rank a pair has, and that a merge costs nothing but a hash until its pair comes up.

import { expect, test } from "vitest";
import { createMergeTable, findPair, hashMadeBy, type MergeTable, madeBy } from "../src/byte-level/merge-table.ts";
import { TextIndex } from "../src/text-index.ts";
import { textsOf } from "./support/texts.ts";

const TOKENS = ["a", "b", "ab", "aba", "\u00e9"];

function tableOf(merges: readonly string[], spelling: "bytes" | "characters" = "bytes"): MergeTable {
  const nTokens = TOKENS.length;
  const index = new TextIndex(textsOf(TOKENS));
  for (let id = 0; id < nTokens; id++) index.add(id);
  return createMergeTable({
    ...{ nTokens, index, spelling, byteIds: new Int32Array(256), ignoreMerges: false },
    ...{ isForbidden: new Uint8Array(nTokens), isKey: undefined, merges: textsOf(merges), file: "f", field: "merges" },
  });
}

function rankOf(table: MergeTable, left: string, right: string): number {
  const { index } = table;
  const [a, b] = [left, right].map((text) => new TextEncoder().encode(text)) as [Uint8Array, Uint8Array];
  const hash = (bytes: Uint8Array): number => index.hash(index.seed, bytes, 0, bytes.length);
  const id = (bytes: Uint8Array): number => index.findText(bytes, 0, bytes.length);
  return findPair(table, id(a), hash(a), id(b), hash(b));
}

test("a merge is filled in when its pair comes up, and hardly any other", () => {
  const table = tableOf(["a b", "ab a", ...Array.from({ length: 1000 }, (_, i) => `b ${i}`)]);
  expect(table.pages).toEqual([undefined]);
  expect(rankOf(table, "ab", "a")).toBe(1);
  expect(madeBy(table, 1)).toBe(3);
  expect(hashMadeBy(table, 1)).toBe(table.index.hashes[3]);
  // one in 512 of those in the slots behind has the same bits of a hash, which is another one in every run
  const nFilled = Array.from({ length: 1002 }, (_, rank) => table.pages[0]?.[4 * rank]).filter(
    (left) => left !== 0,
  ).length;
  expect(nFilled).toBeLessThan(10);
  expect(rankOf(table, "a", "aba")).toBe(-1);
});

test("a page is made when one of its merges comes up", () => {
  const table = tableOf([...Array.from({ length: 2500 }, (_, i) => `b ${i}`), "ab a"]);
  expect(rankOf(table, "ab", "a")).toBe(2500);
  expect(madeBy(table, 2500)).toBe(3);
  expect(table.pages[2]).toBeDefined();
});

test("what a merge makes may be no token, and is the same symbol wherever it is made", () => {
  const table = tableOf(["b a", "a a", "b ab", "b a", "ba b"]);
  expect(rankOf(table, "b", "a")).toBe(0);
  const made = madeBy(table, 0);
  expect(made).toBeGreaterThanOrEqual(TOKENS.length);
  table.resolve(4);
  expect(table.pages[0]?.[4 * 4]).toBe(made + 1);
});

test("of a pair that comes twice the first rank counts, before and after it came up", () => {
  const table = tableOf(["b b", "a b", "a b"]);
  expect(rankOf(table, "a", "b")).toBe(1);
  expect(rankOf(table, "a", "b")).toBe(1);
  expect(table.pages[0]?.[4 * 2]).toBe(0); // it was left out
});

test("a merge that no bytes are spelled like is left out", () => {
  // a control character, half a character, and one of another alphabet in front of the space
  const table = tableOf(["\u0007 a", "\u4e00 a", "a b"]);
  expect(rankOf(table, "a", "b")).toBe(2);
});

test("in a vocabulary of characters the right text may have spaces", () => {
  const table = tableOf(["a b", "a \u00e9"], "characters");
  expect(rankOf(table, "a", "\u00e9")).toBe(1);
});

test.each(["ab", " ab", "ab ", ""])("'%s' is no merge", (merge) => {
  expect(() => tableOf(["a b", merge])).toThrow("bad merges: expected two texts");
});
