import { createTokenizer } from "@ll/tokenizer";
import { expect, test } from "vitest";
import { encodeText } from "../src/long-text.ts";

const vocab = Array.from({ length: 300 }, (_, id) => ({
  text: new TextEncoder().encode(id === 299 ? "ab" : ""),
  score: 0,
}));
const tokenizer = createTokenizer(vocab);

test("the event loop turns while a long text is encoded", async () => {
  let turns = 0;
  let ended = false;
  const count = (): void => {
    turns++;
    if (!ended) setImmediate(count);
  };
  setImmediate(count);
  const ids = await encodeText(tokenizer, new TextEncoder().encode("ab".repeat(1_000_000)), { bos: true });
  ended = true;
  expect([ids.length, ids[0], ids[1]]).toEqual([1_000_001, 1, 299]);
  expect(turns).toBeGreaterThan(5);
});

test("a short text takes one piece", async () => {
  expect([...(await encodeText(tokenizer, "abab"))]).toEqual([299, 299]);
  expect([...(await encodeText(tokenizer, ""))]).toEqual([]);
});
