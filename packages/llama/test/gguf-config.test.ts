import { ARCHITECTURES } from "@ll/architectures";
import { describe, expect, test } from "vitest";
import { type ConfigOverrides, configFromGguf, isModelError, type MetadataGetter, unreadKeys } from "../src/index.ts";

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

function getterOf(values: Record<string, Value | undefined>): MetadataGetter {
  const present = new Map(Object.entries(values).filter(([, value]) => value !== undefined));
  return Object.assign((key: string) => present.get(key), { keys: () => present.keys() });
}

function configOf(changes: Record<string, Value | undefined> = {}, overrides: ConfigOverrides = {}) {
  return configFromGguf(getterOf({ ...llama2, ...changes }), overrides, "model.gguf");
}

describe("a config", () => {
  test("has what the file says, and defaults", () => {
    expect(configOf()).toEqual({
      architecture: "llama",
      arithmetic: "lanes",
      headDim: 128,
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
      warnings: [],
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
});

test("YaRN, longrope and a factor on cosines and sines are kept beside the scale", () => {
  expect(configOf({ "llama.rope.scaling.type": "yarn", "llama.rope.scaling.factor": 4 })).toMatchObject({
    ropeFreqScale: 0.25,
    ropeScaling: { kind: "yarn", originalTokens: 4096, attnFactor: 1 },
  });
  const longrope = { "llama.rope.scaling.type": "longrope", "llama.rope.scaling.original_context_length": 512 };
  expect(configOf(longrope)).toMatchObject({ ropeScaling: { kind: "longrope", originalTokens: 512, attnFactor: 1 } });
  expect(configOf({ "llama.rope.scaling.attn_factor": 1.5 })).toMatchObject({
    ropeScaling: { kind: "linear", attnFactor: 1.5 },
  });
});

describe("keys that are not read", () => {
  /** Each with its neutral values, and one that is not. */
  const arithmetic: readonly (readonly [name: string, neutral: readonly Value[], other: Value])[] = [
    ["expert_group_count", [0, 0n], 8],
    ["expert_shared_count", [0], 2],
    ["expert_weights_norm", [false], true],
    ["logit_scale", [0, 1], 0.5],
    ["residual_scale", [0, 1], 0.22],
    ["embedding_scale", [0, 1], 12],
    ["attention.scale", [0], 1],
    ["attention.clamp_kqv", [0], 8],
    ["attention.max_alibi_bias", [0], 8],
    ["attention.causal", [true], false],
    ["attention.layer_norm_epsilon", [0], 1e-5],
    ["attention.temperature_scale", [0, 1], 0.1],
    ["attn_logit_softcapping", [0], 50],
    ["final_logit_softcapping", [0], 30],
    ["ssm.state_size", [0], 128],
    ["shortconv.l_cache", [0], 3],
    ["attention.shared_kv_layers", [0], { length: 2 }],
  ];

  test.each(arithmetic)("%s changes the arithmetic: refused unless it is neutral", (name, neutral, other) => {
    const key = `llama.${name}`;
    for (const value of neutral) expect(configOf({ [key]: value }).warnings).toEqual([]);
    for (const value of [other, "text"]) {
      expect(() => configOf({ [key]: value })).toThrow(expect.objectContaining({ code: "E_UNSUPPORTED", field: key }));
    }
  });

  test("any other gives one warning that names it; harmless ones none; those of other prefixes none", () => {
    const { warnings } = configOf({
      "llama.new_trick": 0.5,
      "llama.attention.sliding_window": 4096,
      "llama.attention.sliding_window_pattern": { length: 32 },
      "llama.pooling_type": 1,
      "llama.rope.scaling.finetuned": false,
      "llama.tensor_data_layout": "Meta AI original pth",
      "llama.use_parallel_residual": true,
      "llama2.new_trick": 1,
      "general.new_trick": 1,
    });
    expect(warnings).toEqual([expect.stringContaining("'llama.new_trick' is not read")]);
  });

  test("thousands of them give a few warnings and their number", () => {
    const { warnings } = configOf(Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`llama.k${i}`, i])));
    expect(warnings).toHaveLength(17);
    expect(warnings.at(-1)).toBe("4984 more keys are not read");
  });

  test("are listed, harmless or not", () => {
    const keys = [...Object.keys(llama2), "llama.pooling_type", "llama.new_trick", "llama.logit_scale"];
    expect(unreadKeys(keys, "llama")).toEqual(["llama.pooling_type", "llama.new_trick", "llama.logit_scale"]);
  });
});

describe("refused", () => {
  test.each<[string, Record<string, Value | undefined>, object]>([
    [
      "an unknown architecture",
      { "general.architecture": "mamba" },
      {
        code: "E_UNSUPPORTED",
        field: "general.architecture",
        expected: ARCHITECTURES.map(({ name }) => name).join(", "),
        got: "mamba",
      },
    ],
    ["no architecture", { "general.architecture": undefined }, { code: "E_UNSUPPORTED", got: "nothing" }],
    [
      "other block layouts",
      { "general.quantization_version": 3 },
      { code: "E_UNSUPPORTED", field: "general.quantization_version", expected: 2, got: "3" },
    ],
    [
      "groups of experts",
      { "llama.expert_group_count": 8 },
      { code: "E_UNSUPPORTED", field: "llama.expert_group_count", expected: "0", got: "8" },
    ],
    ["scaled logits", { "llama.logit_scale": 0.5 }, { code: "E_UNSUPPORTED", field: "llama.logit_scale" }],
    [
      "an unknown way to scale positions",
      { "llama.rope.scaling.type": "su" },
      { code: "E_UNSUPPORTED", field: "llama.rope.scaling.type", expected: "none, linear, yarn, longrope", got: "su" },
    ],
    [
      "partial rotation",
      { "llama.rope.dimension_count": 64 },
      { code: "E_UNSUPPORTED", field: "llama.rope.dimension_count", expected: 128, got: "64" },
    ],
    [
      "heads that are not rotated as a whole",
      { "llama.attention.key_length": 256 },
      { code: "E_UNSUPPORTED", field: "llama.rope.dimension_count", expected: 256, got: "128" },
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
    [
      "0 heads",
      { "llama.attention.head_count": 0 },
      { code: "E_HPARAM", field: "llama.attention.head_count", got: "0" },
    ],
    [
      "heads that do not divide",
      { "llama.attention.head_count": 39 },
      { code: "E_HPARAM", field: "llama.attention.head_count" },
    ],
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
    ["2^64 layers", { "llama.block_count": 2n ** 64n }, { code: "E_HPARAM", field: "llama.block_count" }],
    ["no context", { "llama.context_length": 0 }, { code: "E_HPARAM", field: "llama.context_length", got: "0" }],
    ["half a head", { "llama.attention.head_count": 0.5 }, { code: "E_HPARAM", field: "llama.attention.head_count" }],
    ["fewer than no layers", { "llama.block_count": -1 }, { code: "E_HPARAM", field: "llama.block_count" }],
    [
      "a base that is no number",
      { "llama.rope.freq_base": Number.NaN },
      { code: "E_HPARAM", field: "llama.rope.freq_base", expected: "a finite number" },
    ],
    [
      "angles of no size",
      { "llama.rope.scaling.attn_factor": 0 },
      { code: "E_HPARAM", field: "llama.rope.scaling.attn_factor" },
    ],
    [
      "YaRN from no position",
      { "llama.rope.scaling.type": "yarn", "llama.rope.scaling.original_context_length": 0 },
      { code: "E_HPARAM", field: "llama.rope.scaling.original_context_length" },
    ],
    [
      "YaRN with pairs that turn alike",
      { "llama.rope.scaling.type": "yarn", "llama.rope.freq_base": 1 },
      { code: "E_HPARAM", field: "llama.rope.freq_base" },
    ],
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

describe("experts", () => {
  const mixtral = { "llama.expert_count": 8, "llama.expert_used_count": 2 };

  test("of a LLaMA are as large as its feed-forward block", () => {
    const experts = { nExperts: 8, nUsedExperts: 2, nExpertFf: 13824 };
    expect(configOf(mixtral)).toMatchObject({ experts });
    expect(configOf({ "llama.expert_count": 0, "llama.expert_used_count": 2 })).not.toHaveProperty("experts");
  });

  test.each([
    ["more than there are", { "llama.expert_used_count": 9 }],
    ["none", { "llama.expert_used_count": 0 }],
    ["an unknown number", { "llama.expert_used_count": undefined }],
    ["half an expert", { "llama.expert_used_count": 1.5 }],
  ])("of which a token is to have %s", (_, changes) => {
    expect(() => configOf({ ...mixtral, ...changes })).toThrow(
      expect.objectContaining({ code: "E_HPARAM", field: "llama.expert_used_count" }),
    );
  });

  const qwen3moe: Record<string, Value> = {
    ...Object.fromEntries(Object.entries(llama2).map(([key, value]) => [key.replace("llama.", "qwen3moe."), value])),
    "general.architecture": "qwen3moe",
    "qwen3moe.expert_count": 128,
    "qwen3moe.expert_used_count": 8,
    "qwen3moe.expert_weights_scale": 2.5,
  };

  test("of Qwen 3 have a size of their own, or share the block's", () => {
    const experts = { nExperts: 128, nUsedExperts: 8, nExpertFf: 1728 };
    expect(configFromGguf(getterOf(qwen3moe))).toMatchObject({ experts });
    const other = { ...qwen3moe, "qwen3moe.expert_feed_forward_length": 768 };
    expect(configFromGguf(getterOf(other))).toMatchObject({ experts: { ...experts, nExpertFf: 768 } });
    const withoutBlock = { ...other, "qwen3moe.feed_forward_length": undefined };
    expect(configFromGguf(getterOf(withoutBlock))).toMatchObject({ nFf: 768, experts: { nExpertFf: 768 } });
    expect(() => configFromGguf(getterOf({ ...other, "qwen3moe.expert_feed_forward_length": 0 }))).toThrow(
      expect.objectContaining({ field: "qwen3moe.expert_feed_forward_length" }),
    );
    expect(() => configFromGguf(getterOf({ ...qwen3moe, "qwen3moe.expert_count": undefined }))).toThrow(
      expect.objectContaining({ field: "qwen3moe.expert_count" }),
    );
  });
});
