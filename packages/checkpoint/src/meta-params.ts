// params.json, which lies beside Meta's consolidated.NN.pth files:
//   {"dim": 4096, "multiple_of": 256, "n_heads": 32, "n_layers": 32, "norm_eps": 1e-06, "vocab_size": -1}
// LLaMA 2 added n_kv_heads and ffn_dim_multiplier. Build 803 of llama.cpp does not read this file and guesses instead.

import type { BudgetOptions, ByteSource } from "@ll/bytes";
import {
  assertDivides,
  assertHeadDim,
  FORBIDDEN_KEYS,
  fieldError,
  openConfig,
  readInteger,
  readPositive,
  readVocabSize,
  requireField,
  unlessNull,
  unreadWindow,
  vocabSize,
} from "./config-fields.ts";
import { type DeclaredParams, present } from "./declared-params.ts";

/** Fields of later models that change what is computed. */
const OTHER_ARITHMETIC: ReadonlySet<string> = new Set([
  "use_scaled_rope",
  "rope_scaling_factor",
  "quantization_args",
  "lora_args",
  "moe",
  "moe_args",
  "vision_chunk_size",
]);

/**
 * Fields that nothing is known about are listed in `unknownFields`, so that someone can be told.
 * @throws CheckpointError `E_JSON`, `E_FIELD`, `E_HPARAM`, `E_DUP` or `E_LIMIT`.
 */
export async function readMetaParams(source: ByteSource, options: BudgetOptions = {}): Promise<DeclaredParams> {
  const json = await openConfig(source, { ...options, forbiddenKeys: FORBIDDEN_KEYS });
  const integers = new Map<string, number>();
  const numbers = new Map<string, number>();
  const unknownFields: string[] = [];
  json.object((field) => {
    switch (field) {
      case "dim":
        integers.set(field, readInteger(json, field, 1));
        break;
      case "n_layers":
      case "n_heads":
      case "n_kv_heads":
      case "multiple_of":
      case "head_dim":
      case "hidden_dim":
      case "max_seq_len": {
        const value = unlessNull(json, () => readInteger(json, field, 1, "E_HPARAM"));
        if (value !== undefined) integers.set(field, value);
        break;
      }
      case "vocab_size":
        integers.set(field, readVocabSize(json, field));
        break;
      case "ffn_dim_multiplier":
      case "norm_eps":
      case "rope_theta": {
        const value = unlessNull(json, () => readPositive(json, field, "E_HPARAM"));
        if (value !== undefined) numbers.set(field, value);
        break;
      }
      case "sliding_window": {
        const value = unlessNull(json, () => readInteger(json, field, -1));
        if (value !== undefined && value > 0) integers.set(field, value);
        break;
      }
      default: {
        const value = json.read();
        const isSet = value.kind !== "null" && !(value.kind === "boolean" && !value.value);
        if (isSet && OTHER_ARITHMETIC.has(field)) throw fieldError(json, "E_UNSUPPORTED", field, "none", value);
        unknownFields.push(field);
      }
    }
  });
  json.end();

  const nEmbd = requireField(source, "dim", integers.get("dim"));
  const nHeads = requireField(source, "n_heads", integers.get("n_heads"));
  const nLayers = requireField(source, "n_layers", integers.get("n_layers"));
  // without grouped-query attention every head has keys and values of its own
  const nKvHeads = integers.get("n_kv_heads") ?? nHeads;
  assertDivides(source, "n_heads", nHeads, "dim", nEmbd);
  assertDivides(source, "n_kv_heads", nKvHeads, "n_heads", nHeads);
  assertHeadDim(source, integers.get("head_dim"), nEmbd, nHeads);
  return {
    origin: "params.json",
    file: source.name,
    ...vocabSize(integers.get("vocab_size") ?? -1),
    nEmbd,
    nHeads,
    nKvHeads,
    nLayers,
    ...present("nFf", integers.get("hidden_dim")),
    ...present("nMult", integers.get("multiple_of")),
    ...present("contextTokens", integers.get("max_seq_len")),
    ...present("ffnDimMultiplier", numbers.get("ffn_dim_multiplier")),
    ...present("normEps", numbers.get("norm_eps")),
    ...present("ropeFreqBase", numbers.get("rope_theta")),
    unknownFields: [...unknownFields, ...unreadWindow(integers.get("sliding_window"), integers.get("max_seq_len"))],
  };
}
