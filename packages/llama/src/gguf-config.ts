// The config of a model that comes from a GGUF file. This package does not read such files: it asks for values by their keys.
// Keys and defaults: the GGUF specification (docs/gguf.md of ggml) and llama.cpp.

import { GgufKeys, type MetadataGetter, type RefuseKey } from "@ll/architectures";
import { assertConfig, type ConfigOverrides, type ModelConfig } from "./config.ts";
import { ModelError } from "./errors.ts";
import { architectureOf } from "./model-graph.ts";

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

/** Keys in place of which overrides are taken. */
const OVERRIDDEN: readonly (readonly [key: string, override: keyof ConfigOverrides])[] = [
  ["attention.head_count_kv", "nKvHeads"],
  ["attention.layer_norm_rms_epsilon", "rmsNormEps"],
  ["rope.freq_base", "ropeFreqBase"],
];

/**
 * @param overrides go before what the file says
 * @param file shown in errors
 * @throws ModelError `E_UNSUPPORTED` for a model of a family that is not there, or whose arithmetic is another; `E_HPARAM` for numbers that
 * are missing or make no model
 */
export function configFromGguf(get: MetadataGetter, overrides: ConfigOverrides = {}, file?: string): GgufConfig {
  const name = get("general.architecture");
  const architecture = architectureOf(typeof name === "string" ? name : "nothing", file);
  const refuse: RefuseKey = (code, field, expected, got) => {
    const what = code === "E_HPARAM" ? "not a model of this kind" : "this kind of model is not supported";
    const message = `${what}: ${field} is ${got}, expected ${expected}`;
    throw new ModelError({ code, file, field, expected: expected as string | number, got, message });
  };
  const given = OVERRIDDEN.flatMap(([key, name]) =>
    overrides[name] === undefined ? [] : [[key, overrides[name]] as const],
  );
  const keys = new GgufKeys(get, architecture.name, new Map(given), refuse);
  if (get("general.quantization_version") !== undefined) {
    keys.assertEquals("general.quantization_version", QUANTIZATION_VERSION);
  }
  const hyper = architecture.readHyper(keys);
  const warnings = keys.warnings(architecture.harmlessKeys);
  const config = assertConfig({
    ropeFreqBase: 10000, // of those that have one for all layers
    ...hyper,
    ropeFreqScale: Math.fround(overrides.ropeFreqScale ?? (hyper as Partial<ModelConfig>).ropeFreqScale ?? 1),
    architecture: architecture.name,
    nMult: keys.optionalNumber(N_MULT_KEY) ?? hyper.nFf,
    nRot: hyper.headDim,
    ftype: keys.optionalNumber("general.file_type") ?? 0,
    arithmetic: "lanes",
  });
  return { ...config, trainedContextTokens: keys.optionalNumber(`${architecture.name}.context_length`), warnings };
}
