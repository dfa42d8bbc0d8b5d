import { readFileSync } from "node:fs";
import { type ByteSource, memorySource } from "@ll/bytes";
import { openFileSource } from "@ll/bytes/node";
import { describe, expect, test } from "vitest";
import { describeWithTestData, testData } from "../../../tools/test-data.ts";
import { checkLlamaTensors, openGgml, tensorChunks } from "../src/index.ts";
import {
  ggmlBytes,
  MAGIC,
  pattern,
  type RawFile,
  SMALL_HYPER,
  SMALL_VOCAB,
  smallModel,
  smallTensors,
  u32,
} from "./ggml-bytes.ts";

const open = (bytes: Uint8Array, options = {}) => openGgml(memorySource(bytes, "model.bin"), options);

async function readAll(tensor: { byteLength: number; read(offset: number, target: Uint8Array): Promise<void> }) {
  const bytes = new Uint8Array(tensor.byteLength);
  await tensor.read(0, bytes);
  return bytes;
}

describe("openGgml", () => {
  test("reads a ggjt v3 file", async () => {
    const file = await open(smallModel());
    expect(file.container).toEqual({
      magic: "ggjt",
      version: 3,
      name: "ggjt v3 (latest)",
      hasScores: true,
      alignment: 32,
    });
    expect(file.hyperParams).toEqual({ nVocab: 5, nEmbd: 8, nMult: 8, nHead: 2, nLayer: 1, nRot: 4, ftype: 0 });
    expect(file.vocab.map(({ text }) => new TextDecoder().decode(text))).toEqual([" ⁇ ", "", "", "\ufffd", " the"]);
    expect(file.vocab[3]?.text).toEqual(Uint8Array.of(0x80));
    expect(file.vocab.map(({ score }) => score)).toEqual([0, 0, -0, 0, -3.5]);
    expect([...file.names()]).toEqual(smallTensors().map(({ name }) => name));
    expect(file.tensors.map(({ name }) => name)).toEqual([...file.names()]);
    expect(file.tensor("layers.0.feed_forward.w2.weight")?.shape).toEqual([8, 24]);
    expect(file.tensor("norm.weight")).toMatchObject({ type: "f32", shape: [8], byteLength: 32 });
    expect(file.tensor("nothing")).toBeUndefined();
    expect(file.warnings).toEqual([]);
    for (const [index, tensor] of file.tensors.entries()) {
      expect(tensor.dataOffset % 32).toBe(0);
      expect(await readAll(tensor)).toEqual(pattern(tensor.byteLength, index));
    }
    checkLlamaTensors(file);
  });

  // quirk F1 of build 803 is not reproduced: it expects scores and padding in files that never had them
  test.each<[string, RawFile, object]>([
    [
      "ggml: no scores, no padding",
      { magic: MAGIC.ggml },
      { magic: "ggml", version: 0, hasScores: false, alignment: 1 },
    ],
    ["ggmf v1: no padding", { magic: MAGIC.ggmf }, { magic: "ggmf", version: 1, hasScores: true, alignment: 1 }],
    ["ggjt v1", { version: 1 }, { magic: "ggjt", version: 1, hasScores: true, alignment: 32 }],
    ["ggjt v2", { version: 2 }, { magic: "ggjt", version: 2, hasScores: true, alignment: 32 }],
  ])("reads %s", async (_name, changes, container) => {
    const file = await open(
      smallModel({ ...changes, hyper: [...SMALL_HYPER.slice(0, 6), 1], tensors: smallTensors(1) }),
    );
    expect(file.container).toMatchObject(container);
    expect(file.vocab.map(({ text }) => text)).toEqual((await open(smallModel())).vocab.map(({ text }) => text));
    expect(file.vocab[4]?.score).toBe(file.container.hasScores ? -3.5 : 0);
    for (const [index, tensor] of file.tensors.entries()) {
      expect(await readAll(tensor)).toEqual(pattern(tensor.byteLength, index));
    }
    checkLlamaTensors(file);
  });

  test("knows GPT4All's files, which lack their last vocabulary entry", async () => {
    const vocab = Array.from({ length: 32_000 }, (_, id) => ({ text: `${id}`, score: -id }));
    const bytes = ggmlBytes({
      magic: MAGIC.ggmf,
      hyper: [32_001, 1, 1, 1, 1, 1, 1],
      vocab,
      tensors: [{ name: "tok_embeddings.weight", type: 1, ne: [1, 32_001] }],
    });
    const file = await open(bytes);
    expect(file.vocab.length).toBe(32_000);
    expect(file.hyperParams.nVocab).toBe(32_001);
    expect(file.tensor("tok_embeddings.weight")?.shape).toEqual([32_001, 1]);
    expect(file.warnings).toEqual(["the vocabulary holds 32000 of 32001 entries: the padding token is missing"]);
    await expect(open(bytes, { strict: true })).rejects.toMatchObject({
      code: "E_RANGE",
      field: "n_vocab",
      got: 32_001,
    });
    // those files are older than ggjt v2: there, the same is a broken file
    const broken = ggmlBytes({
      hyper: [32_001, 1, 1, 1, 1, 1, 1],
      vocab,
      tensors: [{ name: "tok_embeddings.weight", type: 1, ne: [1, 32_001] }],
    });
    await expect(open(broken)).rejects.toMatchObject({ code: "E_RANGE", field: "tensors[0].n_dims" });
  });

  test("opens old 4-bit blocks only when asked to", async () => {
    const tensors = [
      { name: "a", type: 2, ne: [64, 3], data: pattern(3 * 2 * 20, 1) },
      { name: "b", type: 3, ne: [32, 2], data: pattern(2 * 24, 2) },
      { name: "c", type: 0, ne: [4] },
    ];
    for (const [magic, ftype] of [
      [MAGIC.ggml, 2],
      [MAGIC.ggmf, 3],
      [MAGIC.ggjt, 4],
    ] as const) {
      const bytes = ggmlBytes({ magic, version: 1, hyper: [undefined, 0, 0, 1, 0, 0, ftype], tensors });
      const file = await open(bytes, { oldBlocks: true });
      expect(file.tensors.map(({ type, shape, byteLength }) => ({ type, shape, byteLength }))).toEqual([
        { type: "q4_0_v1", shape: [3, 64], byteLength: 120 },
        { type: "q4_1_v1", shape: [2, 32], byteLength: 48 },
        { type: "f32", shape: [4], byteLength: 16 },
      ]);
      expect(await readAll(file.tensors[1]!)).toEqual(pattern(48, 2));
      expect(file.warnings).toEqual([]);
      await expect(open(bytes)).rejects.toMatchObject({ code: "E_VERSION", field: "ftype" });
    }
  });

  test.each([
    [1, 2, "1405"],
    [1, 8, "1405"],
    [2, 2, "1508"],
    [2, 8, "1508"],
  ])("ggjt v%i refuses a tensor of type %i in its own layout by name", async (version, type, pullRequest) => {
    const bytes = ggmlBytes({
      version,
      hyper: [undefined, 0, 0, 1, 0, 0, 1],
      tensors: [{ name: "x.y", type, ne: [32] }],
    });
    await expect(open(bytes)).rejects.toMatchObject({
      code: "E_VERSION",
      field: "tensors[0].type",
      message: expect.stringMatching(new RegExp(`tensor 'x\\.y'.*${pullRequest}`)),
    });
    // of these, only the 4-bit blocks of v1 can be opened
    if (version === 2 || type === 8) {
      await expect(open(bytes, { oldBlocks: true })).rejects.toMatchObject({ code: "E_VERSION" });
    }
  });

  test("ggjt v2 holds q5_0, q5_1 and k-quants in today's layout", async () => {
    const tensors = [6, 7, 10, 11, 12, 13, 14].map((type) => ({ name: `t${type}`, type, ne: [256, 2] }));
    const file = await open(ggmlBytes({ version: 2, hyper: [undefined, 0, 0, 1, 0, 0, 8], tensors }));
    expect(file.tensors.map(({ type }) => type)).toEqual(["q5_0", "q5_1", "q2_K", "q3_K", "q4_K", "q5_K", "q6_K"]);
  });

  test.each([1, 7, 4096])("chunks of %i bytes give the same file", async (chunkBytes) => {
    for (const bytes of [smallModel(), smallModel({ magic: MAGIC.ggml }), smallModel({ magic: MAGIC.ggmf })]) {
      const [file, again] = [await open(bytes), await open(bytes, { chunkBytes })];
      expect({ ...again, vocab: again.vocab }).toMatchObject({
        container: file.container,
        hyperParams: file.hyperParams,
        vocab: file.vocab,
        warnings: file.warnings,
      });
      expect(again.tensors.map((tensor) => ({ ...tensor }))).toEqual(file.tensors.map((tensor) => ({ ...tensor })));
    }
  });

  test("reads from a tensor only what lies in it", async () => {
    const tensor = (await open(smallModel())).tensor("norm.weight")!;
    const part = new Uint8Array(5);
    await tensor.read(27, part);
    expect(part).toEqual(pattern(32, 1).subarray(27));
    await expect(tensor.read(28, part)).rejects.toThrow(RangeError);
    await expect(tensor.read(-1, part)).rejects.toThrow(RangeError);
  });
});

describe("tensorChunks", () => {
  test.each([1, 7, 32, 1000])("gives all bytes in pieces of %i", async (chunkBytes) => {
    const tensor = (await open(smallModel())).tensors[0]!;
    const sizes: number[] = [];
    const bytes: number[] = [];
    for await (const chunk of tensorChunks(tensor, chunkBytes)) {
      sizes.push(chunk.length);
      bytes.push(...chunk);
    }
    expect(Uint8Array.from(bytes)).toEqual(pattern(160, 0));
    expect(sizes.slice(0, -1).every((size) => size === chunkBytes)).toBe(true);
    expect(sizes.length).toBe(Math.ceil(160 / chunkBytes));
  });

  test("takes whole numbers from 1", async () => {
    const tensor = (await open(smallModel())).tensors[0]!;
    for (const size of [0, -1, 1.5, Number.NaN])
      await expect(tensorChunks(tensor, size).next()).rejects.toThrow(RangeError);
  });
});

describe("I/O economy", () => {
  function counting(source: ByteSource): ByteSource & { calls: number; bytes: number } {
    const counter = {
      name: source.name,
      byteLength: source.byteLength,
      calls: 0,
      bytes: 0,
      read(offset: number, target: Uint8Array) {
        counter.calls++;
        counter.bytes += target.byteLength;
        return source.read(offset, target);
      },
    };
    return counter;
  }

  test("opening reads header, vocabulary and records, no data", async () => {
    const tensors = Array.from({ length: 100 }, (_, i) => ({ name: `t${i}`, type: 1, ne: [1024, 16] })); // 32 KiB each
    const bytes = ggmlBytes({ hyper: [undefined, 0, 0, 1, 0, 0, 1], vocab: SMALL_VOCAB, tensors });
    const source = counting(memorySource(bytes));
    const file = await openGgml(source);
    // one chunk of 64 KiB for header and vocabulary, the vocabulary once more, one page a record
    expect(source.calls).toBe(102);
    expect(source.bytes).toBeLessThanOrEqual(65_536 + 100 + 100 * 4096);

    source.calls = source.bytes = 0;
    await file.tensors[50]!.read(1000, new Uint8Array(24));
    expect({ calls: source.calls, bytes: source.bytes }).toEqual({ calls: 1, bytes: 24 });
    file.vocab.forEach(({ text }) => void text);
    expect(source.calls).toBe(1);
  });

  test("small neighbouring tensors share a read", async () => {
    const source = counting(memorySource(smallModel()));
    await openGgml(source);
    expect(source.calls).toBeLessThanOrEqual(4);
  });
});

describe("the vocabulary limit", () => {
  /** A file of 1024 or more texts of 64 KiB, which is computed where it is read. */
  function longTexts(nVocab: number): ByteSource {
    const header = u32(MAGIC.ggjt, 3, nVocab, 0, 0, 0, 0, 0, 0);
    const record = 65_536 + 8;
    return {
      name: "model.bin",
      byteLength: 36 + nVocab * record,
      async read(offset, target) {
        for (let i = 0; i < target.length; i++) {
          const at = offset + i - 36;
          // a length of 0x00010000 has one byte that is not zero, the third
          target[i] = at < 0 ? header[offset + i]! : at % record === 2 ? 1 : 0;
        }
      },
    };
  }

  test("64 MiB of vocabulary are taken, more are not", async () => {
    const file = await openGgml(longTexts(1023));
    expect(file.vocab.length).toBe(1023);
    expect(file.vocab[1022]?.text.length).toBe(65_536);
    await expect(openGgml(longTexts(1024))).rejects.toMatchObject({
      code: "E_LIMIT",
      offset: 36 + 1023 * 65_544,
      field: "vocab[1023].len",
      expected: "at most 67108864 bytes of vocabulary",
      got: 1023 * 65_544 + 65_540,
    });
  });
});

describeWithTestData("files of build 803", () => {
  test.each([
    ["tiny", ["f16", "q4_0", "q4_1", "q5_0", "q5_1", "q8_0"]],
    ["stories260k", ["f16", "q4_0", "q4_1", "q5_0", "q5_1", "q8_0"]],
  ])("%s opens in every type", async (model, types) => {
    for (const type of types) {
      const source = await openFileSource(testData(`models/${model}/ggjt/${type}.bin`));
      const file = await openGgml(source, { strict: true });
      checkLlamaTensors(file);
      expect(file.tensor("tok_embeddings.weight")?.type).toBe(type);
      expect(file.tensors.reduce((end, tensor) => Math.max(end, tensor.dataOffset + tensor.byteLength), 0)).toBe(
        file.byteLength,
      );
      await source.close();
    }
  });

  test("a grouped-query model passes with its group size only", async () => {
    const file = await open(readFileSync(testData("models/stories260k/ggjt/gqa-f16.bin")));
    checkLlamaTensors(file, 2);
    expect(() => checkLlamaTensors(file)).toThrow(
      "tensor 'layers.0.attention.wk.weight' has wrong shape; expected    64 x    64, got    64 x    32",
    );
  });

  test("vocabulary-only files open, with equal entries in ggjt v1 and ggmf", async () => {
    const [ggjt, ggmf] = [
      await open(readFileSync(testData("vocab/llama-ggjt-v1.bin"))),
      await open(readFileSync(testData("vocab/llama-ggmf-v1.bin"))),
    ];
    expect(ggjt.container.name).toBe("ggjt v1 (pre #1405)");
    expect(ggmf.container.name).toBe("ggmf v1 (old version with no mmap support)");
    expect(ggjt.vocab.length).toBe(32_000);
    expect(ggjt.tensors).toEqual([]);
    expect(ggmf.vocab).toEqual(ggjt.vocab);
    expect(new TextDecoder().decode(ggjt.vocab[15_043]?.text)).toBe(" Hello");
    expect(ggjt.vocab[260]?.score).toBe(-1);
    expect(ggjt.vocab[31_999]?.score).toBe(-31_740);
  });
});
