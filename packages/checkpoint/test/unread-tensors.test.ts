// Tensors that a LLaMA has no place for, and weights that are no numbers yet: left out only where that changes nothing.

import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openCheckpoint } from "../src/open-checkpoint.ts";
import { f32s } from "./support/bytes.ts";
import { expectRejected } from "./support/expect-rejected.ts";
import { directoryWith } from "./support/files.ts";
import { safetensorsFile } from "./support/safetensors-writer.ts";
import { CONFIG_JSON, hfTensors, metaTensors } from "./support/tiny-model.ts";
import type { TensorData } from "./support/torch-writer.ts";

const LAYER = "model.layers.0.self_attn";

function open(
  extra: Record<string, TensorData>,
  config: Record<string, unknown> = {},
  without: readonly string[] = [],
) {
  const tensors = hfTensors(metaTensors());
  for (const name of without) tensors.delete(name);
  for (const [name, data] of Object.entries(extra)) tensors.set(name, data);
  const json = JSON.stringify({ ...JSON.parse(CONFIG_JSON), ...config });
  return openCheckpoint(directoryWith({ "model.safetensors": safetensorsFile(tensors), "config.json": json }));
}

const vector = (value: number, n = 16): TensorData => ({
  type: "f32",
  shape: [n],
  bytes: f32s(new Float32Array(n).fill(value)),
});
const matrix = (value: number, rows: number, columns: number): TensorData => ({
  ...vector(value, rows * columns),
  shape: [rows, columns],
});
const bytes = (type: string, shape: number[], size: number): TensorData => ({
  type,
  shape,
  bytes: new Uint8Array(size),
});
const adapter = (b: number): Record<string, TensorData> => ({
  [`${LAYER}.q_proj.lora_A.weight`]: matrix(1, 4, 16),
  [`${LAYER}.q_proj.lora_B.weight`]: matrix(b, 16, 4),
});

describe("left out", () => {
  const rows: readonly (readonly [row: string, extra: Record<string, TensorData>])[] = [
    ["rotary tables", { [`${LAYER}.rotary_emb.inv_freq`]: vector(1, 4), "rope.freqs": vector(1, 4) }],
    ["masks", { [`${LAYER}.masked_bias`]: vector(-1e4, 1), "h.0.attn.bias": bytes("bool", [1, 1, 4, 4], 16) }],
    ["biases of zeros", { [`${LAYER}.q_proj.bias`]: vector(0), "model.layers.1.mlp.up_proj.bias": vector(-0, 64) }],
    ["an adapter whose B is still zero", adapter(0)],
  ];
  it.each(rows)("%s", async (_, extra) => {
    const checkpoint = await open(extra);
    expect(checkpoint.tensors).toHaveLength(21);
    await checkpoint.close();
  });

  it("biases of zeros where the configuration speaks of biases", async () => {
    await (await open({ [`${LAYER}.o_proj.bias`]: vector(0) }, { attention_bias: true })).close();
  });
});

describe("refused", () => {
  const rows: readonly (readonly [row: string, extra: Record<string, TensorData>])[] = [
    ["a bias of q", { [`${LAYER}.q_proj.bias`]: vector(1) }],
    [
      "a bias of which one value is not zero",
      { [`${LAYER}.v_proj.bias`]: { ...vector(0), bytes: f32s([...Array(15).fill(0), 1]) } },
    ],
    ["a bias of the feed-forward layers", { "model.layers.1.mlp.down_proj.bias": vector(1) }],
    ["a bias that has the name of a mask", { [`${LAYER}.attention.bias`]: vector(1) }],
    ["a bias of whole numbers", { [`${LAYER}.q_proj.bias`]: bytes("i32", [16], 64) }],
    ["norms of q and k, even of zeros", { [`${LAYER}.q_norm.weight`]: vector(0, 8) }],
    ["an adapter", adapter(1)],
    ["half of an adapter", { [`${LAYER}.q_proj.lora_A.weight`]: matrix(1, 4, 16) }],
    ["an adapter under its own name", { [`${LAYER}.q_proj.lora_B.default.weight`]: matrix(1, 16, 4) }],
    ["the lengths of DoRA", { [`${LAYER}.q_proj.lora_magnitude_vector`]: vector(1) }],
    ["experts", { "model.layers.0.mlp.experts.0.gate_proj.weight": matrix(1, 64, 16) }],
    ["a norm after a layer", { "model.layers.0.post_feedforward_layernorm.weight": vector(1) }],
    ["attention sinks", { [`${LAYER}.sinks`]: vector(1, 2) }],
    ["a head of another kind", { "score.weight": matrix(1, 2, 16) }],
    ["scales of a quantised matrix", { [`${LAYER}.q_proj.weight_scale`]: vector(1) }],
    ["the largest values of bitsandbytes", { [`${LAYER}.q_proj.SCB`]: vector(1) }],
  ];
  it.each(rows)("%s", async (_, extra) => {
    const error = await expectRejected(() => open(extra), "E_UNKNOWN_TENSOR");
    expect(error.message).toContain("would change what it says");
    expect(error.field).toBe(Object.keys(extra)[0]);
  });

  it("an adapter with the advice to merge it", async () => {
    const merged = /merge the adapter/;
    expect((await expectRejected(() => open(adapter(1)), "E_UNKNOWN_TENSOR")).message).toMatch(merged);
    const tensors = new Map([...hfTensors(metaTensors())].map(([name, data]) => [`base_model.model.${name}`, data]));
    const files = { "model.safetensors": safetensorsFile(tensors), "config.json": CONFIG_JSON };
    const error = await expectRejected(() => openCheckpoint(directoryWith(files)), "E_UNKNOWN_TENSOR");
    expect(error.message).toMatch(merged);
  });

  it("a directory with an adapter, unless the file of the model is named", async () => {
    const files = {
      "model.safetensors": safetensorsFile(hfTensors(metaTensors())),
      "config.json": CONFIG_JSON,
      "adapter_config.json": "{}",
    };
    const directory = directoryWith(files);
    const error = await expectRejected(() => openCheckpoint(directory), "E_INPUT");
    expect(error.message).toContain("holds an adapter");
    await (await openCheckpoint(join(directory, "model.safetensors"))).close();
    await expectRejected(() => openCheckpoint(directoryWith({ "adapter_config.json": "{}" })), "E_INPUT");
  });

  it.each(["attention_bias", "mlp_bias", "bias"])("%s without any bias", async (field) => {
    const error = await expectRejected(() => open({}, { [field]: true }), "E_MISSING_TENSOR");
    expect(error.message).toContain(field);
  });

  it("no output matrix where the configuration says that it is not the embeddings", async () => {
    const without = ["lm_head.weight"];
    await expectRejected(() => open({}, { tie_word_embeddings: false }, without), "E_MISSING_TENSOR");
    for (const config of [{}, { tie_word_embeddings: true }]) {
      const checkpoint = await open({}, config, without);
      expect(checkpoint.warnings.map(({ code }) => code)).toEqual(["tied-output"]);
      await checkpoint.close();
    }
  });
});

describe("weights that are quantised", () => {
  it.each([
    ["i8", [16, 16], 256],
    ["u8", [128, 1], 128],
    ["i32", [16, 16], 1024],
    ["bool", [16, 16], 256],
  ] as const)("dtype %s is refused", async (type, shape, size) => {
    const error = await expectRejected(
      () => open({ [`${LAYER}.q_proj.weight`]: bytes(type, [...shape], size) }),
      "E_DTYPE",
    );
    expect(error.message).toContain(`dtype ${type.toUpperCase()} of tensor "${LAYER}.q_proj.weight"`);
  });

  const refused: readonly (readonly [string, unknown])[] = [
    ["quant_method", { quant_method: "awq", bits: 4 }],
    ["quant_method", { quant_method: "fp8", activation_scheme: "dynamic" }],
    ["quant_method", { quant_method: "compressed-tensors", config_groups: {} }],
    ["quant_method", { quant_method: "hqq" }],
    ["quant_method", { quant_method: "eetq", weights: "int8" }],
    ["quant_method", { quant_method: "auto-round", bits: 4 }],
    ["quant_method", { config_groups: { group_0: {} } }],
    ["bits", { quant_method: "gptq", bits: 8 }],
    ["bits", { quant_method: "gptq", bits: 3 }],
    ["checkpoint_format", { quant_method: "gptq", bits: 4, checkpoint_format: "marlin" }],
    ["is_marlin_format", { bits: 4, is_marlin_format: true }],
  ];
  it.each(refused)("%s of %j is refused by name", async (field, config) => {
    const error = await expectRejected(() => open({}, { quantization_config: config }), "E_UNSUPPORTED");
    expect(error.field).toBe(`quantization_config.${field}`);
    expect(error.hint).toContain("before it was quantised");
  });

  it.each([
    null,
    {},
    // left behind by training on top of a quantised model
    { quant_method: "bitsandbytes", load_in_4bit: true, bnb_4bit_quant_type: "nf4" },
    { load_in_8bit: false, load_in_4bit: false, llm_int8_threshold: null },
  ])("plain weights beside %j are read", async (config) => {
    await (await open({}, { quantization_config: config })).close();
  });
});
