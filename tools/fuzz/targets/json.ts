// The JSON files beside weights. One input goes through all readers: they share the scanner and differ in the fields.

import { memorySource } from "@ll/bytes";
import { readAddedTokens } from "@ll/checkpoint";
import { readHfConfig } from "../../../packages/checkpoint/src/hf-config.ts";
import { readMetaParams } from "../../../packages/checkpoint/src/meta-params.ts";
import { readShardIndex } from "../../../packages/checkpoint/src/shard-index.ts";
import { CONFIG_JSON, PARAMS_JSON } from "../../../packages/checkpoint/test/support/tiny-model.ts";
import { each } from "./each.ts";

const READERS = [readMetaParams, readHfConfig, readShardIndex, readAddedTokens] as const;

export const seeds: readonly Uint8Array[] = [
  PARAMS_JSON,
  CONFIG_JSON,
  '{"architectures":["LlamaForCausalLM"],"rope_scaling":{"type":"linear","factor":2.5},"head_dim":null,"vocab_size":-1}',
  '{"metadata":{"total_size":5},"weight_map":{"a":"model-00001-of-00002.safetensors","b":"x.bin"}}',
  '{"<pad>":32000,"\\u00e4\\ud83d\\ude00":32001}',
].map((text) => new TextEncoder().encode(text));
export const dictionary: readonly string[] = [
  ...["dim", "n_layers", "n_heads", "n_kv_heads", "multiple_of", "norm_eps", "vocab_size", "hidden_size"].map(
    (name) => `"${name}":`,
  ),
  ...["rope_scaling", "rope_theta", "auto_map", "quantization_config", "weight_map", "__proto__", "constructor"].map(
    (name) => `,"${name}":`,
  ),
  ...["1e999", "-1", "0", "1.5", "9007199254740993", "null", "true", "{}", "[[", "\\u0000", "../", "\ufeff", "\\ud800"],
];

export function fuzz(data: Uint8Array): Promise<void> {
  const source = memorySource(data, "config.json");
  return each(...READERS.map((read) => () => read(source)));
}
