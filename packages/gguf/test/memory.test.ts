// Opening a hostile file takes at most twice the header bytes that it really has, plus 1 MiB: measured on the heap.

import { setTimeout } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { ByteSource } from "@ll/bytes";
import { expect, test } from "vitest";
import { openGguf } from "../src/index.ts";
import { ARRAY, array, ggufBytes, type RawPair, type RawTensor, STRING, text, u8 } from "./support/gguf-bytes.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

async function used(): Promise<number> {
  collectGarbage();
  await setTimeout(1); // array buffers are freed in the background
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Most memory in use while and after `bytes` is opened, over what was in use before; sampled at every read. */
async function peakGrowth(bytes: Uint8Array): Promise<number> {
  let peak = 0;
  const before = await used();
  const source: ByteSource = {
    name: "model.gguf",
    byteLength: bytes.length,
    async read(offset, target) {
      target.set(bytes.subarray(offset, offset + target.length));
      peak = Math.max(peak, (await used()) - before);
    },
  };
  const result: unknown = await openGguf(source).catch((error: unknown) => error);
  peak = Math.max(peak, (await used()) - before);
  expect(result).toHaveProperty("name"); // and so it was still in use
  return peak;
}

const MEBIBYTE = 1024 * 1024;

const short = (index: number, length: number): string => index.toString(36).padStart(length, "0");
const pairs = (n: number, length: number): RawPair[] =>
  Array.from({ length: n }, (_, i) => ({ key: short(i, length), type: 0, value: u8(1) }));
const texts = (n: number): RawPair[] =>
  Array.from({ length: n }, (_, i) => ({ key: short(i, 2), type: STRING, value: text("a") }));
const tensors = (n: number, length: number): RawTensor[] =>
  Array.from({ length: n }, (_, i) => ({ name: short(i, length), type: 24, ne: [0] }));

test.each<[string, () => Uint8Array]>([
  [
    "a million empty texts in an array",
    () => ggufBytes({ pairs: [{ key: "k", type: ARRAY, value: array(STRING, [new Uint8Array(8e6)], 1_000_000n) }] }),
  ],
  [
    "half a million empty arrays in an array",
    () => ggufBytes({ pairs: [{ key: "k", type: ARRAY, value: array(ARRAY, [new Uint8Array(6e6)], 500_000n) }] }),
  ],
  [
    "a text of 8 MiB",
    () => ggufBytes({ pairs: [{ key: "k", type: STRING, value: text(new Uint8Array(8 * MEBIBYTE)) }] }),
  ],
  ["1024 numbers", () => ggufBytes({ pairs: pairs(1024, 2) })],
  ["1024 texts", () => ggufBytes({ pairs: texts(1024) })],
  ["100 keys of 65,535 bytes", () => ggufBytes({ pairs: pairs(100, 65_535) })],
  ["4096 tensors with short names", () => ggufBytes({ tensors: tensors(4096, 3) })],
  ["4096 tensors with long names", () => ggufBytes({ tensors: tensors(4096, 64) })],
  ["both", () => ggufBytes({ pairs: texts(1024), tensors: tensors(4096, 3) })],
  ["counts that lie", () => ggufBytes({ nTensors: 4096n, nPairs: 1024n, tail: new Uint8Array(200_000) })],
])("%s", async (_name, make) => {
  const bytes = make();
  await peakGrowth(ggufBytes({ pairs: texts(10), tensors: tensors(10, 3) })); // so that code and feedback are there before
  const growth = await peakGrowth(bytes);
  expect(growth).toBeLessThanOrEqual(2 * bytes.length + MEBIBYTE);
});
