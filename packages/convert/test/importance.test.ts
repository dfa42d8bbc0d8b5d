// Files of importance, of both formats, and hostile ones.

import { readFileSync } from "node:fs";
import { memorySink, memorySource } from "@ll/bytes";
import { createGgufWriter, openGguf, type WritableValue } from "@ll/gguf";
import { describe, expect, test } from "vitest";
import { describeWithTestData, testData } from "../../../tools/test-data.ts";
import {
  chosenImportance,
  type Importance,
  type ImportanceInput,
  importanceFileBytes,
  openImportance,
  writeImportance,
} from "../src/index.ts";
import { ggufImportance, oldImportance } from "./support/importance-bytes.ts";

const open = (bytes: Uint8Array): Promise<Importance> => openImportance(memorySource(bytes, "imatrix"));

async function valuesOf({ entries }: Importance, name: string): Promise<number[]> {
  const entry = entries.get(name);
  return [...((await entry?.read(0, entry.length)) ?? [])];
}

describeWithTestData("both formats of one measurement", () => {
  test("say the same", async () => {
    const read = (ending: string) => open(readFileSync(testData(`models/quantize/llama-gqa.imatrix.${ending}`)));
    const [gguf, old] = [await read("gguf"), await read("dat")];
    expect(gguf.entries.size).toBe(70);
    expect([...old.entries.keys()]).toEqual([...gguf.entries.keys()]);
    for (const name of gguf.entries.keys()) expect(await valuesOf(old, name)).toEqual(await valuesOf(gguf, name));
    expect([old.datasets, old.nChunks]).toEqual([gguf.datasets, gguf.nChunks]);
    expect([gguf.datasets, gguf.nChunks]).toEqual([["words.txt"], 64]);
  });
});

describe("GGUF", () => {
  test("sums are divided by how often, for each matrix; what was never seen counts alike", async () => {
    const importance = await open(
      await ggufImportance({
        a: [
          [2, 4, 6, 9, 9, 9],
          [2.5, 0],
        ],
      }),
    );
    expect(await valuesOf(importance, "a")).toEqual([Math.fround(2 / 3), Math.fround(4 / 3), 2, 1, 1, 1]);
    expect([...((await importance.entries.get("a")?.read(2, 2)) ?? [])]).toEqual([2, 1]);
    expect([importance.datasets, importance.nChunks]).toEqual([["text"], 7]);
  });

  test.each<[string, Parameters<typeof ggufImportance>[1], string]>([
    ["no data sets", { "imatrix.datasets": undefined }, "imatrix.datasets"],
    ["a data set that is none", { "imatrix.datasets": { type: "u32", value: 1 } }, "imatrix.datasets"],
    ["no number of pieces", { "imatrix.chunk_count": undefined }, "imatrix.chunk_count"],
    ["a size of pieces of another type", { "imatrix.chunk_size": { type: "f32", value: 1 } }, "imatrix.chunk_size"],
  ])("%s", async (_, pairs, field) => {
    await expect(open(await ggufImportance({ a: [[1], [1]] }, pairs))).rejects.toMatchObject({ code: "E_TYPE", field });
  });

  test.each<[string, Parameters<typeof ggufImportance>[0], string]>([
    ["sums without counts", { a: [[1], undefined] }, "E_MISSING_TENSOR"],
    ["counts without sums", { a: [undefined, [1]] }, "E_MISSING_TENSOR"],
    [
      "three sums for two matrices",
      {
        a: [
          [1, 2, 3],
          [1, 1],
        ],
      },
      "E_SHAPE",
    ],
    ["no counts at all", { a: [[1, 2, 3], []] }, "E_SHAPE"],
    ["a negative sum", { a: [[1, -2], [1]] }, "E_NUMBER"],
    ["no number", { a: [[Number.NaN], [1]] }, "E_NUMBER"],
    ["infinite", { a: [[Number.POSITIVE_INFINITY], [1]] }, "E_NUMBER"],
  ])("%s", async (_, entries, code) => {
    await expect(open(await ggufImportance(entries))).rejects.toMatchObject({ name: "ConvertError", code });
  });

  test("sums of another type", async () => {
    const sink = memorySink();
    const metadata = new Map<string, WritableValue>([
      ["imatrix.datasets", { type: "array", itemType: "string", items: [] }],
      ["imatrix.chunk_count", { type: "u32", value: 1 }],
      ["imatrix.chunk_size", { type: "u32", value: 1 }],
    ]);
    const tensors = ["a.in_sum2", "a.counts"].map((name) => ({ name, type: "f16", shape: [2] }));
    const writer = await createGgufWriter(sink, { metadata, tensors });
    for (const { name } of tensors) await writer.writeTensor(name, [new Uint8Array(4)]);
    await expect(open(sink.bytes())).rejects.toMatchObject({ code: "E_TYPE", field: "a.in_sum2" });
  });
});

describe("the older format", () => {
  test("numbers are divided by the calls, if there are any; the end may be missing", async () => {
    const entries = [
      { name: "a", nCalls: 4, values: [2, 4] },
      { name: "b", nCalls: 0, values: [3] },
    ];
    const full = await open(oldImportance(entries, { nChunks: 5, dataset: "text" }));
    expect([await valuesOf(full, "a"), await valuesOf(full, "b")]).toEqual([[0.5, 1], [3]]);
    expect([full.datasets, full.nChunks]).toEqual([["text"], 5]);
    const short = await open(oldImportance(entries));
    expect([short.datasets, short.nChunks, short.entries.size]).toEqual([[], 0, 2]);
    expect((await open(oldImportance([]))).entries.size).toBe(0);
  });

  test.each([
    ["nothing", new Uint8Array(0), "E_TRUNC"],
    ["two bytes", new Uint8Array(2), "E_TRUNC"],
    ["a negative number of entries", oldImportance([], undefined, -1), "E_LIMIT"],
    ["more entries than any model has", oldImportance([], undefined, 2 ** 30), "E_LIMIT"],
    ["entries that are not there", oldImportance([], undefined, 3), "E_TRUNC"],
    ["values that are not there", oldImportance([{ name: "a", nCalls: 1, values: [1, 2] }]).subarray(0, -1), "E_TRUNC"],
    ["a negative length", Uint8Array.from([1, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0]), "E_LENGTH"],
    ["a name twice", oldImportance(["a", "a"].map((name) => ({ name, nCalls: 1, values: [1] }))), "E_DUP"],
    ["no number", oldImportance([{ name: "a", nCalls: 1, values: [1, Number.NaN] }]), "E_NUMBER"],
  ])("%s", async (_, bytes, code) => {
    await expect(open(bytes)).rejects.toMatchObject({ name: "ConvertError", code });
  });

  test("a file that has its end cut off anywhere is refused or read without it", async () => {
    const bytes = oldImportance([{ name: "a", nCalls: 1, values: [1, 2] }], { nChunks: 5, dataset: "text" });
    const bounds = [bytes.length - 12, bytes.length - 8]; // without the end, or without the name of the data set
    for (let length = 0; length < bytes.length; length++) {
      const opened = await open(bytes.subarray(0, length)).catch((error) => error.code);
      if (bounds.includes(length)) expect(opened).toMatchObject({ datasets: [] });
      else expect(opened, `${length} bytes`).toBe("E_TRUNC");
    }
  });
});

test("entries are chosen by parts of their names", async () => {
  const names = ["blk.0.attn_q.weight", "blk.0.ffn_up.weight", "output.weight"];
  const importance = await open(oldImportance(names.map((name) => ({ name, nCalls: 1, values: [1] }))));
  const kept = (choice: Parameters<typeof chosenImportance>[1]): string[] => [
    ...chosenImportance(importance, choice).entries.keys(),
  ];
  expect(kept({})).toEqual(names);
  expect(kept({ included: ["attn", "output"] })).toEqual([names[0], names[2]]);
  expect(kept({ excluded: ["blk.0."] })).toEqual([names[2]]);
});

describe("writing", () => {
  const input: ImportanceInput = {
    entries: new Map([
      ["blk.1.b.weight", { squares: [2, 4, 6, 0, 0, 0], counts: [2, 0] }],
      ["blk.0.a.weight", { squares: [1 / 3, 2 ** 30 + 1], counts: [3] }],
    ]),
    datasets: ["text.txt", "\u{1f40c}"],
    nChunks: 7,
    chunkTokens: 512,
  };
  const written = async (changes: Partial<ImportanceInput> = {}): Promise<Uint8Array> => {
    const sink = memorySink();
    await writeImportance({ ...input, ...changes }, sink);
    return sink.bytes();
  };

  test("what is written is what is read; what was never seen counts alike", async () => {
    const bytes = await written();
    expect(importanceFileBytes(input)).toBe(bytes.length);
    const importance = await open(bytes);
    expect([importance.datasets, importance.nChunks]).toEqual([["text.txt", "\u{1f40c}"], 7]);
    expect([...importance.entries.keys()]).toEqual(["blk.0.a.weight", "blk.1.b.weight"]);
    const [third, sum] = [Math.fround(1 / 3), Math.fround(2 ** 30 + 1)].map((x) => Math.fround(x / 3));
    expect(await valuesOf(importance, "blk.0.a.weight")).toEqual([third, sum]);
    expect(await valuesOf(importance, "blk.1.b.weight")).toEqual([1, 2, 3, 1, 1, 1]);
  });

  test("keys, names and shapes are those of llama-imatrix", async () => {
    const file = await openGguf(memorySource(await written(), "imatrix"));
    const keys = ["general.type", "imatrix.datasets", "imatrix.chunk_count", "imatrix.chunk_size"];
    expect([...file.metadata.keys()]).toEqual(keys);
    expect(file.tensors.map(({ name, type, shape }) => [name, type, shape])).toEqual([
      ["blk.0.a.weight.in_sum2", "f32", [1, 2]],
      ["blk.0.a.weight.counts", "f32", [1, 1]],
      ["blk.1.b.weight.in_sum2", "f32", [2, 3]],
      ["blk.1.b.weight.counts", "f32", [2, 1]],
    ]);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, 1e39])(
    "%d is refused before anything is written",
    async (number) => {
      const sink = memorySink();
      const entries = new Map([["blk.0.a.weight", { squares: [1, number], counts: [3] }]]);
      const expected = { code: "E_NUMBER", field: "blk.0.a.weight" };
      await expect(writeImportance({ ...input, entries }, sink)).rejects.toMatchObject(expected);
      expect(sink.bytesWritten).toBe(0);
    },
  );
});
