// config.json of a Hugging Face model directory, for LLaMA and Baichuan. Nothing in it is executed: `auto_map`, chat
// templates and the like are skipped unread.

import type { BudgetOptions, ByteSource } from "@ll/bytes";
import {
  assertDivides,
  assertHeadDim,
  FORBIDDEN_KEYS,
  fieldError,
  openConfig,
  readInteger,
  readPositive,
  readText,
  readVocabSize,
  requireField,
  unlessNull,
  vocabSize,
} from "./config-fields.ts";
import { type DeclaredParams, present } from "./declared-params.ts";
import type { JsonReader } from "./json-reader.ts";

/** Of `model_type`. Other models have other tensors, or use the same ones otherwise. */
const MODEL_TYPES: ReadonlySet<string> = new Set(["llama", "baichuan"]);
/** Of `architectures`; the second and the fourth spelling are those of early conversions. */
const ARCHITECTURES: ReadonlySet<string> = new Set([
  "LlamaForCausalLM",
  "LLaMAForCausalLM",
  "BaichuanForCausalLM",
  "BaiChuanForCausalLM",
]);

/**
 * Fields that decide what is computed are read and checked; all others (token ids, cache settings, dropout) are skipped.
 * @throws CheckpointError `E_JSON`, `E_FIELD`, `E_HPARAM`, `E_DUP`, `E_LIMIT`, or `E_UNSUPPORTED` for another architecture.
 */
export async function readHfConfig(source: ByteSource, options: BudgetOptions = {}): Promise<DeclaredParams> {
  const json = await openConfig(source, { ...options, forbiddenKeys: FORBIDDEN_KEYS });
  const integers = new Map<string, number>();
  const numbers = new Map<string, number>();
  let ropeFactor: number | undefined;
  json.object((field) => {
    switch (field) {
      case "hidden_size":
      case "intermediate_size":
      case "max_position_embeddings": {
        const value = unlessNull(json, () => readInteger(json, field, 1));
        if (value !== undefined) integers.set(field, value);
        break;
      }
      case "vocab_size":
        integers.set(field, readVocabSize(json, field));
        break;
      case "num_hidden_layers":
      case "num_attention_heads":
      case "num_key_value_heads":
      case "head_dim": {
        const value = unlessNull(json, () => readInteger(json, field, 1, "E_HPARAM"));
        if (value !== undefined) integers.set(field, value);
        break;
      }
      case "rms_norm_eps":
      case "rope_theta": {
        const value = unlessNull(json, () => readPositive(json, field, "E_HPARAM"));
        if (value !== undefined) numbers.set(field, value);
        break;
      }
      // what these three name is either computed the way of LLaMA or not at all
      case "model_type":
        assertKnown(json, field, MODEL_TYPES);
        break;
      case "architectures":
        readArchitectures(json);
        break;
      case "hidden_act":
        assertKnown(json, field, new Set(["silu"]));
        break;
      case "rope_scaling":
        ropeFactor = readRopeScaling(json);
        break;
      default:
        json.read();
    }
  });
  json.end();

  const nEmbd = requireField(source, "hidden_size", integers.get("hidden_size"));
  const nHeads = requireField(source, "num_attention_heads", integers.get("num_attention_heads"));
  const nKvHeads = integers.get("num_key_value_heads") ?? nHeads;
  assertDivides(source, "num_attention_heads", nHeads, "hidden_size", nEmbd);
  assertDivides(source, "num_key_value_heads", nKvHeads, "num_attention_heads", nHeads);
  assertHeadDim(source, integers.get("head_dim"), nEmbd, nHeads);
  return {
    origin: "config.json",
    file: source.name,
    // −1 leaves the size to the tensors, as in Meta's files
    ...vocabSize(requireField(source, "vocab_size", integers.get("vocab_size"))),
    nEmbd,
    nHeads,
    nKvHeads,
    nLayers: requireField(source, "num_hidden_layers", integers.get("num_hidden_layers")),
    nFf: requireField(source, "intermediate_size", integers.get("intermediate_size")),
    ...present("normEps", numbers.get("rms_norm_eps")),
    ...present("ropeFreqBase", numbers.get("rope_theta")),
    ...present("ropeFreqScale", ropeFactor === undefined ? undefined : 1 / ropeFactor),
    ...present("contextTokens", integers.get("max_position_embeddings")),
    unknownFields: [],
  };
}

/** @throws `E_UNSUPPORTED` for a text outside `known`; null is as good as nothing. */
function assertKnown(json: JsonReader, field: string, known: ReadonlySet<string>): void {
  const text = readText(json, field);
  if (text !== undefined && !known.has(text)) {
    throw fieldError(json, "E_UNSUPPORTED", field, [...known].join(" or "), { kind: "string", text });
  }
}

/** Every name in the list must be known: it says which class of the transformers library loads the model. */
function readArchitectures(json: JsonReader): void {
  unlessNull(json, () => {
    if (json.peek() !== "array") throw fieldError(json, "E_FIELD", "architectures", "an array", json.read());
    json.array(() => assertKnown(json, "architectures", ARCHITECTURES));
  });
}

/** The factor of `{"type": "linear", "factor": 2}`; undefined for null or the type "default". */
function readRopeScaling(json: JsonReader): number | undefined {
  return unlessNull(json, () => {
    let type: string | undefined;
    let factor: number | undefined;
    if (json.peek() !== "object") throw fieldError(json, "E_FIELD", "rope_scaling", "an object", json.read());
    json.object((field) => {
      if (field === "type" || field === "rope_type") type = readText(json, `rope_scaling.${field}`);
      else if (field === "factor") factor = readPositive(json, "rope_scaling.factor", "E_HPARAM");
      else json.read();
    });
    if (type === "default") return undefined;
    if (type === "linear" && factor !== undefined) return factor;
    const got = { kind: "string", text: type ?? "none" } as const;
    throw fieldError(json, "E_UNSUPPORTED", "rope_scaling", "linear scaling with a factor", got);
  });
}
