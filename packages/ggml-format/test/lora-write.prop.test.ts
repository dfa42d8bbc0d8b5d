// Writer and reader of adapters are inverse, and the bytes are those that a builder without shared code makes.

import { fc, test } from "@fast-check/vitest";
import { memorySink, memorySource } from "@ll/bytes";
import { describe, expect } from "vitest";
import { createLoraWriter, type LoraPlan, loraFileBytes, openLora, tensorChunks } from "../src/index.ts";
import { dataBytes, pattern } from "./ggml-bytes.ts";
import { loraBytes } from "./lora-bytes.ts";

const i32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const size = fc.integer({ min: 1, max: 9 });
const target = fc.stringMatching(/^[a-z0-9._]{1,20}$/);

/** A plan with pairs in any order. */
const plan: fc.Arbitrary<LoraPlan> = fc
  .record({
    r: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
    alpha: i32,
    pairs: fc.uniqueArray(fc.record({ target, rank: size, rows: size, columns: size }), {
      selector: (pair) => pair.target,
      minLength: 1,
      maxLength: 6,
    }),
  })
  .chain(({ r, alpha, pairs }) => {
    const tensors = pairs.flatMap(({ target, rank, rows, columns }) => [
      { name: `${target}.loraA`, type: "f32", shape: [columns, rank] },
      { name: `${target}.loraB`, type: "f32", shape: [rows, rank] },
    ]);
    return fc
      .shuffledSubarray(tensors, { minLength: tensors.length })
      .map((shuffled) => ({ r, alpha, tensors: shuffled }));
  });

async function write(plan: LoraPlan): Promise<Uint8Array> {
  const sink = memorySink();
  const writer = await createLoraWriter(sink, plan);
  for (const [index, { name, shape }] of plan.tensors.entries()) {
    await writer.writeTensor(name, [pattern(dataBytes(0, shape), index)]);
  }
  await writer.finish();
  return sink.bytes();
}

describe("writing adapters", () => {
  test.prop([plan])("gives the bytes of the layout, and the size that was promised", async (plan) => {
    const bytes = await write(plan);
    const tensors = plan.tensors.map(({ name, shape }) => ({ name, ne: [...shape].reverse() }));
    expect(bytes).toEqual(loraBytes({ r: plan.r, alpha: plan.alpha, tensors }));
    expect(bytes.length).toBe(loraFileBytes(plan));
  });

  test.prop([plan])("is the inverse of reading", async (plan) => {
    const file = await openLora(memorySource(await write(plan)));
    expect({ r: file.r, alpha: file.alpha }).toEqual({ r: plan.r, alpha: plan.alpha });
    const found = new Map(file.pairs.flatMap(({ a, b }) => [a, b]).map((tensor) => [tensor.name, tensor]));
    expect(found.size).toBe(plan.tensors.length);
    for (const [index, { name, shape }] of plan.tensors.entries()) {
      const tensor = found.get(name)!;
      expect(tensor.shape).toEqual(shape);
      for await (const chunk of tensorChunks(tensor, 1024)) expect(chunk).toEqual(pattern(dataBytes(0, shape), index));
    }
  });

  const good = { name: "w.loraA", type: "f32", shape: [2, 2] } as const;
  test.each<[string, LoraPlan, RegExp]>([
    ["r = 0", { r: 0, alpha: 1, tensors: [good] }, /"r" expected/],
    ["alpha = 0.5", { r: 1, alpha: 0.5, tensors: [good] }, /"alpha" expected/],
    ["no tensors", { r: 1, alpha: 1, tensors: [] }, /"tensors" expected at least one pair/],
    ["f16", { r: 1, alpha: 1, tensors: [{ ...good, type: "f16" }] }, /expected f32 matrices, got f16/],
    ["a vector", { r: 1, alpha: 1, tensors: [{ ...good, shape: [2] }] }, /got f32 with 1 dimensions/],
    ["another name", { r: 1, alpha: 1, tensors: [{ ...good, name: "w" }] }, /"name" expected/],
    ["a name twice", { r: 1, alpha: 1, tensors: [good, good] }, /every name once/],
  ])("%s is refused before anything is written", async (_what, plan, message) => {
    const sink = memorySink();
    await expect(createLoraWriter(sink, plan)).rejects.toThrow(message);
    expect(() => loraFileBytes(plan)).toThrow(message);
    expect(sink.bytesWritten).toBe(0);
  });
});
