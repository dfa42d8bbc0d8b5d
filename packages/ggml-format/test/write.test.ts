import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { encodeF16, memorySink, memorySource } from "@ll/bytes";
import { describe, expect, test } from "vitest";
import { describeWithTestData, testData } from "../../../tools/test-data.ts";
import {
  createGgmlWriter,
  type GgmlFile,
  type GgmlPlan,
  ggmlFileBytes,
  llamaTensorShapes,
  openGgml,
  type PlannedTensor,
  tensorChunks,
} from "../src/index.ts";
import { pattern, SMALL_VOCAB, smallModel, utf8 } from "./ggml-bytes.ts";

const open = (bytes: Uint8Array): Promise<GgmlFile> => openGgml(memorySource(bytes, "model.bin"));

/** Writes an open file again, in pieces of `chunkBytes`. */
async function copy(file: GgmlFile, changes: Partial<GgmlPlan> = {}, chunkBytes = 1000): Promise<Uint8Array> {
  const version = file.container.version === 1 ? 1 : 3;
  const plan = {
    version,
    hyperParams: file.hyperParams,
    vocab: file.vocab,
    tensors: file.tensors,
    ...changes,
  } as const;
  const sink = memorySink();
  const writer = await createGgmlWriter(sink, plan);
  for (const tensor of file.tensors) await writer.writeTensor(tensor.name, tensorChunks(tensor, chunkBytes));
  await writer.finish();
  expect(sink.bytesWritten).toBe(ggmlFileBytes(plan));
  return sink.bytes();
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** In the order that build 803's converter writes, which differs from the one it looks them up in. */
function converterOrder(
  tensors: Iterable<{ name: string; shape: readonly number[] }>,
): { name: string; shape: readonly number[] }[] {
  const order = ["wq", "wk", "wv", "wo", "attention_norm", "w1", "w2", "w3", "ffn_norm"];
  const rank = (name: string): number => {
    const layer = /^layers\.(\d+)\..*?(\w+)\.weight$/.exec(name);
    return layer === null ? -1 : Number(layer[1]) * 9 + order.indexOf(layer[2]!);
  };
  return [...tensors].sort((a, b) => rank(a.name) - rank(b.name));
}

describe("createGgmlWriter", () => {
  test("writes a file again to the byte, scores of -0 included", async () => {
    const model = smallModel();
    expect(await copy(await open(model))).toEqual(model);
    expect(await copy(await open(model), {}, 1)).toEqual(model);
    const version1 = smallModel({ version: 1 });
    expect(await copy(await open(version1))).toEqual(version1);
    expect(await copy(await open(version1), { version: 3 })).toEqual(model);
  });

  test("writes a vocabulary-only file", async () => {
    const bytes = smallModel({ tensors: [], hyper: [5, 0, 0, 1, 0, 0, 0] });
    expect(await copy(await open(bytes))).toEqual(bytes);
  });

  // model and hashes: a model that anyone can generate, and what build 803 made of it
  test("writes the synthetic model of two layers with the hash of build 803", async () => {
    const hyperParams = { nVocab: 512, nEmbd: 256, nMult: 256, nHead: 4, nLayer: 2, nRot: 64, ftype: 1 };
    const pieces =
      " t|he| a|in|er|on| w|or| the|ll|re| s|ou|ed| b| c|an| o|is| m| f|ing|at| h| an| of|  |wor|ld|ello| wor| world|el|lo".split(
        "|",
      );
    const texts: [Uint8Array, number][] = [
      [utf8(" \u2047 "), 0],
      [utf8(""), 0],
      [utf8(""), 0],
      ...Array.from({ length: 256 }, (_, byte): [Uint8Array, number] => [Uint8Array.of(byte), 0]),
      ...pieces.map((piece, k): [Uint8Array, number] => [utf8(piece), -k]),
      ...Array.from({ length: 95 }, (_, k): [Uint8Array, number] => [Uint8Array.of(0x20 + k), -(293 + k)]),
      ...Array.from({ length: 124 }, (_, k): [Uint8Array, number] => [utf8(` x${388 + k}`), -(100_000 + 388 + k)]),
    ];
    const amplitude: Record<string, number> = {
      tok_embeddings: 2,
      norm: 0.5,
      output: 0.6,
      attention_norm: 0.5,
      ffn_norm: 0.5,
      w2: 0.2,
    };
    const tensors = converterOrder(llamaTensorShapes(hyperParams)).map((tensor) => ({
      ...tensor,
      type: tensor.shape.length === 1 ? "f32" : "f16",
    }));
    let state = 1;
    const values = (tensor: PlannedTensor): Uint8Array => {
      const amp = amplitude[/(\w+)\.weight$/.exec(tensor.name)![1]!] ?? 0.3;
      const base = tensor.shape.length === 1 ? 1 : 0;
      const data = Float32Array.from({ length: tensor.shape.reduce((a, b) => a * b) }, () => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        return base + amp * ((state >>> 8) / 2 ** 24 - 0.5);
      });
      return new Uint8Array(tensor.type === "f32" ? data.buffer : encodeF16(data, new Uint16Array(data.length)).buffer);
    };
    const vocab = texts.map(([text, score]) => ({ text, score }));
    const sink = memorySink();
    const writer = await createGgmlWriter(sink, { version: 1, hyperParams, vocab, tensors });
    for (const tensor of tensors) await writer.writeTensor(tensor.name, [values(tensor)]);
    await writer.finish();
    expect(sink.bytesWritten).toBe(3_943_776);
    expect(sha256(sink.bytes())).toBe("2c4cb8a7b7a0d197bad00b220351e5ef22c4ad610478e7559ef32765d88617d9");
    const version3 = await copy(await open(sink.bytes()), { version: 3 });
    expect(sha256(version3)).toBe("81f045204268df5a3b954f8c58bf6aa52910cf7dd746bd3b3d32eebca8a06db5");
  });

  test("takes tensors in the order of the plan, complete", async () => {
    const file = await open(smallModel());
    const plan: GgmlPlan = { version: 3, hyperParams: file.hyperParams, vocab: file.vocab, tensors: file.tensors };
    const begin = () => createGgmlWriter(memorySink(), plan);
    const all = pattern(160, 0);
    await expect((await begin()).writeTensor("norm.weight", [])).rejects.toThrow(
      '"name" expected tok_embeddings.weight',
    );
    await expect((await begin()).writeTensor("tok_embeddings.weight", [all.subarray(1)])).rejects.toThrow(
      '"pieces" expected 160 bytes for tensor tok_embeddings.weight, got 159',
    );
    await expect((await begin()).writeTensor("tok_embeddings.weight", [all, Uint8Array.of(0)])).rejects.toThrow(
      "got more",
    );
    const writer = await begin();
    await expect(writer.finish()).rejects.toThrow("expected 12 complete tensors, got 0");
    await writer.writeTensor("tok_embeddings.weight", [all.subarray(0, 7), all.subarray(7, 7), all.subarray(7)]);
    await expect(writer.writeTensor("norm.weight", [new Uint8Array(3)])).rejects.toThrow("got 3");
    // after a failure there is no way on
    await expect(writer.writeTensor("norm.weight", [pattern(32, 1)])).rejects.toThrow('"name" expected no tensor');
    await expect(writer.finish()).rejects.toThrow("got 1");
  });

  test("passes on what pieces and sink throw, and never writes more than promised", async () => {
    const file = await open(smallModel());
    const plan: GgmlPlan = { version: 3, hyperParams: file.hyperParams, vocab: file.vocab, tensors: file.tensors };
    const sink = memorySink();
    const writer = await createGgmlWriter(sink, plan);
    const before = sink.bytesWritten;
    await expect(writer.writeTensor("tok_embeddings.weight", [new Uint8Array(161)])).rejects.toThrow("got more");
    expect(sink.bytesWritten - before).toBeLessThan(96);
    const failing = async function* () {
      yield new Uint8Array(1);
      throw new Error("source failed");
    };
    await expect(
      (await createGgmlWriter(memorySink(), plan)).writeTensor("tok_embeddings.weight", failing()),
    ).rejects.toThrow("source failed");
    const full = { bytesWritten: 0, write: () => Promise.reject(new Error("disk full")) };
    await expect(createGgmlWriter(full, plan)).rejects.toThrow("disk full");
  });
});

describe("plans that would make an unreadable file are refused", () => {
  const vocab = SMALL_VOCAB.map(({ text, score }) => ({ text: utf8(text), score: score ?? 0 }));
  const plan: GgmlPlan = {
    version: 3,
    hyperParams: { nVocab: 5, nEmbd: 8, nMult: 8, nHead: 2, nLayer: 1, nRot: 4, ftype: 1 },
    vocab,
    tensors: [{ name: "x", type: "f16", shape: [3, 4] }],
  };
  const tensor = (change: Partial<PlannedTensor>): Partial<GgmlPlan> => ({
    tensors: [{ ...plan.tensors[0]!, ...change }],
  });
  const entry = (change: Partial<GgmlPlan["vocab"][number]>): Partial<GgmlPlan> => ({
    vocab: [{ ...vocab[0]!, ...change }, ...vocab.slice(1)],
  });

  test("the plan itself is fine", () => {
    expect(ggmlFileBytes(plan)).toBeGreaterThan(0);
  });

  test.each<[string, Partial<GgmlPlan>, string]>([
    ["version 2", { version: 2 as 1 }, '"version"'],
    ["a vocabulary of another size", { hyperParams: { ...plan.hyperParams, nVocab: 6 } }, '"nVocab" expected 5'],
    ["no vocabulary", { hyperParams: { ...plan.hyperParams, nVocab: 0 }, vocab: [] }, '"vocab" expected 1'],
    ["ftype 99", { hyperParams: { ...plan.hyperParams, ftype: 99 } }, '"ftype" expected a file type of ggjt v3'],
    ["ftype 7 in version 1", { version: 1, hyperParams: { ...plan.hyperParams, ftype: 7 } }, '"ftype"'],
    ["a hyper-parameter below 0", { hyperParams: { ...plan.hyperParams, nEmbd: -1 } }, '"nEmbd"'],
    ["half a hyper-parameter", { hyperParams: { ...plan.hyperParams, nEmbd: 0.5 } }, '"nEmbd"'],
    ["a text of 64 KiB + 1", entry({ text: new Uint8Array(65_537) }), '"vocab[0].text"'],
    [
      "a vocabulary over 64 MiB",
      {
        hyperParams: { ...plan.hyperParams, nVocab: 1024 },
        vocab: Array(1024).fill({ text: new Uint8Array(65_536), score: 0 }),
      },
      "at most 67108864 bytes",
    ],
    ["a score of NaN", entry({ score: Number.NaN }), '"vocab[0].score"'],
    ["a score of infinity", entry({ score: Infinity }), '"vocab[0].score"'],
    ["a score over binary32", entry({ score: 1e39 }), '"vocab[0].score"'],
    ["a type of another version", tensor({ type: "q4_0_v1", shape: [32] }), "ggjt v3"],
    ["today's q4_0 in version 1", { version: 1, ...tensor({ type: "q4_0", shape: [32] }) }, "ggjt v1"],
    ["an unknown type", tensor({ type: "q4_2" }), '"type" expected one of'],
    ["a type named __proto__", tensor({ type: "__proto__" }), '"type" expected one of'],
    ["no dimension", tensor({ shape: [] }), '"shape" expected 1 or 2'],
    ["three dimensions", tensor({ shape: [1, 1, 1] }), '"shape" expected 1 or 2'],
    ["a size of 0", tensor({ shape: [0, 4] }), '"shape" expected sizes from 1'],
    ["a size of 2^32", tensor({ shape: [4294967296, 4] }), '"shape" expected sizes under 2^32'],
    ["half a block", tensor({ type: "q4_0", shape: [2, 48] }), '"shape" expected rows of a multiple of 32'],
    ["no name", tensor({ name: "" }), '"name"'],
    ["a name of 256 bytes", tensor({ name: "é".repeat(128) }), '"name"'],
    ["a name that is no text", tensor({ name: "\ud800" }), '"name"'],
    ["a name with an escape", tensor({ name: "\x1b[2J" }), '"name"'],
    ["a name twice", { tensors: [...plan.tensors, ...plan.tensors] }, "every name once"],
    [
      "4097 tensors",
      { tensors: Array.from({ length: 4097 }, (_, i) => ({ ...plan.tensors[0]!, name: `${i}` })) },
      '"tensors"',
    ],
  ])("%s", async (_name, change, message) => {
    const bad = { ...plan, ...change };
    const sink = memorySink();
    await expect(createGgmlWriter(sink, bad)).rejects.toThrow(RangeError);
    await expect(createGgmlWriter(sink, bad)).rejects.toThrow(message);
    expect(sink.bytesWritten).toBe(0);
  });
});

describe("ggmlFileBytes", () => {
  // 32,000 texts of 176,574 bytes together, as LLaMA's
  const vocab = Array.from({ length: 32_000 }, (_, id) => ({ text: new Uint8Array(id < 16_574 ? 6 : 5), score: 0 }));
  const sizes = { "7B": [4096, 32, 32], "13B": [5120, 40, 40], "30B": [6656, 52, 60], "65B": [8192, 64, 80] } as const;

  // sizes of build 803's files; with k-quants compiled in, its q4_0 files have output.weight in q6_K
  test.each([
    ["7B", "f16", "f16", 13_477_814_912],
    ["13B", "f16", "f16", 26_033_013_888],
    ["30B", "f16", "f16", 65_059_965_312],
    ["65B", "f16", "f16", 130_574_438_016],
    ["7B", "q4_0", "q6_K", 3_825_517_184],
    ["13B", "q4_0", "q6_K", 7_365_545_088],
    ["30B", "q4_0", "q6_K", 18_355_678_592],
    ["65B", "q4_0", "q6_K", 36_795_780_736],
    ["7B", "q4_0", "q4_0", 3_791_725_184],
  ] as const)("LLaMA %s in %s with output in %s", (size, type, outputType, expected) => {
    const [nEmbd, nHead, nLayer] = sizes[size];
    const hyperParams = { nVocab: 32_000, nEmbd, nMult: 256, nHead, nLayer, nRot: 128, ftype: type === "f16" ? 1 : 2 };
    const tensors = converterOrder(llamaTensorShapes(hyperParams)).map(({ name, shape }) => ({
      name,
      shape,
      type: shape.length === 1 ? "f32" : name === "output.weight" ? outputType : type,
    }));
    expect(ggmlFileBytes({ version: 3, hyperParams, vocab, tensors })).toBe(expected);
  });
});

describeWithTestData("files of build 803", () => {
  test.each(["tiny", "stories260k"])("%s is written again to the byte in every type", async (model) => {
    for (const type of ["f16", "q4_0", "q4_1", "q5_0", "q5_1", "q8_0"]) {
      const bytes = readFileSync(testData(`models/${model}/ggjt/${type}.bin`));
      expect(sha256(await copy(await open(bytes), {}, 100_000))).toBe(sha256(bytes));
    }
  });

  test("the LLaMA vocabulary is written again to the byte", async () => {
    const bytes = readFileSync(testData("vocab/llama-ggjt-v1.bin"));
    expect(sha256(await copy(await open(bytes)))).toBe(sha256(bytes));
  });
});
