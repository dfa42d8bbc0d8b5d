// The config of a model that comes from a GGUF file. This package does not read such files: it asks for values by their keys.
// Keys and defaults: the GGUF specification (docs/gguf.md of ggml) and llama.cpp.

import { assertConfig, type ConfigOverrides, evenHeads, type ModelConfig } from "./config.ts";
import { ModelError } from "./errors.ts";
import { checkUnreadKeys, LLAMA_KEYS, type MetadataGetter } from "./gguf-keys.ts";

export interface GgufConfig extends ModelConfig {
  /** Positions that the model was trained for; undefined if the file does not say. */
  readonly trainedContextTokens: number | undefined;
  /** A sentence for each key of the model that is not read and may matter; keys that surely do are refused. */
  readonly warnings: readonly string[];
}

/** Version of the block layouts of all quantised types; those of ggjt v3 and of @ll/quant. */
const QUANTIZATION_VERSION = 2;

/** @ll/convert keeps a ggjt file's n_mult under this key, so that the way back gives the same file. */
const N_MULT_KEY = "ll.ggjt.n_mult";

/**
 * @param overrides go before what the file says
 * @param file shown in errors
 * @throws ModelError `E_UNSUPPORTED` for a model that is no LLaMA or whose arithmetic is another; `E_HPARAM` for numbers that are
 * missing or make no model
 */
export function configFromGguf(get: MetadataGetter, overrides: ConfigOverrides = {}, file?: string): GgufConfig {
  const metadata = new Metadata(get, file);
  metadata.assertEquals("general.architecture", "llama");
  if (get("general.quantization_version") !== undefined) {
    metadata.assertEquals("general.quantization_version", QUANTIZATION_VERSION);
  }
  const warnings = checkUnreadKeys(get, "llama", LLAMA_KEYS, file);
  const nHeads = metadata.number("llama.attention.head_count");
  const nFf = metadata.number("llama.feed_forward_length");
  const nEmbd = metadata.number("llama.embedding_length");
  const config = assertConfig({
    architecture: "llama",
    nVocab: metadata.optionalNumber("llama.vocab_size") ?? metadata.length("tokenizer.ggml.tokens"),
    nEmbd,
    nHeads,
    nKvHeads: overrides.nKvHeads ?? metadata.optionalNumber("llama.attention.head_count_kv") ?? nHeads,
    headDim: evenHeads(nEmbd, nHeads),
    nLayers: metadata.number("llama.block_count"),
    nFf,
    rmsNormEps: Math.fround(overrides.rmsNormEps ?? metadata.number("llama.attention.layer_norm_rms_epsilon")),
    ropeFreqBase: Math.fround(overrides.ropeFreqBase ?? metadata.optionalNumber("llama.rope.freq_base") ?? 10000),
    ropeFreqScale: Math.fround(overrides.ropeFreqScale ?? ropeFreqScale(metadata)),
    nMult: metadata.optionalNumber(N_MULT_KEY) ?? nFf,
    nRot: nEmbd / nHeads,
    ftype: metadata.optionalNumber("general.file_type") ?? 0,
  });
  for (const name of ["rope.dimension_count", "attention.key_length", "attention.value_length"]) {
    if (get(`llama.${name}`) !== undefined) metadata.assertEquals(`llama.${name}`, config.nRot);
  }
  return { ...config, trainedContextTokens: metadata.optionalNumber("llama.context_length"), warnings };
}

/** The inverse of the factor by which the context was stretched, in binary32. Early files have it under another key. */
function ropeFreqScale(metadata: Metadata): number {
  const type = metadata.text("llama.rope.scaling.type") ?? "linear";
  if (type === "none") return 1;
  metadata.assertEquals("llama.rope.scaling.type", "linear", type);
  const factor =
    metadata.optionalNumber("llama.rope.scaling.factor") ?? metadata.optionalNumber("llama.rope.scale_linear") ?? 0;
  return factor === 0 ? 1 : Math.fround(1 / Math.fround(factor));
}

/** Values that must be of the kind that they are taken for. */
class Metadata {
  readonly #get: MetadataGetter;
  readonly #file: string | undefined;

  constructor(get: MetadataGetter, file: string | undefined) {
    this.#get = get;
    this.#file = file;
  }

  number(key: string): number {
    return this.optionalNumber(key) ?? this.#fail("E_HPARAM", key, "a number", "nothing");
  }

  optionalNumber(key: string): number | undefined {
    const value = this.#get(key);
    if (value === undefined || typeof value === "number") return value;
    if (typeof value === "bigint") return Number(value);
    // models whose layers differ have an array with a number for each
    if (typeof value === "object") return this.#fail("E_UNSUPPORTED", key, "one number for all layers", "an array");
    return this.#fail("E_HPARAM", key, "a number", typeof value);
  }

  text(key: string): string | undefined {
    const value = this.#get(key);
    if (value === undefined || typeof value === "string") return value;
    return this.#fail("E_HPARAM", key, "a text", typeof value);
  }

  /** Items of an array. */
  length(key: string): number {
    const value = this.#get(key);
    return typeof value === "object" ? value.length : this.#fail("E_HPARAM", key, "an array", typeof value);
  }

  /** @throws ModelError `E_UNSUPPORTED`: the value is one that other models have */
  assertEquals(key: string, expected: number | string, got: unknown = this.#get(key)): void {
    const value = typeof got === "bigint" ? Number(got) : got;
    if (value === expected) return;
    const shown = typeof value === "object" ? "an array" : String(value ?? "nothing");
    this.#fail("E_UNSUPPORTED", key, expected, shown);
  }

  #fail(code: string, field: string, expected: string | number, got: string): never {
    const message = `${code === "E_HPARAM" ? "not a LLaMA model" : "this kind of model is not supported"}: ${field} is ${got}, expected ${expected}`;
    throw new ModelError({ code, file: this.#file, field, expected, got, message });
  }
}
