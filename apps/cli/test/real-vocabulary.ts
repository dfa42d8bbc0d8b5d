// A model with the vocabulary and the chat template of Qwen 3 and a few random weights: it opens, encodes and speaks like a real one, and
// what it says makes no sense.

import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { memorySink, memorySource } from "@ll/bytes";
import { createGgufWriter, type GgufValue, openGguf, type WritableValue } from "@ll/gguf";
import { testData } from "../../../tools/test-data.ts";

const EMBEDDING = "token_embd.weight";

/** 29 MB of random embeddings behind a header of 6 MB. */
export async function modelWithVocabulary(): Promise<Uint8Array> {
  const shapes = await openGguf(memorySource(await readFile(testData("models/families/qwen3/model.gguf"))));
  const vocabulary = await openGguf(memorySource(gunzipSync(await readFile(testData("vocab/qwen3.gguf.gz")))));
  const metadata = new Map<string, WritableValue>();
  for (const [key, value] of shapes.metadata) {
    if (!key.startsWith("tokenizer.") && key !== "qwen3.vocab_size") metadata.set(key, await writable(value));
  }
  for (const [key, value] of vocabulary.metadata) {
    if (key.startsWith("tokenizer.")) metadata.set(key, await writable(value));
  }
  const tokens = metadata.get("tokenizer.ggml.tokens");
  const nVocab = tokens?.type === "array" ? tokens.items.length : 0;
  const tensors = shapes.tensors.map(({ name, shape }) => ({
    name,
    type: "f32",
    shape: name === EMBEDDING ? [nVocab, shape[1] as number] : shape,
  }));
  const sink = memorySink();
  const writer = await createGgufWriter(sink, { metadata, tensors });
  let state = 1;
  for (const { name, shape } of tensors) {
    const values = Float32Array.from({ length: shape.reduce((product, size) => product * size, 1) }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return (state / 2 ** 32 - 0.5) / 4;
    });
    await writer.writeTensor(name, [new Uint8Array(values.buffer)]);
  }
  await writer.finish();
  return sink.bytes();
}

async function writable(value: GgufValue): Promise<WritableValue> {
  if (value.type !== "array") return value as WritableValue;
  return { type: "array", itemType: value.itemType, items: await value.read(value.itemType) } as WritableValue;
}
