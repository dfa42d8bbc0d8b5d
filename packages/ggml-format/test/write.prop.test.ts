// Writer and reader are inverse, and the bytes are those that a builder without shared code makes.

import { fc, test } from "@fast-check/vitest";
import { memorySink, memorySource } from "@ll/bytes";
import { expect } from "vitest";
import { createGgmlWriter, type GgmlPlan, ggmlFileBytes, openGgml, tensorChunks, tensorType } from "../src/index.ts";
import { dataBytes, ggmlBytes, pattern } from "./ggml-bytes.ts";

const TYPES = ["f32", "f16", "q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q2_K", "q3_K", "q4_K", "q5_K", "q6_K"] as const;
const OLD_TYPES = ["f32", "f16", "q4_0_v1", "q4_1_v1"] as const;

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const entry = fc.record({
  text: fc.uint8Array({ maxLength: 40 }),
  // every finite binary32 number, also -0 and subnormals
  score: fc.float({ noNaN: true, noDefaultInfinity: true }),
});
const name = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 20 })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: names with control characters are refused
  .filter((text) => !/[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/.test(text));
const shapeOf = (type: string): fc.Arbitrary<number[]> => {
  const { blockValues } = tensorType(type);
  const row = fc.integer({ min: 1, max: blockValues === 1 ? 40 : 3 }).map((n) => n * blockValues);
  return fc.oneof(
    row.map((n) => [n]),
    fc.tuple(fc.integer({ min: 1, max: 5 }), row).map((shape) => [...shape]),
  );
};
const tensorsOf = (types: readonly string[]) =>
  fc.uniqueArray(
    fc.constantFrom(...types).chain((type) => fc.record({ name, type: fc.constant(type), shape: shapeOf(type) })),
    { selector: (tensor) => tensor.name, maxLength: 8 },
  );

const plan: fc.Arbitrary<GgmlPlan> = fc
  .record({
    version: fc.constantFrom<(1 | 3)[]>(1, 3),
    vocab: fc.array(entry, { minLength: 1, maxLength: 12 }),
    numbers: fc.tuple(u32, u32, u32, u32, u32),
  })
  .chain(({ version, vocab, numbers: [nEmbd, nMult, nHead, nLayer, nRot] }) =>
    fc.record({
      version: fc.constant(version),
      vocab: fc.constant(vocab),
      hyperParams: fc.record({
        nVocab: fc.constant(vocab.length),
        nEmbd: fc.constant(nEmbd),
        nMult: fc.constant(nMult),
        nHead: fc.constant(nHead),
        nLayer: fc.constant(nLayer),
        nRot: fc.constant(nRot),
        ftype: fc.constantFrom(...(version === 1 ? [0, 1, 2, 3, 4] : [0, 1, 2, 7, 18])),
      }),
      tensors: tensorsOf(version === 1 ? OLD_TYPES : TYPES),
    }),
  );

const dataOf = ({ tensors }: GgmlPlan): Uint8Array[] =>
  tensors.map(({ type, shape }, index) => {
    const { blockValues, blockBytes } = tensorType(type);
    return pattern((shape.reduce((a, b) => a * b) / blockValues) * blockBytes, index);
  });

async function write(plan: GgmlPlan, pieceBytes: number): Promise<Uint8Array> {
  const sink = memorySink();
  const writer = await createGgmlWriter(sink, plan);
  const data = dataOf(plan);
  for (const [index, tensor] of plan.tensors.entries()) {
    const bytes = data[index]!;
    const pieces: Uint8Array[] = [];
    for (let offset = 0; offset < bytes.length; offset += pieceBytes)
      pieces.push(bytes.slice(offset, offset + pieceBytes));
    await writer.writeTensor(tensor.name, pieces);
  }
  await writer.finish();
  return sink.bytes();
}

test.prop([plan, fc.integer({ min: 1, max: 500 })])(
  "a written file opens as what was planned",
  async (plan, pieceBytes) => {
    const bytes = await write(plan, pieceBytes);
    expect(bytes.length).toBe(ggmlFileBytes(plan));
    const file = await openGgml(memorySource(bytes), { oldBlocks: true });
    expect(file.container).toMatchObject({ magic: "ggjt", version: plan.version });
    expect(file.hyperParams).toEqual(plan.hyperParams);
    expect(file.vocab).toEqual(plan.vocab); // toEqual tells -0 from 0
    expect(file.tensors.map(({ name, type, shape }) => ({ name, type, shape }))).toEqual(plan.tensors);
    for (const [index, data] of dataOf(plan).entries()) {
      const chunks: number[] = [];
      for await (const chunk of tensorChunks(file.tensors[index]!, pieceBytes)) chunks.push(...chunk);
      expect(Uint8Array.from(chunks)).toEqual(data);
    }
  },
);

test.prop([plan, fc.integer({ min: 1, max: 500 })])(
  "an opened file is written again to the byte",
  async (plan, pieceBytes) => {
    const bytes = await write(plan, 64);
    const { hyperParams, vocab, tensors } = await openGgml(memorySource(bytes), { oldBlocks: true });
    const sink = memorySink();
    const writer = await createGgmlWriter(sink, { version: plan.version, hyperParams, vocab, tensors });
    for (const tensor of tensors) await writer.writeTensor(tensor.name, tensorChunks(tensor, pieceBytes));
    await writer.finish();
    expect(sink.bytes()).toEqual(bytes);
  },
);

test.prop([plan])("the bytes are those of an independent builder", async (plan) => {
  const { nEmbd, nMult, nHead, nLayer, nRot, ftype } = plan.hyperParams;
  const today = plan.version === 3;
  const expected = ggmlBytes({
    version: plan.version,
    hyper: [undefined, nEmbd, nMult, nHead, nLayer, nRot, ftype],
    vocab: plan.vocab,
    tensors: plan.tensors.map(({ name, type, shape }, index) => {
      const id = tensorType(type).id;
      const ne = [...shape].reverse();
      // the builder knows the sizes of today's blocks; those of old ones are 20 and 24 bytes
      const old = (shape.reduce((a, b) => a * b) / 32) * (id === 2 ? 20 : 24);
      return { name, type: id, ne, data: pattern(today || id < 2 ? dataBytes(id, ne) : old, index) };
    }),
  });
  expect(await write(plan, 77)).toEqual(expected);
});
