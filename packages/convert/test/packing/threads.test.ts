// Any number of threads gives the same file, the same histograms and the same order of events.

import { readFileSync } from "node:fs";
import { memorySink, memorySource } from "@ll/bytes";
import { type GgmlFile, openGgml } from "@ll/ggml-format";
import { packRows } from "@ll/quant";
import { describe, expect, test } from "vitest";
import { type MortalWorker, mortalWorkers } from "../../../../tools/mortal-workers.ts";
import { describeWithTestData, testData } from "../../../../tools/test-data.ts";
import type { ModelEvent } from "../../src/events.ts";
import { PIECE_VALUES } from "../../src/packing/packer.ts";
import { quantizeWith } from "../../src/quantize-model.ts";
import { ftypeOf, GOLDEN, golden } from "../golden-files.ts";
import { ggjtBytes, ggjtFile, noise, sha256 } from "../models.ts";

const CONVERT_WORKER = new URL("../../src/convert-worker.ts", import.meta.url);

/** Quantises with workers even if the model is small. */
async function quantized(file: GgmlFile, ftype: number, threads: number) {
  const workers: MortalWorker[] = [];
  const events: ModelEvent[] = [];
  const sink = memorySink();
  const options = { ftype, threads, allowRequantize: true, onEvent: (event: ModelEvent) => void events.push(event) };
  await quantizeWith(file, sink, options, { spawn: mortalWorkers(workers, CONVERT_WORKER), workerMs: 0 });
  const isQuantizedType = ftype > 1; // files of f16 and f32 are made by one thread
  expect(workers.length).toBe(threads === 1 || !isQuantizedType ? 0 : threads);
  expect(workers.every(({ worker }) => worker.threadId === -1)).toBe(true); // they are gone
  return { bytes: sink.bytes(), events };
}

describe.each([1, 2, 3])("%d threads", (threads) => {
  test.each([...GOLDEN])("the golden model to %s", async (name, [size, hash]) => {
    const { bytes } = await quantized(await golden(), ftypeOf(name), threads);
    expect(bytes.length).toBe(size);
    expect(sha256(bytes)).toBe(hash);
  });

  describeWithTestData("recorded", () => {
    test.each(["tiny", "stories260k"])("%s to every type", async (model) => {
      const file = await openGgml(memorySource(readFileSync(testData(`models/${model}/ggjt/f16.bin`))));
      const { cases } = JSON.parse(readFileSync(testData(`golden/${model}-quantize.json`), "utf8")) as {
        cases: { type: string; sha256: string }[];
      };
      expect(cases.length).toBeGreaterThan(5);
      for (const { type, sha256: hash } of cases) {
        const { bytes } = await quantized(file, ftypeOf(type), threads);
        expect(sha256(bytes), type).toBe(hash);
      }
    });
  });
});

test("events and histograms are those of one thread", async () => {
  const file = await golden();
  const { events } = await quantized(file, ftypeOf("q5_1"), 3);
  expect(events).toEqual((await quantized(file, ftypeOf("q5_1"), 1)).events);
});

test("pieces of a large tensor stay in order, among copied tensors and smaller ones", async () => {
  const rows = 9;
  const file = await ggjtFile([
    { name: "a.bias", shape: [2 * PIECE_VALUES + 5] },
    { name: "b.weight", shape: [1, 64] },
    { name: "c.weight", shape: [rows, PIECE_VALUES + 32] },
    { name: "d.weight", shape: [3, 32] },
  ]);
  const { bytes } = await quantized(file, ftypeOf("q8_0"), 2);
  const written = await openGgml(memorySource(bytes));
  for (const tensor of written.tensors) {
    const data = new Uint8Array(tensor.byteLength);
    await tensor.read(0, data);
    const values = noise(tensor.shape.reduce((product, size) => product * size, 1));
    const expected = tensor.type === "f32" ? new Uint8Array(values.buffer) : packRows(tensor.type, values);
    expect(sha256(data), tensor.name).toBe(sha256(expected));
  }
});

test("blocks of a quantised tensor are unpacked by the workers", async () => {
  const q8_0 = await openGgml(memorySource((await quantized(await golden(), ftypeOf("q8_0"), 2)).bytes));
  const one = await quantized(q8_0, ftypeOf("q4_K_M"), 1);
  const two = await quantized(q8_0, ftypeOf("q4_K_M"), 2);
  expect(sha256(two.bytes)).toBe(sha256(one.bytes));
});

describe("workers are not started", () => {
  const workersFor = async (ftype: number, threads: number, workerMs: number): Promise<number> => {
    const workers: MortalWorker[] = [];
    const file = await openGgml(memorySource(await ggjtBytes([{ name: "a.weight", shape: [256, 256] }])));
    await quantizeWith(
      file,
      memorySink(),
      { ftype, threads },
      { spawn: mortalWorkers(workers, CONVERT_WORKER), workerMs },
    );
    return workers.length;
  };

  test("for less work than two of them want; K types are more work", async () => {
    expect(await workersFor(ftypeOf("q4_0"), 4, 0.03)).toBe(0); // 65,536 values take 0.05 ms
    expect(await workersFor(ftypeOf("q4_0"), 4, 0.02)).toBe(2);
    expect(await workersFor(ftypeOf("q4_0"), 4, 0.015)).toBe(3);
    expect(await workersFor(ftypeOf("q4_K_S"), 9, 0.03)).toBe(6);
  });

  test("beyond eight", async () => {
    expect(await workersFor(ftypeOf("q4_0"), 100, 0)).toBe(8);
  });

  test("for files that are only copied", async () => {
    const workers: MortalWorker[] = [];
    const file = await ggjtFile([{ name: "a.bias", shape: [9, 32] }]);
    const seams = { spawn: mortalWorkers(workers, CONVERT_WORKER), workerMs: 0 };
    await quantizeWith(file, memorySink(), { ftype: 2, threads: 2 }, seams);
    expect(workers.length).toBe(0);
  });

  test.each([0, -1, 1.5, Number.NaN])(
    "for %d threads, which are refused before anything is written",
    async (threads) => {
      const sink = memorySink();
      const file = await ggjtFile([{ name: "a.weight", shape: [9, 32] }]);
      await expect(quantizeWith(file, sink, { ftype: 2, threads })).rejects.toThrow(
        `"threads" expected an integer >= 1, got ${threads}`,
      );
      expect(sink.bytesWritten).toBe(0);
    },
  );
});
