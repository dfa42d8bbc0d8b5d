// Merging window by window gives what merging in one go gives, whatever the merges and wherever windows end.

import { fc, test } from "@fast-check/vitest";
import { test as example, expect } from "vitest";
import { type MergeAlone, mergeInWindows } from "../src/merge-windows.ts";

/** Merging as it is defined: the pair with the lowest rank, the left-most of equal ones, again and again. */
function plainMerges(text: string, ranks: ReadonlyMap<string, number>): string[] {
  const symbols = Array.from(text);
  for (;;) {
    let [best, bestRank] = [-1, Number.POSITIVE_INFINITY];
    for (let i = 0; i + 1 < symbols.length; i++) {
      const rank = ranks.get(`${symbols[i]} ${symbols[i + 1]}`);
      if (rank !== undefined && rank < bestRank) [best, bestRank] = [i, rank];
    }
    if (best < 0) return symbols;
    symbols.splice(best, 2, `${symbols[best]}${symbols[best + 1]}`);
  }
}

/** The symbols that windows give, and how many bytes were merged for them. */
function windowed(text: string, ranks: ReadonlyMap<string, number>, windowBytes: number): [string[], number] {
  const bytes = new TextEncoder().encode(text);
  const textOf = (start: number, end: number): string => new TextDecoder().decode(bytes.subarray(start, end));
  let nMerged = 0;
  const mergeAlone: MergeAlone = function* (start, about, out) {
    let end = Math.min(about, bytes.length);
    while (end < bytes.length && ((bytes[end] as number) & 0xc0) === 0x80) end--;
    nMerged += end - start;
    let at = start;
    for (const symbol of plainMerges(textOf(start, end), ranks)) {
      at += new TextEncoder().encode(symbol).length;
      out.push(0, at);
    }
    if (nMerged < 0) yield;
    return end === bytes.length;
  };
  const steps = mergeInWindows(0, mergeAlone, windowBytes);
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  const all = step.value;
  return [Array.from({ length: all.length }, (_, i) => textOf(all.startOf(i), all.startOf(i + 1))), nMerged];
}

const half = fc
  .array(fc.constantFrom("a", "b", "é"), { minLength: 1, maxLength: 4 })
  .map((letters) => letters.join(""));
const pair = fc.tuple(half, half).map((halves) => halves.join(" "));

test.prop([
  fc.array(fc.constantFrom("a", "b", "é"), { maxLength: 120 }).map((letters) => letters.join("")),
  fc.uniqueArray(pair, { maxLength: 24 }),
  fc.integer({ min: 4, max: 20 }),
])("windows of any size", (text, merges, windowBytes) => {
  const ranks = new Map(merges.map((merge, rank) => [merge, rank]));
  expect(windowed(text, ranks, windowBytes)[0]).toEqual(plainMerges(text, ranks));
});

example("a change that reaches far back takes time in proportion to the text", () => {
  // each pair stands in front of the one to its left: the last character decides where all symbols begin
  const characters = Array.from({ length: 601 }, (_, i) => String.fromCharCode(0x4e00 + i));
  const ranks = new Map(characters.slice(1).map((right, i) => [`${characters[i]} ${right}`, 1000 - i]));
  for (const length of [600, 601]) {
    const text = characters.slice(0, length).join("");
    const [symbols, nMerged] = windowed(text, ranks, 16);
    expect(symbols).toEqual(plainMerges(text, ranks));
    expect(symbols[0]).toHaveLength(length === 600 ? 2 : 1);
    expect(nMerged).toBeLessThan(12 * 3 * length);
  }
});
