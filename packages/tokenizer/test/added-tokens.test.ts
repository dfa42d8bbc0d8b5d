// The list of added tokens of a tokenizer.json: what its members mean, and that a long one costs no more than is promised.

import { headerBudget } from "@ll/bytes";
import { describe, expect, test } from "vitest";
import { countingBudget, expectWithinPromise } from "../../../tools/parser-cost.ts";
import { type AddedTokens, addedId, looksSpecial, readAddedTokens } from "../src/added-tokens.ts";
import { createHfTokenizer, createJsonTokenizer } from "../src/index.ts";
import { JsonScanner } from "../src/json-scanner.ts";
import { readJsonVocabulary } from "../src/json-tokenizer.ts";
import { CUT } from "../src/special-matcher.ts";
import { textOf } from "../src/texts.ts";

const encoder = new TextEncoder();

function read(list: string): AddedTokens {
  const bytes = encoder.encode(list);
  const budget = headerBudget(bytes.length);
  return readAddedTokens(new JsonScanner(bytes, "f", budget), { start: 0, end: bytes.length }, budget);
}

const contents = ({ texts, ids }: AddedTokens): string[] =>
  Array.from(ids, (_, i) => new TextDecoder().decode(textOf(texts, i)));

/** A tokenizer.json with these parts. */
function file(added: string, merges = "", vocab = '"a":0'): Uint8Array {
  return encoder.encode(
    `{"pre_tokenizer":{"type":"ByteLevel"},"added_tokens":[${added}],"model":{"vocab":{${vocab}},"merges":[${merges}]}}`,
  );
}

const list = (count: number, item: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => item(i)).join();

describe("members", () => {
  test("in any order, with others between them", () => {
    const added = read(
      '[ {"content" : "x y" , "normalized":{"a":[1,{}]}, "id":7,"special":true} ,{"id":0,"content":"","rstrip":true,"lstrip":false}]',
    );
    expect(contents(added)).toEqual(["x y", ""]);
    expect([...added.ids]).toEqual([7, 0]);
    expect([...added.isSpecial]).toEqual([1, 0]);
    expect([...added.cuts]).toEqual([0, CUT.stripsRight]);
  });

  test("with escapes in keys and texts", () => {
    const added = read('[{"\\u0069d":3,"c\\u006fntent":"\\ud83e\\udd99\\n\\"","single_wor\\u0064":true}]');
    expect(contents(added)).toEqual(['\u{1f999}\n"']);
    expect([...added.ids]).toEqual([3]);
    expect([...added.cuts]).toEqual([CUT.isWord]);
  });

  test("the last of several counts", () => {
    const added = read('[{"id":1,"content":"long","content":"b","id":2,"lstrip":true,"lstrip":false,"special":true}]');
    expect(contents(added)).toEqual(["b"]);
    expect([...added.ids]).toEqual([2]);
    expect([...added.cuts]).toEqual([0]);
  });

  test.each(["null", "[]"])("none in %s", (none) => expect(read(none).ids.length).toBe(0));

  test.each([
    ["a number as content", '[{"id":1,"content":2}]'],
    ["no content in the middle", '[{"id":1},{"id":2,"content":"a"}]'],
    ["no content at the end", '[{"id":2,"content":"a"},{"id":1}]'],
    ["no id", '[{"content":"a"}]'],
    ["a text as id", '[{"id":"1","content":"a"}]'],
    ["an id of a million", '[{"id":1000000,"content":"a"}]'],
    ["a text in place of a token", '["a"]'],
    ["a text in place of the list", '"a"'],
  ])("%s is refused", (_, json) => {
    expect(() => read(json)).toThrow(expect.objectContaining({ code: "E_FIELD" }));
  });
});

test("a token is found by its text, the last one of several", () => {
  const added = read('[{"id":5,"content":"x"},{"id":6,"content":"xy"},{"id":7,"content":"x"}]');
  expect(["x", "xy", "y", ""].map((text) => addedId(added, text))).toEqual([7, 6, undefined, undefined]);
});

test.each([
  ["<|im_end|>", true],
  ["<｜end▁of▁sentence｜>", true],
  ["<unused12>", true],
  ["[@BOS@]", true],
  ["<unused>", false],
  ["im_end", false],
  [`<|${"x".repeat(600)}|>`, false],
])("%s looks special: %s", (text, is) => expect(looksSpecial(encoder.encode(text))).toBe(is));

describe("what they may cost", () => {
  const many = list(100_000, (i) => `{"id":${i},"content":"${i.toString(36)}","special":${i % 2 === 0}}`);

  test("reading and making the tokenizer are counted, and within the promise", () => {
    const bytes = file(many);
    const [reading, both] = [countingBudget(), countingBudget()];
    readJsonVocabulary(bytes, { budget: reading });
    createJsonTokenizer(bytes, { budget: both });
    expectWithinPromise(both, bytes.length);
    // texts, where they begin, their hashes and types: more than is read
    expect(both.usedBytes).toBeGreaterThan(reading.usedBytes + 20 * 100_000);
  });

  test("a directory may have more than become one value", () => {
    const tokenizerJson = file(list(160_000, (i) => `{"id":${i},"content":"<${i}>","special":false}`));
    expect(tokenizerJson.length).toBeGreaterThan(6 * 2 ** 20);
    const budget = countingBudget();
    const tokenizerConfig = encoder.encode('{"eos_token":"<159999>"}');
    const tokenizer = createHfTokenizer({ tokenizerJson, tokenizerConfig }, { budget });
    expect(tokenizer.special.eos).toBe(159_999);
    expectWithinPromise(budget, tokenizerJson.length);
  });

  test("merges that leave no room for their table are refused before it is made", () => {
    const bytes = file(
      "",
      list(700_000, () => '"a b"'),
    );
    const refused = expect.objectContaining({ code: "E_LIMIT", field: "model.merges" });
    expect(() => createJsonTokenizer(bytes)).toThrow(refused);
    expect(() => createHfTokenizer({ tokenizerJson: bytes })).toThrow(refused);
  });

  test("a merge has no room of its own before its pair comes up", () => {
    const merges = list(100_000, (i) => `"a ${i}"`);
    const [reading, both] = [countingBudget(), countingBudget()];
    readJsonVocabulary(file("", merges), { budget: reading });
    createJsonTokenizer(file("", merges), { budget: both });
    const slots = 4 * 2 ** 18;
    expect(both.usedBytes - reading.usedBytes).toBeLessThan(slots + 1000);
  });
});
