// Opening a hostile file takes at most twice the header bytes that it really has, plus 1 MiB: measured on the heap.

import { setTimeout } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { ByteSource } from "@ll/bytes";
import { expect, test } from "vitest";
import { openGgml } from "../src/index.ts";
import { concat, ggmlBytes, MAGIC, type RawTensor, u32 } from "./ggml-bytes.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

async function used(): Promise<number> {
  collectGarbage();
  await setTimeout(1); // array buffers are freed in the background
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Most memory in use while and after `bytes` is opened, over what was in use before; sampled at every tenth read. */
async function peakGrowth(bytes: Uint8Array): Promise<number> {
  let nReads = 0;
  let peak = 0;
  const before = await used();
  const sample = async () => {
    if (nReads++ % 10 === 0) peak = Math.max(peak, (await used()) - before);
  };
  const result: unknown = await openGgml(readThrough(bytes, sample)).catch((error: unknown) => error);
  peak = Math.max(peak, (await used()) - before);
  expect(result).toHaveProperty("name"); // and so it was still in use
  return peak;
}

function readThrough(bytes: Uint8Array, onRead: () => unknown): ByteSource {
  return {
    name: "model.bin",
    byteLength: bytes.length,
    async read(offset, target) {
      target.set(bytes.subarray(offset, offset + target.length));
      await onRead();
    },
  };
}

const MEBIBYTE = 1024 * 1024;
const names = (nTensors: number, length: number): RawTensor[] =>
  Array.from({ length: nTensors }, (_, index) => ({
    name: index.toString(36).padStart(length, "0"),
    ne: [1],
    data: new Uint8Array(4),
  }));

test.each<[string, () => Uint8Array, number]>([
  [
    "a million empty texts",
    () => concat([u32(MAGIC.ggjt, 3, 1_000_000, 0, 0, 0, 0, 0, 0), new Uint8Array(8_000_000)]),
    8_000_036,
  ],
  [
    "a million empty texts without scores",
    () => concat([u32(MAGIC.ggml, 1_000_000, 0, 0, 0, 0, 0, 0), new Uint8Array(4_000_000)]),
    4_000_032,
  ],
  [
    "a hundred texts of 64 KiB",
    () => ggmlBytes({ vocab: Array(100).fill({ text: new Uint8Array(65_536) }) }),
    100 * 65_544 + 36,
  ],
  [
    "4096 tensors with names of 4 bytes",
    () => ggmlBytes({ magic: MAGIC.ggmf, tensors: names(4096, 4) }),
    4096 * 20 + 45,
  ],
  [
    "4096 tensors with names of 255 bytes",
    () => ggmlBytes({ magic: MAGIC.ggmf, tensors: names(4096, 255) }),
    4096 * 271 + 45,
  ],
  ["counts that lie", () => concat([u32(MAGIC.ggjt, 3, 999_999, 0, 0, 0, 0, 0, 0), new Uint8Array(800_000)]), 800_036],
])("%s", async (_name, make, headerBytes) => {
  const bytes = make();
  await peakGrowth(bytes.subarray(0, 10_000)); // so that code and feedback of the engine are there before
  const growth = await peakGrowth(bytes);
  expect(growth).toBeLessThanOrEqual(2 * headerBytes + MEBIBYTE);
});
