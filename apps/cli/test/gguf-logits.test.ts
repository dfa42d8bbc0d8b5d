// One model in both containers computes the same, to the bit: neither reader knows @ll/llama, and @ll/llama knows neither.

import { readFileSync } from "node:fs";
import { memorySink, memorySource } from "@ll/bytes";
import type { Checkpoint } from "@ll/checkpoint";
import { openCheckpoint } from "@ll/checkpoint/node";
import { contentsOfGgml, convertCheckpoint } from "@ll/convert";
import { openGgml, type VocabEntry } from "@ll/ggml-format";
import { createGgufWriter, type GgufArray, type GgufFile, type GgufValue, metadataGetter, openGguf } from "@ll/gguf";
import {
  configFromGgml,
  configFromGguf,
  createScalarModel,
  loadWeights,
  type ModelConfig,
  type TensorSource,
} from "@ll/llama";
import { ggufTokenizer } from "@ll/model";
import { createTokenizer, ggmlVocab, readSentencePieceModel } from "@ll/tokenizer";
import { describe, expect, test } from "vitest";
import { describeWithTestData, fixture, testData } from "../../../tools/test-data.ts";
import { type TinyType, tinyModel } from "../../../tools/tiny-model.ts";

const TOKENS = [1, 385, 386, 261, 370, 45, 7, 300];

async function logits(tensors: TensorSource, config: ModelConfig): Promise<Float32Array> {
  const model = createScalarModel(await loadWeights(tensors, config), { arithmetic: "build803" });
  const context = await model.createContext({ contextTokens: 16 });
  return context.evaluate(
    TOKENS.map((id) => id % config.nVocab),
    0,
    { logits: "all" },
  );
}

async function logitsOfGguf(bytes: Uint8Array): Promise<Float32Array> {
  const file = await openGguf(memorySource(bytes));
  return logits(file, configFromGguf(metadataGetter(file.metadata)));
}

/** Bits, in which -0 and 0 differ. */
function bits(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

async function expectSameLogits(checkpoint: Checkpoint, vocab: readonly VocabEntry[], outType: "f16" | "f32") {
  const { params, tensors } = checkpoint;
  const [ggjt, gguf] = [memorySink(), memorySink()];
  await convertCheckpoint({ params, tensors, vocab, outType, container: 3 }, ggjt);
  await convertCheckpoint({ params, tensors, vocab, outType, container: "gguf" }, gguf);
  const file = await openGgml(memorySource(ggjt.bytes()));
  const { nKvHeads, normEps: rmsNormEps = 1e-6, ropeFreqBase = 10000, ropeFreqScale = 1 } = params;
  const config = configFromGgml(file.hyperParams, { nKvHeads, rmsNormEps, ropeFreqBase, ropeFreqScale });
  const expected = await logits(file, config);
  expect(expected.some((value) => value !== 0)).toBe(true);
  expect(bits(await logitsOfGguf(gguf.bytes()))).toEqual(bits(expected));
}

const tinyVocab = ggmlVocab(readSentencePieceModel(readFileSync(fixture("tiny/hf/tokenizer.model"))));

describe("checkpoint → GGUF → logits is checkpoint → ggjt → logits", () => {
  test.each([
    ["tiny/hf", "f16", {}],
    ["tiny/meta", "f32", {}],
    ["tiny/hf", "f32", { normEps: 1e-5, ropeFreqBase: 500000, ropeFreqScale: 1 / 3 }],
  ] as const)("%s as %s %j", async (path, outType, changes) => {
    const checkpoint = await openCheckpoint(fixture(path));
    await expectSameLogits({ ...checkpoint, params: { ...checkpoint.params, ...changes } }, tinyVocab, outType);
    await checkpoint.close();
  });
});

describe("ggjt → GGUF → logits is ggjt → logits", () => {
  test.each<TinyType>(["q4_0", "q4_1", "q5_0", "q5_1", "q8_0"])("the embedded model as %s", async (type) => {
    const file = await openGgml(memorySource(await tinyModel(type)));
    const sink = memorySink();
    await convertCheckpoint({ ...contentsOfGgml(file), outType: "stored", container: "gguf" }, sink);
    const expected = await logits(file, configFromGgml(file.hyperParams));
    expect(bits(await logitsOfGguf(sink.bytes()))).toEqual(bits(expected));
  });
});

/** The embedded model as a GGUF file, with other tensors: `change` gives a tensor's type, or undefined to leave it out. */
async function changed(change: (name: string, type: string) => string | undefined): Promise<GgufFile> {
  const sink = memorySink();
  const original = memorySink();
  const contents = contentsOfGgml(await openGgml(memorySource(await tinyModel("f16"))));
  await convertCheckpoint({ ...contents, outType: "stored", container: "gguf" }, original);
  const file = await openGguf(memorySource(original.bytes()));
  const tensors = file.tensors.flatMap(({ name, type, shape }) => {
    const other = change(name, type);
    return other === undefined ? [] : [{ name, type: other, shape }];
  });
  const scalars = [...file.metadata].filter(
    (pair): pair is [string, Exclude<GgufValue, GgufArray>] => pair[1].type !== "array",
  );
  const writer = await createGgufWriter(sink, { metadata: new Map(scalars), tensors });
  for (const { name } of tensors) {
    const bytes = new Uint8Array(file.tensor(name)?.byteLength ?? 0);
    await file.tensor(name)?.read(0, bytes);
    await writer.writeTensor(name, [bytes]);
  }
  await writer.finish();
  return openGguf(memorySource(sink.bytes()));
}

describe("tensors of a GGUF file", () => {
  test("the embeddings are the output matrix of a file that has none", async () => {
    const tied = await changed((name, type) => (name === "output.weight" ? undefined : type));
    const whole = await changed((_name, type) => type);
    const config = configFromGguf(metadataGetter(tied.metadata));
    const twice: TensorSource = {
      names: () => whole.names(),
      tensor: (name) => whole.tensor(name === "output.weight" ? "token_embd.weight" : name),
    };
    const expected = await logits(twice, config);
    expect(bits(await logits(tied, config))).toEqual(bits(expected));
    expect(bits(expected)).not.toEqual(bits(await logits(whole, config)));
  });

  test("a type that cannot be computed with is refused by name, when weights are loaded", async () => {
    const file = await changed((name, type) => (name === "blk.2.attn_k.weight" ? "i16" : type));
    expect(file.tensor("blk.2.attn_k.weight")?.type).toBe("i16");
    const loading = loadWeights(file, configFromGguf(metadataGetter(file.metadata)));
    await expect(loading).rejects.toMatchObject({
      name: "ModelError",
      code: "E_TENSOR_TYPE",
      field: "blk.2.attn_k.weight",
      got: "i16",
    });
  });
});

test("the vocabulary of a converted file tokenises like the tokenizer.model", async () => {
  const file = await openGgml(memorySource(await tinyModel("q4_0")));
  const sink = memorySink();
  await convertCheckpoint({ ...contentsOfGgml(file), outType: "stored", container: "gguf" }, sink);
  const tokenizer = await ggufTokenizer(await openGguf(memorySource(sink.bytes())));
  const original = createTokenizer(readSentencePieceModel(readFileSync(fixture("tiny/hf/tokenizer.model"))));
  const recorded: { text: string }[] = JSON.parse(readFileSync(fixture("tiny/golden/tiny-tokenizer.json"), "utf8"));
  for (const { text } of recorded) {
    for (const mode of ["build803", "sentencepiece"] as const) {
      if (mode === "build803" && text.includes("\u2581")) continue; // three bytes there, and a space in a GGUF file
      expect(tokenizer.encode(text, { mode })).toEqual(original.encode(text, { mode }));
    }
  }
});

describeWithTestData("a third party's model", () => {
  test.each(["stories260K.bin", "hf", "meta-bf16"])("%s", async (path) => {
    const checkpoint = await openCheckpoint(testData(`models/stories260k/${path}`));
    const { vocab } = await openGgml(
      memorySource(new Uint8Array(readFileSync(testData("models/stories260k/ggjt/f16.bin")))),
    );
    await expectSameLogits(checkpoint, vocab, "f32");
    await checkpoint.close();
  });
});
