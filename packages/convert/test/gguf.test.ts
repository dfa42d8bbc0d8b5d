// ggjt to GGUF and back.

import { readFileSync } from "node:fs";
import { memorySink, memorySource } from "@ll/bytes";
import { openCheckpoint } from "@ll/checkpoint/node";
import { type GgmlFile, openGgml } from "@ll/ggml-format";
import { type GgufArray, type GgufFile, metadataGetter, openGguf, tensorTypeById } from "@ll/gguf";
import { BLOCK_TYPES, blockInfo } from "@ll/quant";
import { describe, expect, test } from "vitest";
import { goldenModelBytes } from "../../../tools/golden-model.ts";
import { describeWithTestData, fixture, testData } from "../../../tools/test-data.ts";
import { type TinyType, tinyModel } from "../../../tools/tiny-model.ts";
import { configFromGguf } from "../../llama/src/index.ts";
import {
  type Container,
  type ConvertInput,
  contentsOfGgml,
  contentsOfGguf,
  convertCheckpoint,
  convertedBytes,
  type ModelContents,
  type ModelEvent,
  quantizeModel,
  unstoredParams,
  writeVocabFile,
} from "../src/index.ts";

const ggjt = (bytes: Uint8Array): Promise<GgmlFile> => openGgml(memorySource(bytes, "model.bin"));
const gguf = (bytes: Uint8Array): Promise<GgufFile> => openGguf(memorySource(bytes, "model.gguf"), { strict: true });

async function converted(contents: ModelContents, container: Container, changes: Partial<ConvertInput> = {}) {
  const input: ConvertInput = { ...contents, outType: "stored", container, ...changes };
  const sink = memorySink();
  const events: ModelEvent[] = [];
  await convertCheckpoint(input, sink, { onEvent: (event) => events.push(event) });
  expect(sink.bytesWritten).toBe(convertedBytes(input));
  return { bytes: sink.bytes(), events };
}

function contentsOf(file: GgufFile): Promise<ModelContents> {
  return contentsOfGguf(file, configFromGguf(metadataGetter(file.metadata)));
}

/** ggjt → GGUF → ggjt. */
async function thereAndBack(bytes: Uint8Array): Promise<Uint8Array> {
  const file = await ggjt(bytes);
  const there = await converted(contentsOfGgml(file), "gguf");
  expect(there.events.every((event) => event.kind === "totals" || event.isCopied)).toBe(true);
  const back = await converted(await contentsOf(await gguf(there.bytes)), file.container.version === 1 ? 1 : 3);
  return back.bytes;
}

describe("ggjt → GGUF → ggjt is the same file", () => {
  test.each<TinyType>(["f16", "q4_0", "q4_1", "q5_0", "q5_1", "q8_0"])("the embedded model as %s", async (type) => {
    const bytes = await tinyModel(type);
    expect(await thereAndBack(bytes)).toEqual(bytes);
  });

  test.each([0, 1, 2, 3, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18])(
    "the synthetic model as file type %i",
    async (ftype) => {
      const sink = memorySink();
      await quantizeModel(await ggjt(goldenModelBytes()), sink, { ftype, allowRequantize: true });
      expect(await thereAndBack(sink.bytes())).toEqual(sink.bytes());
    },
  );
});

describeWithTestData("third-party models", () => {
  test.each(["f16", "q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "gqa-f16"])("stories260k as %s", async (type) => {
    const bytes = new Uint8Array(readFileSync(testData(`models/stories260k/ggjt/${type}.bin`)));
    expect(await thereAndBack(bytes)).toEqual(bytes);
  });

  test("shared key heads show in the tensors", async () => {
    const file = await ggjt(new Uint8Array(readFileSync(testData("models/stories260k/ggjt/gqa-f16.bin"))));
    const { metadata } = await gguf((await converted(contentsOfGgml(file), "gguf")).bytes);
    expect(metadataGetter(metadata)("llama.attention.head_count_kv")).toBe(4);
    expect(metadataGetter(metadata)("llama.attention.head_count")).toBe(8);
  });

  test("LLaMA's vocabulary becomes the pieces that another program made of tokenizer.model", async () => {
    const { vocab } = await ggjt(new Uint8Array(readFileSync(testData("vocab/llama-ggjt-v1.bin"))));
    const sink = memorySink();
    await writeVocabFile({ vocab, container: "gguf" }, sink);
    const ours = (await gguf(sink.bytes())).metadata;
    const theirs = (await gguf(new Uint8Array(readFileSync(testData("vocab/llama-spm.gguf"))))).metadata;
    for (const [name, type] of [
      ["tokens", "string"],
      ["scores", "f32"],
      ["token_type", "i32"],
    ] as const) {
      const [a, b] = [ours, theirs].map((metadata) => metadata.get(`tokenizer.ggml.${name}`) as GgufArray);
      expect(await a?.read(type)).toEqual(await b?.read(type));
    }
    for (const name of [
      "model",
      "bos_token_id",
      "eos_token_id",
      "unknown_token_id",
      "add_bos_token",
      "add_eos_token",
    ]) {
      expect(ours.get(`tokenizer.ggml.${name}`)).toEqual(theirs.get(`tokenizer.ggml.${name}`));
    }
  });

  test("llama2.c → GGUF → ggjt is llama2.c → ggjt", async () => {
    const checkpoint = await openCheckpoint(testData("models/stories260k/stories260K.bin"));
    const vocab = (await ggjt(new Uint8Array(readFileSync(testData("models/stories260k/ggjt/f16.bin"))))).vocab;
    const contents = { ...checkpoint, vocab, outType: "f16" } as const;
    const there = await converted(contents, "gguf", contents);
    const back = await converted(await contentsOf(await gguf(there.bytes)), 3);
    expect(back.bytes).toEqual((await converted(contents, 3, contents)).bytes);
    await checkpoint.close();
  });
});

describe("a checkpoint as GGUF", () => {
  test("says what LLaMA loaders need to know", async () => {
    const checkpoint = await openCheckpoint(fixture("tiny/hf"));
    const { vocab } = await ggjt(await tinyModel("f16"));
    const input = { ...checkpoint, vocab, outType: "f16" } as const;
    const params = { ...checkpoint.params, normEps: 1e-5, ropeFreqBase: 1e6, ropeFreqScale: 0.25, contextTokens: 4096 };
    const { bytes } = await converted({ ...input, params }, "gguf", { outType: "f16" });
    const file = await gguf(bytes);
    const get = metadataGetter(file.metadata);
    const plain = [...file.metadata.keys()]
      .map((key) => [key, get(key)])
      .filter(([, value]) => typeof value !== "object");
    expect(Object.fromEntries(plain)).toEqual({
      "general.architecture": "llama",
      "general.file_type": 1,
      "llama.vocab_size": 1024,
      "llama.context_length": 4096,
      "llama.embedding_length": 128,
      "llama.block_count": 6,
      "llama.feed_forward_length": 352,
      "llama.rope.dimension_count": 32,
      "llama.attention.head_count": 4,
      "llama.attention.head_count_kv": 4,
      "llama.attention.layer_norm_rms_epsilon": Math.fround(1e-5),
      "llama.rope.freq_base": 1e6,
      "llama.rope.scaling.type": "linear",
      "llama.rope.scaling.factor": 4,
      "ll.ggjt.n_mult": 176,
      "tokenizer.ggml.model": "llama",
      "tokenizer.ggml.bos_token_id": 1,
      "tokenizer.ggml.eos_token_id": 2,
      "tokenizer.ggml.unknown_token_id": 0,
      "tokenizer.ggml.add_bos_token": true,
      "tokenizer.ggml.add_eos_token": false,
      "tokenizer.ggml.add_space_prefix": true,
    });
    expect([...file.names()].slice(0, 5).join(" ")).toBe(
      "token_embd.weight output_norm.weight output.weight blk.0.attn_q.weight blk.0.attn_k.weight",
    );
    // what ggjt has no place for comes back, to be told to whoever runs the file
    expect(unstoredParams((await contentsOf(file)).params)).toEqual({
      normEps: Math.fround(1e-5),
      ropeFreqBase: 1e6,
      ropeFreqScale: 0.25,
    });
    await checkpoint.close();
  });

  test("a file that says nothing of them has the values that build 803 assumes", async () => {
    const file = await gguf((await converted(contentsOfGgml(await ggjt(await tinyModel("q4_0"))), "gguf")).bytes);
    const get = metadataGetter(file.metadata);
    expect(get("llama.attention.layer_norm_rms_epsilon")).toBe(Math.fround(1e-6));
    expect(get("llama.context_length")).toBe(2048);
    expect(get("general.quantization_version")).toBe(2);
    expect(get("general.file_type")).toBe(2);
    expect(["llama.rope.freq_base", "llama.rope.scaling.factor"].map(get)).toEqual([undefined, undefined]);
  });

  test.each([1 / 3, 0.7, 0.125, Math.fround(1 / 7)])(
    "the rotary scale %d comes back to the bit",
    async (ropeFreqScale) => {
      const contents = contentsOfGgml(await ggjt(await tinyModel("q4_0")), { ropeFreqScale });
      const file = await gguf((await converted(contents, "gguf")).bytes);
      expect((await contentsOf(file)).params.ropeFreqScale).toBe(Math.fround(ropeFreqScale));
    },
  );
});

test("types have the same sizes here, in GGUF and in @ll/quant", () => {
  const known = Array.from({ length: 64 }, (_, id) => tensorTypeById(id)).filter((type) => type !== undefined);
  for (const name of BLOCK_TYPES) {
    if (name === "q8_1") continue; // 40 bytes in build 803, 36 today; never in a file
    const { blockValues, blockBytes } = blockInfo(name);
    expect(known.find((type) => type.name === name)).toMatchObject({ blockValues, blockBytes });
  }
});
