// generation_config.json beside the configuration of a model, and what of it goes into a GGUF file.

import { memorySink, memorySource } from "@ll/bytes";
import { createGgufWriter } from "@ll/gguf";
import { openHfModel } from "../../../packages/checkpoint/src/hf-model.ts";
import { readJsonObject } from "../../../packages/checkpoint/src/json-tree.ts";
import { hfMetadata } from "../../../packages/convert/src/hf-metadata.ts";

const CONFIG = '{"architectures":["Qwen3ForCausalLM"],"model_type":"qwen3","eos_token_id":[1,2]}';
const NO_TEXTS = { bytes: new Uint8Array(0), starts: new Uint32Array(1) };
const VOCABULARY = {
  model: "gpt2",
  pre: "qwen2",
  tokens: NO_TEXTS,
  scores: undefined,
  types: new Uint8Array(0),
  merges: NO_TEXTS,
  ids: new Map(),
  adds: new Map(),
  addSpacePrefix: undefined,
  chatTemplates: new Map(),
} as const;

export const seeds: readonly Uint8Array[] = [
  '{"bos_token_id":1,"eos_token_id":[2,3],"do_sample":true,"temperature":0.6,"top_k":20,"top_p":0.95,"min_p":0}',
  '{"eos_token_id":7,"repetition_penalty":1.05,"top_k":null,"transformers_version":"4.51.0"}',
].map((text) => new TextEncoder().encode(text));
export const dictionary: readonly string[] = [
  ...["eos_token_id", "top_k", "top_p", "min_p", "temperature", "repetition_penalty", "__proto__"].map(
    (name) => `,"${name}":`,
  ),
  ...["1e999", "-1", "0", "1.5", "4294967295", "9007199254740993", "null", "true", "{}", "[", "]", "\ufeff"],
];

export async function fuzz(data: Uint8Array): Promise<void> {
  const parse = (bytes: Uint8Array, name: string) => readJsonObject(memorySource(bytes, name));
  const generationConfig = await parse(data, "generation_config.json");
  const config = await parse(new TextEncoder().encode(CONFIG), "config.json");
  const model = await openHfModel({ configFile: "config.json", config, generationConfig, parts: [] });
  const metadata = hfMetadata(model, new Map(), VOCABULARY, { name: "m", tensors: [], ftype: 0 });
  await (await createGgufWriter(memorySink(), { metadata, tensors: [] })).finish();
}
