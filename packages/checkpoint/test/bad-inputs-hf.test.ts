// Bad-input corpus, config.json and tensors of Hugging Face directories that become GGUF: rows marked + must open.

import { memorySource, type SourceTensor } from "@ll/bytes";
import { describe, expect, test } from "vitest";
import { countingBudget, expectWithinPromise } from "../../../tools/parser-cost.ts";
import { openHfModel } from "../src/hf-model.ts";
import { isCheckpointError } from "../src/index.ts";
import { type JsonObject, readJsonObject } from "../src/json-tree.ts";

const CONFIG = {
  architectures: ["Qwen3ForCausalLM"],
  model_type: "qwen3",
  hidden_size: 64,
  num_attention_heads: 4,
  hidden_act: "silu",
};

function tensor(name: string, type = "bf16", shape: readonly number[] = [2, 2], bytes?: Uint8Array): SourceTensor {
  const nBytes = shape.reduce((a, b) => a * b, 1) * (type === "f32" ? 4 : type === "bf16" ? 2 : 1);
  const source = memorySource(bytes ?? new Uint8Array(nBytes), name);
  return { name, type, shape, byteLength: nBytes, read: (offset, target) => source.read(offset, target) };
}

async function parsed(text: string): Promise<JsonObject> {
  const budget = countingBudget();
  const source = memorySource(new TextEncoder().encode(text), "config.json");
  return readJsonObject(source, { budget }).finally(() => expectWithinPromise(budget, source.byteLength));
}

async function open(config: object, ...tensors: readonly SourceTensor[]) {
  const part = { file: "model.safetensors", tensors: new Map(tensors.map((one) => [one.name, one])) };
  return openHfModel({ configFile: "config.json", config: await parsed(JSON.stringify(config)), parts: [part] });
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return isCheckpointError(error) ? `${error.code} ${error.field}` : String(error);
}

test.each(["hidden_size", "num_attention_heads", "num_key_value_heads", "head_dim", "num_hidden_layers"])(
  "%s of none, and of more than any model has",
  async (name) => {
    for (const size of [0, 2 ** 31]) {
      expect(await codeOf(open({ ...CONFIG, [name]: size }, tensor("model.norm.weight")))).toBe(
        `E_UNSUPPORTED ${name}`,
      );
    }
  },
);

describe("config.json", () => {
  test.each<[string, object, string]>([
    ["no class", { architectures: [] }, "E_UNSUPPORTED architectures"],
    ["another class", { architectures: ["GPT2LMHeadModel"] }, "E_UNSUPPORTED architectures"],
    ["a class that is no text", { architectures: [7] }, "E_UNSUPPORTED architectures"],
    ["another activation", { hidden_act: "relu" }, "E_UNSUPPORTED hidden_act"],
    ["a factor of another family", { embedding_multiplier: 12 }, "E_UNSUPPORTED embedding_multiplier"],
    ["both directions", { is_causal: false }, "E_UNSUPPORTED is_causal"],
    ["awq", { quantization_config: { quant_method: "awq" } }, "E_UNSUPPORTED quantization_config"],
    ["mxfp4 elsewhere", { quantization_config: { quant_method: "mxfp4" } }, "E_UNSUPPORTED quantization_config"],
    [
      "blocks of nothing",
      { quantization_config: { quant_method: "fp8", weight_block_size: [0, 1] } },
      "E_UNSUPPORTED quantization_config.weight_block_size",
    ],
    ["a list in place of an object", { quantization_config: [1] }, "E_FIELD quantization_config"],
  ])("%s", async (_, config, expected) => {
    expect(await codeOf(open({ ...CONFIG, ...config }))).toBe(expected);
  });

  test.each<[string, object]>([
    ["null is nothing", { embedding_multiplier: null, quantization_config: null, hidden_act: null }],
    ["neutral values", { embedding_multiplier: 1, is_causal: true }],
  ])("+ %s", async (_, config) => {
    expect((await open({ ...CONFIG, ...config })).architecture.name).toBe("qwen3");
  });

  test.each([
    ["[]", "E_JSON json"],
    ['{"a":1,"a":2}', "E_DUP a"],
    ['{"__proto__":1}', "E_FIELD __proto__"],
    ['{"a":', "E_JSON json"],
    [`${'{"a":'.repeat(100)}1${"}".repeat(100)}`, "E_LIMIT json"],
  ])("%s", async (text, expected) => {
    expect(await codeOf(parsed(text))).toBe(expected);
  });

  test("values are asked for by their types", async () => {
    const { config } = await open({ ...CONFIG, a: -1, b: 1.5, c: [1, "x"], d: "text", rope_scaling: { factor: "x" } });
    expect(() => config.count("a")).toThrow("whole number");
    expect(() => config.count("b")).toThrow("whole number");
    expect(() => config.numbers("c")).toThrow("numbers");
    expect(() => config.float("d")).toThrow("a number");
    expect(() => config.count("none")).toThrow('"none" is missing');
    expect(() => config.object("rope_scaling")?.float("factor")).toThrow("rope_scaling.factor");
  });
});

describe("tensors", () => {
  test("+ names that programs of training wrap, and encoders of pictures", async () => {
    const { tensors } = await open(
      CONFIG,
      tensor("module._orig_mod.model.norm.weight"),
      tensor("base_model.model.model.layers.0.self_attn.q_proj.base_layer.weight"),
      tensor("model.visual.merger.weight"),
      tensor("model.layers.0.self_attn.rotary_emb.inv_freq"),
    );
    const names = tensors.map(({ name }) => name);
    expect(names).toEqual(["model.layers.0.self_attn.q_proj.weight", "model.norm.weight"]);
  });

  test("one that comes twice", async () => {
    const twice = open(CONFIG, tensor("model.norm.weight"), tensor("module.model.norm.weight"));
    expect(await codeOf(twice)).toBe("E_SHARD module.model.norm.weight");
  });

  test("an adapter that is not merged; + one that adds nothing", async () => {
    const a = tensor(
      "model.layers.0.self_attn.q_proj.lora_A.weight",
      "bf16",
      [2, 2],
      Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 1),
    );
    const zero = tensor("model.layers.0.self_attn.q_proj.lora_B.weight");
    const b = tensor(
      "model.layers.0.self_attn.q_proj.lora_B.weight",
      "bf16",
      [2, 2],
      Uint8Array.of(0, 1, 0, 0, 0, 0, 0, 0),
    );
    expect((await open(CONFIG, a, zero)).tensors).toEqual([]);
    expect(await codeOf(open(CONFIG, a, b))).toContain("E_UNKNOWN_TENSOR");
  });

  test("8 bits with scales of blocks", async () => {
    const quantization_config = { quant_method: "fp8", weight_block_size: [2, 2] };
    const weight = tensor(
      "model.layers.0.mlp.up_proj.weight",
      "f8_e4m3",
      [3, 3],
      Uint8Array.of(0x38, 0x40, 0xb8, 0x01, 0x7e, 0, 0x38, 0x38, 0x38),
    );
    const scales = new Uint8Array(Float32Array.of(2, 4, 8, 0.5).buffer);
    const scale = tensor("model.layers.0.mlp.up_proj.weight_scale_inv", "f32", [2, 2], scales);
    const { tensors } = await open({ ...CONFIG, quantization_config }, weight, scale);
    const values = new Float32Array(9);
    await tensors[0]?.read(0, new Uint8Array(values.buffer));
    expect([...values]).toEqual([2, 4, -4, 2 / 512, 896, 0, 8, 8, 0.5]);
    expect(tensors.length).toBe(1);
    expect(await codeOf(open(CONFIG, weight))).toBe("E_DTYPE model.layers.0.mlp.up_proj.weight");
    expect(await codeOf(open({ ...CONFIG, quantization_config }, weight))).toBe(
      "E_DTYPE model.layers.0.mlp.up_proj.weight",
    );
    const wrong = tensor("model.layers.0.mlp.up_proj.weight_scale_inv", "f32", [3, 1]);
    expect(await codeOf(open({ ...CONFIG, quantization_config }, weight, wrong))).toBe(
      "E_SHAPE model.layers.0.mlp.up_proj.weight_scale_inv",
    );
  });
});
