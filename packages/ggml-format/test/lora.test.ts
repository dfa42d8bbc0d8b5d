// Adapters are read whole or refused, with every field of the error.

import { memorySource } from "@ll/bytes";
import { describe, expect, test } from "vitest";
import { countingBudget, expectWithinPromise } from "../../../tools/parser-cost.ts";
import { type GgmlFormatError, isGgmlFormatError, type LoraFile, openLora } from "../src/index.ts";
import { pattern, smallModel, u32 } from "./ggml-bytes.ts";
import { loraBytes, type RawLora, rawPair } from "./lora-bytes.ts";

function open(bytes: Uint8Array, chunkBytes?: number): Promise<LoraFile> {
  const budget = countingBudget();
  const options = { budget, ...(chunkBytes !== undefined && { chunkBytes }) };
  return openLora(memorySource(bytes, "lora.bin"), options).finally(() => expectWithinPromise(budget, bytes.length));
}

async function refusal(bytes: Uint8Array, chunkBytes?: number): Promise<GgmlFormatError> {
  const error = await open(bytes, chunkBytes).then(
    () => expect.unreachable("it was taken"),
    (reason: unknown) => reason,
  );
  if (!isGgmlFormatError(error)) throw error;
  return error;
}

const [a, b] = rawPair("wq.weight");

describe("openLora", () => {
  test("reads r, alpha and the pairs, whatever the chunks", async () => {
    const bytes = loraBytes({ r: 4, alpha: -8, tensors: [...rawPair("wq.weight"), ...rawPair("norm.weight")] });
    for (const chunkBytes of [undefined, 1, 7]) {
      const file = await open(bytes, chunkBytes);
      expect(file).toMatchObject({ name: "lora.bin", byteLength: bytes.length, r: 4, alpha: -8 });
      expect(file.pairs.map(({ target }) => target)).toEqual(["wq.weight", "norm.weight"]);
      const [pair] = file.pairs;
      expect(pair?.a).toMatchObject({ name: "wq.weight.loraA", type: "f32", shape: [5, 2] });
      expect(pair?.b).toMatchObject({ name: "wq.weight.loraB", type: "f32", shape: [3, 2] });
      const data = new Uint8Array(24);
      await pair?.b.read(0, data);
      expect(data).toEqual(pattern(24, 1));
    }
  });

  test("pairs may stand in any order: build 803 would forget the second A", async () => {
    const [a1, b1] = rawPair("1");
    const [a2, b2] = rawPair("2");
    const file = await open(loraBytes({ tensors: [a1!, a2!, b1!, b2!] }));
    expect(file.pairs.map((pair) => [pair.target, pair.a.name, pair.b.name])).toEqual([
      ["1", "1.loraA", "1.loraB"],
      ["2", "2.loraA", "2.loraB"],
    ]);
    const reversed = await open(loraBytes({ tensors: [b2!, b1!, a1!, a2!] }));
    expect(reversed.pairs.map(({ target }) => target)).toEqual(["2", "1"]);
  });

  test("the last .lora of a name counts", async () => {
    const { pairs } = await open(loraBytes({ tensors: rawPair("x.loraA") }));
    expect(pairs[0]?.target).toBe("x.loraA");
  });
});

describe("refused", () => {
  const rows: [input: string, file: RawLora, error: Record<string, unknown>][] = [
    ["a model", { magic: 0x67676a74 }, { code: "E_MAGIC", offset: 0, field: "magic", got: "67676a74" }],
    ["version 2", { version: 2 }, { code: "E_VERSION", offset: 4, field: "version", expected: 1, got: 2 }],
    ["r = 0", { r: 0, tensors: [a!, b!] }, { code: "E_RANGE", offset: 8, field: "r", got: 0 }],
    ["r = -1", { r: -1, tensors: [a!, b!] }, { code: "E_RANGE", offset: 8, field: "r", got: -1 }],
    ["no tensors", {}, { code: "E_EMPTY", offset: 16, got: 0 }],
    ["A alone", { tensors: [a!] }, { code: "E_MISSING_TENSOR", field: "wq.weight.loraB" }],
    ["B alone", { tensors: [b!] }, { code: "E_MISSING_TENSOR", field: "wq.weight.loraA" }],
    ["A twice", { tensors: [a!, a!, b!] }, { code: "E_DUP", got: "wq.weight.loraA" }],
    ["a name without .lora", { tensors: [{ ...a!, name: "wq.weight" }] }, { code: "E_NAME", got: "wq.weight" }],
    ["a third kind", { tensors: [a!, b!, { ...a!, name: "wq.weight.loraC" }] }, { code: "E_NAME" }],
    ["a name of .loraA only", { tensors: [{ ...a!, name: ".loraA" }] }, { code: "E_NAME", got: ".loraA" }],
    ["f16", { tensors: [{ ...a!, type: 1 }, b!] }, { code: "E_DTYPE", expected: "f32", got: "f16" }],
    ["type 2", { tensors: [{ ...a!, ne: [32, 5], type: 2 }, b!] }, { code: "E_DTYPE", got: "q4_0" }],
    ["type -1", { tensors: [{ ...a!, type: -1 }, b!] }, { code: "E_DTYPE", offset: 24 }],
    ["1 dimension", { tensors: [{ ...a!, ne: [10] }, b!] }, { code: "E_RANGE", expected: "2 dimensions", got: "1" }],
    ["3 dimensions", { tensors: [{ ...a!, ne: [2, 5, 1] }, b!] }, { code: "E_RANGE", offset: 16, got: 3 }],
    ["no rank", { tensors: [{ ...a!, ne: [0, 5] }, b!] }, { code: "E_RANGE", got: "0 x 5" }],
    ["ranks 2 and 3", { tensors: [a!, { ...b!, ne: [3, 3] }] }, { code: "E_SHAPE", expected: "2", got: "3" }],
    ["a huge name", { tensors: [{ ...a!, nameLen: 0xffffffff }] }, { code: "E_LENGTH", offset: 20, got: 0xffffffff }],
    ["a huge tensor", { tensors: [{ ...a!, ne: [0xffffffff, 0xffffffff], data: u32(0) }] }, { code: "E_OVERFLOW" }],
    ["11 bytes behind", { tensors: [a!, b!], tail: new Uint8Array(11) }, { code: "E_TRAILING", got: "11 bytes" }],
    [
      "a pair cut off",
      { tensors: [a!, { ...b!, data: u32(0) }] },
      { code: "E_TRUNC", expected: "24 bytes", got: "4 bytes" },
    ],
  ];

  test.each(rows)("%s", async (_input, file, expected) => {
    for (const chunkBytes of [undefined, 1, 7]) {
      const error = await refusal(loraBytes(file), chunkBytes);
      expect(error).toMatchObject({ file: "lora.bin", ...expected });
      expect(error.message.length).toBeLessThanOrEqual(512);
    }
  });

  test("what it looks like is said: a model is no adapter, an adapter is no model", async () => {
    expect((await refusal(smallModel())).message).toMatch(/bad file magic .*ll-convert --lora/);
  });

  test("control characters in a name are shown inert", async () => {
    const { message } = await refusal(loraBytes({ tensors: [{ ...a!, name: "\x1b]0;x\x07.loraA" }, b!] }));
    expect(message).toContain("\\x1b]0;x\\x07.loraA");
  });

  test("every prefix", async () => {
    const bytes = loraBytes({ tensors: [...rawPair("1"), ...rawPair("2")] });
    const { pairs } = await open(bytes);
    const ends = new Map(pairs.flatMap(({ a, b }) => [a, b]).map((t) => [t.dataOffset + t.byteLength, t.name]));
    for (let length = 0; length < bytes.length; length++) {
      const prefix = bytes.subarray(0, length);
      // a cut between pairs leaves a whole adapter, which nothing in the file can contradict
      if (ends.get(length) === "1.loraB") {
        expect((await open(prefix)).pairs).toHaveLength(1);
        continue;
      }
      const code = length === 16 ? "E_EMPTY" : ends.has(length) ? "E_MISSING_TENSOR" : "E_TRUNC";
      expect((await refusal(prefix)).code, `${length} bytes`).toBe(code);
    }
  });

  test("every bit that is flipped gives a typed error or an adapter of as many pairs", async () => {
    const bytes = loraBytes({ tensors: rawPair("w") });
    const counts = { refused: 0, taken: 0 };
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const flipped = bytes.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const result = await open(flipped).catch((error: unknown) => error);
      if (isGgmlFormatError(result)) counts.refused++;
      else {
        expect((result as LoraFile).pairs).toHaveLength(1);
        counts.taken++;
      }
    }
    // alpha, padding and values may be anything
    expect(counts.refused).toBeGreaterThan(300);
    expect(counts.taken).toBeGreaterThan(300);
  });
});
