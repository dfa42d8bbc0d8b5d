import { describe, expect, test } from "vitest";
import { type ConfigOverrides, configFromGguf, isModelError } from "../src/index.ts";

type Value = number | bigint | boolean | string | { readonly length: number };

/** LLaMA 2 13B, as its files say it. */
const llama2: Record<string, Value> = {
  "general.architecture": "llama",
  "general.file_type": 2,
  "general.quantization_version": 2,
  "llama.context_length": 4096,
  "llama.embedding_length": 5120,
  "llama.block_count": 40,
  "llama.feed_forward_length": 13824,
  "llama.rope.dimension_count": 128,
  "llama.attention.head_count": 40,
  "llama.attention.head_count_kv": 40,
  "llama.attention.layer_norm_rms_epsilon": Math.fround(1e-5),
  "tokenizer.ggml.tokens": { length: 32000 },
};

function configOf(changes: Record<string, Value | undefined> = {}, overrides: ConfigOverrides = {}) {
  const values = new Map(Object.entries({ ...llama2, ...changes }));
  return configFromGguf((key) => values.get(key), overrides, "model.gguf");
}

describe("a config", () => {
  test("has what the file says, and defaults", () => {
    expect(configOf()).toEqual({
      nVocab: 32000,
      nEmbd: 5120,
      nHeads: 40,
      nKvHeads: 40,
      nLayers: 40,
      nFf: 13824,
      rmsNormEps: Math.fround(1e-5),
      ropeFreqBase: 10000,
      ropeFreqScale: 1,
      nMult: 13824,
      nRot: 128,
      ftype: 2,
      trainedContextTokens: 4096,
    });
  });

  test("needs neither context length, file type nor number of key heads", () => {
    const changes = {
      "general.file_type": undefined,
      "general.quantization_version": undefined,
      "llama.context_length": undefined,
      "llama.rope.dimension_count": undefined,
      "llama.attention.head_count_kv": undefined,
    };
    expect(configOf(changes)).toMatchObject({ nKvHeads: 40, nRot: 128, ftype: 0, trainedContextTokens: undefined });
  });

  test("shared key heads, another base, the size of the vocabulary, n_mult of a ggjt file, integers of 64 bits", () => {
    const changes = {
      "llama.attention.head_count_kv": 8,
      "llama.rope.freq_base": 1e6,
      "llama.vocab_size": 32016,
      "ll.ggjt.n_mult": 256,
      "llama.block_count": 40n,
    };
    const expected = { nKvHeads: 8, ropeFreqBase: 1e6, nVocab: 32016, nMult: 256, nLayers: 40 };
    expect(configOf(changes)).toMatchObject(expected);
  });

  test("overrides go first", () => {
    const overrides = { nKvHeads: 10, rmsNormEps: 1e-6, ropeFreqBase: 5000, ropeFreqScale: 0.25 };
    const file = { "llama.rope.freq_base": 1e6, "llama.rope.scaling.factor": 2 };
    expect(configOf(file, overrides)).toMatchObject({ ...overrides, rmsNormEps: Math.fround(1e-6) });
  });

  test.each<[string, Record<string, Value>, number]>([
    ["none", {}, 1],
    ["linear", { "llama.rope.scaling.type": "linear", "llama.rope.scaling.factor": 4 }, 0.25],
    ["linear by 3", { "llama.rope.scaling.type": "linear", "llama.rope.scaling.factor": 3 }, Math.fround(1 / 3)],
    ["linear, without a type", { "llama.rope.scaling.factor": 8 }, 0.125],
    ["linear, in early files", { "llama.rope.scale_linear": 2 }, 0.5],
    ["both keys", { "llama.rope.scale_linear": 2, "llama.rope.scaling.factor": 4 }, 0.25],
    ["factor 0", { "llama.rope.scaling.type": "linear", "llama.rope.scaling.factor": 0 }, 1],
    ["type none", { "llama.rope.scaling.type": "none", "llama.rope.scaling.factor": 4 }, 1],
  ])("rope scaling: %s", (_name, changes, scale) => {
    expect(configOf(changes).ropeFreqScale).toBe(scale);
  });

  test.each(["expert_count", "logit_scale", "attention.clamp_kqv"])("%s 0 is as good as none", (name) => {
    expect(configOf({ [`llama.${name}`]: 0 }).nLayers).toBe(40);
  });
});

describe("refused", () => {
  test.each<[string, Record<string, Value | undefined>, object]>([
    [
      "another architecture",
      { "general.architecture": "qwen2" },
      { code: "E_UNSUPPORTED", field: "general.architecture", got: "qwen2" },
    ],
    ["no architecture", { "general.architecture": undefined }, { code: "E_UNSUPPORTED", got: "nothing" }],
    [
      "other block layouts",
      { "general.quantization_version": 3 },
      { code: "E_UNSUPPORTED", field: "general.quantization_version", expected: 2, got: "3" },
    ],
    [
      "experts",
      { "llama.expert_count": 8 },
      { code: "E_UNSUPPORTED", field: "llama.expert_count", expected: 0, got: "8" },
    ],
    ["scaled logits", { "llama.logit_scale": 0.5 }, { code: "E_UNSUPPORTED", field: "llama.logit_scale" }],
    [
      "yarn",
      { "llama.rope.scaling.type": "yarn" },
      { code: "E_UNSUPPORTED", field: "llama.rope.scaling.type", expected: "linear", got: "yarn" },
    ],
    [
      "partial rotation",
      { "llama.rope.dimension_count": 64 },
      { code: "E_UNSUPPORTED", field: "llama.rope.dimension_count", expected: 128, got: "64" },
    ],
    [
      "wide heads",
      { "llama.attention.key_length": 256 },
      { code: "E_UNSUPPORTED", field: "llama.attention.key_length" },
    ],
    [
      "layers that differ",
      { "llama.attention.head_count": { length: 40 } },
      { code: "E_UNSUPPORTED", field: "llama.attention.head_count", got: "an array" },
    ],
    [
      "no heads",
      { "llama.attention.head_count": undefined },
      { code: "E_HPARAM", field: "llama.attention.head_count", got: "nothing" },
    ],
    ["0 heads", { "llama.attention.head_count": 0 }, { code: "E_HPARAM", field: "nHeads", got: 0 }],
    ["heads that do not divide", { "llama.attention.head_count": 39 }, { code: "E_HPARAM", field: "nHeads" }],
    [
      "no eps",
      { "llama.attention.layer_norm_rms_epsilon": undefined },
      { code: "E_HPARAM", field: "llama.attention.layer_norm_rms_epsilon" },
    ],
    ["eps 0", { "llama.attention.layer_norm_rms_epsilon": 0 }, { code: "E_HPARAM", field: "rmsNormEps" }],
    [
      "a number as text",
      { "llama.block_count": "40" },
      { code: "E_HPARAM", field: "llama.block_count", got: "string" },
    ],
    ["2^64 layers", { "llama.block_count": 2n ** 64n }, { code: "E_HPARAM", field: "nLayers" }],
    [
      "a text as number",
      { "llama.rope.scaling.type": 1 },
      { code: "E_HPARAM", field: "llama.rope.scaling.type", got: "number" },
    ],
    ["no vocabulary", { "tokenizer.ggml.tokens": undefined }, { code: "E_HPARAM", field: "tokenizer.ggml.tokens" }],
  ])("%s", (_name, changes, fields) => {
    let error: unknown;
    try {
      configOf(changes);
    } catch (reason) {
      error = reason;
    }
    expect(isModelError(error)).toBe(true);
    expect(error).toMatchObject(fields);
  });
});
