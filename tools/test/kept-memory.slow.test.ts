// The figures that SECURITY.md gives under "Limits": what stays in memory of the largest inputs that are read.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { memorySource } from "@ll/bytes";
import { openSafetensors, readJsonObject, readPickle } from "@ll/checkpoint";
import { createTokenizer, readSentencePieceModel } from "@ll/tokenizer";
import { expect, test } from "vitest";
import * as p from "../../packages/checkpoint/test/support/pickle-writer.ts";
import { safetensorsText } from "../../packages/checkpoint/test/support/safetensors-writer.ts";
import { largeModel } from "../../packages/tokenizer/test/support/large-model.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

function usedMegabytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1e6;
}

/** How many megabytes stay for what `make` returns. */
async function kept(make: () => unknown): Promise<number> {
  const before = usedMegabytes();
  const made = await make();
  const grown = usedMegabytes() - before;
  expect(made).toBeDefined(); // and is reachable until here
  return grown;
}

const times = (n: number, text: (i: number) => string): string =>
  Array.from({ length: n }, (_, i) => text(i)).join(",");

test("the 100,000 tensors of a safetensors file: 70 MB", async () => {
  const entries = times(100_000, (i) => `"layers.${i}.weight":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`);
  const bytes = safetensorsText(`{${entries}}`);
  const megabytes = await kept(() => openSafetensors(memorySource(bytes)));
  expect(megabytes).toBeLessThan(70);
  expect(megabytes).toBeGreaterThan(10); // it was measured at all
});

test("the 200,000 containers of a pickle: 60 MB", async () => {
  const lists = new Uint8Array(9000).fill(p.EMPTY_LIST[0] as number);
  const parts = Array.from({ length: 22 }, () => [p.MARK, lists, p.APPENDS]).flat();
  const bytes = p.pickle(p.EMPTY_LIST, ...parts);
  const megabytes = await kept(() => readPickle(bytes));
  expect(megabytes).toBeLessThan(60);
  expect(megabytes).toBeGreaterThan(1);
});

test.each([
  ["numbers", "0", 2],
  ["lists of a number", "[0]", 4],
  ["empty objects", "{}", 3],
  ["objects", '{"":0}', 7],
  ["texts", '"a text"', 9],
])("a JSON file of 10 MB, of %s: 80 MB", async (_name, item, nBytes) => {
  const json = (n: number): Uint8Array => new TextEncoder().encode(`{"x":[${times(n, () => item)}]}`);
  await expect(readJsonObject(memorySource(json(Math.floor(9_900_000 / nBytes))))).rejects.toThrow("too many values");
  const largest = json(item.includes("0") && item.length > 1 ? 199_000 : 399_000); // two values each, or one
  expect(await kept(() => readJsonObject(memorySource(largest)))).toBeLessThan(80);
});

test("a tokenizer of a million pieces: 45 MB, and 60 MB once it has encoded as SentencePiece does", async () => {
  const file = largeModel();
  const tokenizer = { current: undefined as ReturnType<typeof createTokenizer> | undefined };
  const first = await kept(() => {
    tokenizer.current = createTokenizer(readSentencePieceModel(file));
    return tokenizer.current;
  });
  const second = await kept(() => tokenizer.current?.encode("a", { mode: "sentencepiece" }));
  expect(tokenizer.current?.nVocab).toBeGreaterThan(900_000);
  expect(first).toBeLessThan(45);
  expect(first + second).toBeLessThan(60);
});
