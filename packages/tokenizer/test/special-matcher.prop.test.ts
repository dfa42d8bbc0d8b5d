// The matcher of special tokens beside a plain search through all of them.

import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { SpecialMatcher } from "../src/special-matcher.ts";
import { NONE } from "../src/text-index.ts";
import { textsOf } from "./support/texts.ts";

// few letters, so that many texts begin alike or are equal; enough texts that they are dealt out by their bytes
const text = fc.string({ unit: fc.constantFrom("a", "b", "\u00e9"), minLength: 1, maxLength: 6 });
const texts = fc.array(text, { minLength: 1, maxLength: 200 });

const matcherOf = (list: readonly string[]): SpecialMatcher =>
  new SpecialMatcher(textsOf(list), Int32Array.from(list.keys()));

test.prop([texts, text])("a text is the first token with it", (list, sought) => {
  const matcher = matcherOf(list);
  expect(matcher.idOf(new TextEncoder().encode(sought))).toBe(list.indexOf(sought));
  for (const one of list) expect(matcher.idOf(new TextEncoder().encode(one))).toBe(list.indexOf(one));
});

test.prop([texts])("a text that comes twice is told", (list) => {
  const twice = matcherOf(list).duplicate();
  expect(twice === undefined).toBe(new Set(list).size === list.length);
  if (twice === undefined) return;
  expect(list[twice[0]]).toBe(list[twice[1]]);
  expect(twice[0]).toBeLessThan(twice[1]);
});

test.prop([texts, fc.string({ unit: fc.constantFrom("a", "b", "\u00e9", "c"), maxLength: 12 })])(
  "the left-most token is found, of several there the longest",
  (list, where) => {
    const distinct = [...new Set(list)];
    const matcher = matcherOf(distinct);
    const bytes = new TextEncoder().encode(where);
    const isFound = matcher.find(bytes, 0, 0, bytes.length);
    const places = distinct.map((one) => where.indexOf(one)).filter((at) => at >= 0);
    expect(isFound).toBe(places.length > 0);
    if (!isFound) return;
    const first = Math.min(...places);
    const longest = distinct.filter((one) => where.startsWith(one, first)).sort((a, b) => b.length - a.length)[0];
    expect(matcher.id).toBe(distinct.indexOf(longest as string));
    expect(matcher.start).toBe(new TextEncoder().encode(where.slice(0, first)).length);
  },
);

test("no token is found among none", () => {
  const matcher = new SpecialMatcher(textsOf(["a"]), new Int32Array(0));
  expect(matcher.idOf(Uint8Array.of(0x61))).toBe(NONE);
  expect(matcher.find(Uint8Array.of(0x61), 0, 0, 1)).toBe(false);
});
