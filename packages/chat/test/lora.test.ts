// Adapters: a model that was opened with one is the model that it makes.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memorySink, memorySource } from "@ll/bytes";
import { createLoraWriter, openGgml } from "@ll/ggml-format";
import { configFromGgml, generate, loadModel } from "@ll/llama";
import { openAdapter, withLora } from "@ll/model";
import { createSampler, samplingChain } from "@ll/sampling";
import { createTokenizer } from "@ll/tokenizer";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tinyModel } from "../../../tools/tiny-model.ts";
import { openModel } from "../src/node.ts";

const directory = mkdtempSync(join(tmpdir(), "ll-lora-"));
const path = join(directory, "adapter.bin");
const PROMPT = "Once upon a time";

/** Of rank 1, for one matrix; all of its factors are `value`. */
async function adapter(value: number): Promise<Uint8Array> {
  const sink = memorySink();
  const target = "layers.0.attention.wv.weight"; // (128, 128)
  const tensors = ["A", "B"].map((half) => ({ name: `${target}.lora${half}`, type: "f32", shape: [128, 1] }));
  const writer = await createLoraWriter(sink, { r: 1, alpha: 1, tensors });
  const bytes = new Uint8Array(new Float32Array(128).fill(value).buffer);
  for (const { name } of tensors) await writer.writeTensor(name, [bytes]);
  await writer.finish();
  return sink.bytes();
}

beforeAll(async () => writeFileSync(path, await adapter(0.25)));
afterAll(() => rmSync(directory, { recursive: true }));

/** What the engine itself makes of the model with the adapter. */
async function expected(base: boolean): Promise<string> {
  const [file, original] = await Promise.all(
    (["q4_0", "f16"] as const).map(async (type) => openGgml(memorySource(await tinyModel(type)))),
  );
  if (file === undefined || original === undefined) throw new Error("two files");
  const config = configFromGgml(file.hyperParams);
  const one = await openAdapter(await adapter(0.25), file, config);
  const model = await loadModel(withLora(file, one, { base: base ? original : undefined }), config, { threads: 1 });
  const tokenizer = createTokenizer(file.vocab);
  const sampler = createSampler({ stages: samplingChain({}), seed: 1, nVocab: tokenizer.nVocab });
  let text = "";
  const options = { sampler, tokenBytes: tokenizer.tokenBytes, ends: tokenizer.special.ends, maxTokens: 24 };
  const context = await model.createContext({ contextTokens: 256 });
  for await (const token of generate(context, tokenizer.encode(PROMPT, { prompt: true }), options)) text += token.text;
  await model.dispose();
  return text;
}

test.each([false, true])("by a path, and with a base: %s", async (hasBase) => {
  const base = hasBase ? await tinyModel("f16") : undefined;
  const model = await openModel(await tinyModel("q4_0"), { contextTokens: 256, lora: { from: path, base } });
  const text = await model.complete(PROMPT, { maxTokens: 24, seed: 1 }).text();
  await model.dispose();
  expect(text).toBe(await expected(hasBase));
  const plain = await openModel(await tinyModel("q4_0"), { contextTokens: 256 });
  expect(text).not.toBe(await plain.complete(PROMPT, { maxTokens: 24, seed: 1 }).text());
  await plain.dispose();
});

test("one that is none is refused", async () => {
  await expect(openModel(await tinyModel("q4_0"), { lora: { from: await tinyModel("q4_0") } })).rejects.toThrow(
    /ll-convert --lora/,
  );
  await expect(openModel(await tinyModel("q4_0"), { lora: { from: `${path}x` } })).rejects.toMatchObject({
    code: "E_IO",
  });
});
