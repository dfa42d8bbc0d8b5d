// config.json of a Hugging Face model directory, for LLaMA and Baichuan. Nothing in it is executed: `auto_map`, chat
// templates and the like are skipped unread.

import type { BudgetOptions, ByteSource } from "@ll/bytes";
import {
  assertDivides,
  assertHeadDim,
  FORBIDDEN_KEYS,
  fieldError,
  openConfig,
  readFlag,
  readInteger,
  readPositive,
  readText,
  readTokenIds,
  readVocabSize,
  requireField,
  unlessNull,
  unreadWindow,
  vocabSize,
} from "./config-fields.ts";
import { type DeclaredParams, present } from "./declared-params.ts";
import { CheckpointError } from "./errors.ts";
import { isNeutral, NEUTRAL_VALUES } from "./hf-members.ts";
import type { JsonReader } from "./json-reader.ts";
import { readQuantizationConfig } from "./quantization-config.ts";
import { assertWholeHeads, mergeRope, type RopeConfig, readRopeConfig } from "./rope-config.ts";

/** Of `model_type`. Other models have other tensors, or use the same ones otherwise. */
const MODEL_TYPES: ReadonlySet<string> = new Set(["llama", "baichuan"]);
/** Of `architectures`; the second and the fourth spelling are those of early conversions. */
const ARCHITECTURES: ReadonlySet<string> = new Set([
  "LlamaForCausalLM",
  "LLaMAForCausalLM",
  "BaichuanForCausalLM",
  "BaiChuanForCausalLM",
]);

/** Of `layer_types`. */
const LAYER_TYPES: ReadonlySet<string> = new Set(["full_attention"]);

/** "swish" is the other name of the same function. */
const ACTIVATIONS: ReadonlySet<string> = new Set(["silu", "swish"]);

/**
 * Fields that decide what is computed are read and checked; all others (cache settings, dropout) are skipped.
 * @throws CheckpointError `E_JSON`, `E_FIELD`, `E_HPARAM`, `E_DUP`, `E_LIMIT`, or `E_UNSUPPORTED` for another architecture.
 */
export async function readHfConfig(source: ByteSource, options: BudgetOptions = {}): Promise<DeclaredParams> {
  const json = await openConfig(source, { ...options, forbiddenKeys: FORBIDDEN_KEYS });
  const integers = new Map<string, number>();
  const numbers = new Map<string, number>();
  const flags = new Map<string, boolean>();
  const ropes = new Map<string, RopeConfig>();
  const tokenIds = new Map<string, readonly number[]>();
  let gptq: DeclaredParams["gptq"];
  let modelType: string | undefined;
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
        modelType = assertKnown(json, field, MODEL_TYPES);
        break;
      case "architectures":
        readNames(json, field, ARCHITECTURES);
        break;
      case "hidden_act":
      case "hidden_activation":
        assertKnown(json, field, ACTIVATIONS);
        break;
      case "rope_scaling":
      case "rope_parameters": {
        const rope = readRopeConfig(json, field);
        if (rope !== undefined) ropes.set(field, rope);
        break;
      }
      case "partial_rotary_factor":
      case "rotary_pct":
        assertWholeHeads(
          json,
          field,
          unlessNull(json, () => readPositive(json, field, "E_HPARAM")),
        );
        break;
      case "sliding_window": {
        const value = unlessNull(json, () => readInteger(json, field, -1));
        if (value !== undefined && value > 0) integers.set(field, value);
        break;
      }
      case "layer_types":
        readNames(json, field, LAYER_TYPES);
        break;
      case "use_sliding_window":
      case "tie_word_embeddings":
      case "attention_bias":
      case "mlp_bias":
      case "bias": {
        const flag = readFlag(json, field);
        if (flag !== undefined) flags.set(field, flag);
        break;
      }
      case "bos_token_id":
      case "eos_token_id":
        tokenIds.set(field, readTokenIds(json, field));
        break;
      case "quantization_config":
      case "compression_config":
        gptq = readQuantizationConfig(json, field) ?? gptq;
        break;
      default:
        assertNeutral(json, field);
    }
  });
  json.end();

  const nEmbd = requireField(source, "hidden_size", integers.get("hidden_size"));
  const nHeads = requireField(source, "num_attention_heads", integers.get("num_attention_heads"));
  const nKvHeads = integers.get("num_key_value_heads") ?? nHeads;
  assertDivides(source, "num_attention_heads", nHeads, "hidden_size", nEmbd);
  assertDivides(source, "num_key_value_heads", nKvHeads, "num_attention_heads", nHeads);
  assertHeadDim(source, integers.get("head_dim"), nEmbd, nHeads);
  if (modelType === "baichuan") assertPlainBaichuan(source.name, integers);
  const contextTokens = integers.get("max_position_embeddings");
  const window = flags.get("use_sliding_window") === false ? undefined : integers.get("sliding_window");
  const parameters = ropes.get("rope_parameters");
  const rope = mergeRope(source.name, parameters, ropes.get("rope_scaling"), numbers.get("rope_theta"));
  const [bosId] = tokenIds.get("bos_token_id") ?? [];
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
    ...present("ropeFreqBase", rope.base),
    ...present("ropeFreqScale", rope.factor === undefined ? undefined : 1 / rope.factor),
    ...present("contextTokens", contextTokens),
    ...present("isOutputTied", flags.get("tie_word_embeddings")),
    biasFields: ["attention_bias", "mlp_bias", "bias"].filter((field) => flags.get(field) === true),
    ...present("gptq", gptq),
    ...present("bosId", bosId),
    eosIds: tokenIds.get("eos_token_id") ?? [],
    unknownFields: unreadWindow(window, contextTokens),
  };
}

/** @throws `E_UNSUPPORTED` for a text outside `known`; null is as good as nothing. */
function assertKnown(json: JsonReader, field: string, known: ReadonlySet<string>): string | undefined {
  const text = readText(json, field);
  if (text === undefined || known.has(text)) return text;
  const isFamily = known === ARCHITECTURES || known === MODEL_TYPES;
  const hint = isFamily ? "others become GGUF files: name the new file .gguf, or take --container gguf" : undefined;
  throw fieldError(json, "E_UNSUPPORTED", field, [...known].join(" or "), { kind: "string", text }, hint);
}

/** Every name in the list must be known. */
function readNames(json: JsonReader, field: string, known: ReadonlySet<string>): void {
  unlessNull(json, () => {
    if (json.peek() !== "array") throw fieldError(json, "E_FIELD", field, "an array", json.read());
    json.array(() => void assertKnown(json, field, known));
  });
}

/** @throws `E_UNSUPPORTED` for a field that changes what is computed, at a value that does */
function assertNeutral(json: JsonReader, field: string): void {
  const value = json.read();
  if (!NEUTRAL_VALUES.has(field)) return;
  const plain = value.kind === "boolean" ? value.value : value.kind === "number" ? Number(value.digits) : value.kind;
  if (isNeutral(field, plain === "null" ? null : plain)) return;
  const expected = `${NEUTRAL_VALUES.get(field) ?? "null"}, as a LLaMA has it`;
  throw fieldError(json, "E_UNSUPPORTED", field, expected, value);
}

/** Of the Baichuan models only the first one of 7B computes as a LLaMA does. @throws `E_UNSUPPORTED` */
function assertPlainBaichuan(file: string, integers: ReadonlyMap<string, number>): void {
  for (const [field, value, reason] of [
    ["num_hidden_layers", 40, "the positions of Baichuan 13B (ALiBi) are not read"],
    ["vocab_size", 125696, "the output rows of Baichuan 2, which are scaled to length 1, are not read"],
  ] as const) {
    if (integers.get(field) !== value) continue;
    const fields = { code: "E_UNSUPPORTED", file, offset: 0, field, expected: "Baichuan 7B", got: value };
    throw new CheckpointError({ ...fields, message: reason });
  }
}
