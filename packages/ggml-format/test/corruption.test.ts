// Exhaustive damage: every prefix of a model (GJ02), every single bit of a small file.

import { memorySource } from "@ll/bytes";
import { describe, expect, test } from "vitest";
import { checkLlamaTensors, type GgmlFile, isGgmlFormatError, openGgml } from "../src/index.ts";
import {
  dataBytes,
  ggmlBytes,
  MAGIC,
  pattern,
  type RawFile,
  SMALL_HYPER,
  smallModel,
  smallTensors,
} from "./ggml-bytes.ts";

const open = (bytes: Uint8Array): Promise<GgmlFile> => openGgml(memorySource(bytes, "model.bin"));

describe("GJ02 every prefix", () => {
  test.each<[string, RawFile]>([
    ["ggjt v3", {}],
    ["ggmf", { magic: MAGIC.ggmf, hyper: [...SMALL_HYPER.slice(0, 6), 1], tensors: smallTensors(1) }],
    ["ggml", { magic: MAGIC.ggml, hyper: [...SMALL_HYPER.slice(0, 6), 1], tensors: smallTensors(1) }],
  ])("of a %s model", async (_name, changes) => {
    const model = smallModel(changes);
    const whole = await open(model);
    const ends = new Set(whole.tensors.map(({ dataOffset, byteLength }) => dataOffset + byteLength));
    const vocabEnd = smallModel({ ...changes, tensors: [] }).length;
    for (let length = 0; length < model.length; length++) {
      const prefix = model.subarray(0, length);
      if (ends.has(length) || length === vocabEnd) {
        const file = await open(prefix);
        expect(() => checkLlamaTensors(file)).toThrow(
          expect.objectContaining({ code: "E_MISSING_TENSOR", offset: length }),
        );
        continue;
      }
      const error = await open(prefix).then(
        () => expect.unreachable(`a prefix of ${length} bytes was taken`),
        (reason: unknown) => reason,
      );
      if (!isGgmlFormatError(error, "E_TRUNC")) throw error;
      // what was wanted begins before the cut and ends after it
      expect(error.offset).toBeLessThanOrEqual(length);
      expect(error.offset! + Number.parseInt(String(error.expected), 10)).toBeGreaterThan(length);
      expect(error.got).toBe(`${length - error.offset!} bytes`);
    }
  });
});

/** Everything that a file holds, as a flat list. */
async function leaves(file: GgmlFile): Promise<string[]> {
  const { container, hyperParams, vocab, tensors } = file;
  const list = [container.name, ...Object.values(hyperParams).map(String)];
  for (const { text, score } of vocab) list.push(text.join(), Object.is(score, -0) ? "-0" : String(score));
  for (const tensor of tensors) {
    const data = new Uint8Array(tensor.byteLength);
    await tensor.read(0, data);
    list.push(tensor.name, tensor.type, tensor.shape.join(), data.join());
  }
  return list;
}

describe("every bit", () => {
  const shapes: readonly [name: string, type: number, ne: number[]][] = [
    ["tok_embeddings.weight", 2, [32, 3]],
    ["norm.weight", 0, [32]],
    ["layers.0.attention.wq.weight", 1, [32, 2]],
    ["layers.0.feed_forward.w2.weight", 3, [64, 1]],
    ["output.weight", 14, [256, 1]],
  ];
  const seed = ggmlBytes({
    hyper: [4, 32, 32, 1, 1, 32, 2],
    vocab: [
      { text: " \u2047 " },
      { text: "", score: -0 },
      { text: Uint8Array.of(0xff) },
      { text: " the", score: -3.5 },
    ],
    tensors: shapes.map(([name, type, ne], index) => ({ name, type, ne, data: pattern(dataBytes(type, ne), index) })),
  });

  test("flipped in turn gives a typed error, or a file that differs in one thing", async () => {
    expect(seed.length).toBeLessThanOrEqual(2048);
    const original = await leaves(await open(seed));
    const counts = { refused: 0, changed: 0, harmless: 0 };
    for (let bit = 0; bit < 8 * seed.length; bit++) {
      const flipped = seed.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      let file: GgmlFile;
      try {
        file = await open(flipped);
      } catch (error) {
        if (!isGgmlFormatError(error)) throw error;
        counts.refused++;
        continue;
      }
      const found = await leaves(file);
      expect(found.length).toBe(original.length);
      const nChanged = found.filter((leaf, index) => leaf !== original[index]).length;
      if (nChanged === 0) {
        // only padding may change without changing what is read
        expect(file.warnings.join()).toMatch(/padding/);
        counts.harmless++;
      } else {
        expect(nChanged, `bit ${bit}`).toBe(1);
        counts.changed++;
      }
    }
    // all three kinds occur: a reader that refuses everything fails here
    expect(counts.refused).toBeGreaterThan(1000);
    expect(counts.changed).toBeGreaterThan(1000);
    expect(counts.harmless).toBeGreaterThan(100);
  });
});
