// Bad-input corpus, params.json and config.json (CF): rows marked + must open, the others must be refused with a complete error.

import { type BudgetOptions, type ByteSource, memorySource } from "@ll/bytes";
import { describe, expect, it } from "vitest";
import { countingBudget, expectWithinPromise } from "../../../tools/parser-cost.ts";
import type { DeclaredParams } from "../src/declared-params.ts";
import { readHfConfig } from "../src/hf-config.ts";
import { readMetaParams } from "../src/meta-params.ts";
import { openCheckpoint } from "../src/open-checkpoint.ts";
import { readAddedTokens } from "../src/tokenizer-config.ts";
import { concat } from "./support/bytes.ts";
import { expectRejected } from "./support/expect-rejected.ts";
import { directoryWith } from "./support/files.ts";
import { safetensorsFile } from "./support/safetensors-writer.ts";
import { CONFIG_JSON, hfTensors, metaTensors, PARAMS_JSON } from "./support/tiny-model.ts";
import { torchFile } from "./support/torch-writer.ts";

const source = (json: string | Uint8Array, name: string) =>
  memorySource(typeof json === "string" ? concat(json) : json, name);

type Reader = (source: ByteSource, options: BudgetOptions) => Promise<DeclaredParams>;

/** Reads a file of that name, and asserts what it cost. */
function readWith(read: Reader, json: string | Uint8Array, name: string): Promise<DeclaredParams> {
  const file = source(json, name);
  const budget = countingBudget();
  return read(file, { budget }).finally(() => expectWithinPromise(budget, file.byteLength));
}
const meta = (json: string | Uint8Array) => readWith(readMetaParams, json, "params.json");
const hf = (json: string | Uint8Array) => readWith(readHfConfig, json, "config.json");
const metaWith = (field: string, value: string) => meta(replaced(PARAMS_JSON, field, value));
const hfWith = (field: string, value: string) => hf(replaced(CONFIG_JSON, field, value));

/** The JSON text with one value exchanged, or the member added. */
function replaced(json: string, field: string, value: string): string {
  const member = new RegExp(`"${field}":\\s*("[^"]*"|[^,}]*)`);
  return member.test(json)
    ? json.replace(member, `"${field}": ${value}`)
    : json.replace("{", `{"${field}": ${value}, `);
}

describe("text that is no configuration", () => {
  const utf16 = new Uint8Array(Uint16Array.from(`\ufeff${PARAMS_JSON}`, (character) => character.charCodeAt(0)).buffer);
  const rows: readonly (readonly [row: string, json: string | Uint8Array, code: string])[] = [
    ["CF01 no bytes", "", "E_JSON"],
    ["CF01 white space", " \n", "E_JSON"],
    ["CF01 half a byte order mark", concat([0xef, 0xbb], PARAMS_JSON), "E_JSON"],
    ["CF01 UTF-16", utf16, "E_JSON"],
    ["CF01 a comment", PARAMS_JSON.replace("{", "{ // sizes\n"), "E_JSON"],
    ["CF01 NaN", PARAMS_JSON.replace("1e-05", "NaN"), "E_JSON"],
    ["CF01 an array", "[1]", "E_JSON"],
    ["CF01 cut short", PARAMS_JSON.slice(0, -1), "E_JSON"],
    ["CF01 two objects", PARAMS_JSON + PARAMS_JSON, "E_JSON"],
    ["CF01 bad bytes in a text", concat('{"a": "', [0xff], '"}'), "E_UTF8"],
    ["CF05 duplicate key", PARAMS_JSON.replace("{", '{"dim": 16, '), "E_DUP"],
    ["CF05 __proto__", PARAMS_JSON.replace("{", '{"__proto__": {"polluted": true}, '), "E_FIELD"],
    [
      "CF05 constructor.prototype",
      PARAMS_JSON.replace("{", '{"constructor": {"prototype": {"polluted": 1}}, '),
      "E_FIELD",
    ],
    ["CF06 depth 10^5", PARAMS_JSON.replace("{", `{"x": ${"[".repeat(100_000)}`), "E_LIMIT"],
    ["CF06 depth 10^5 in objects", PARAMS_JSON.replace("{", `{"x": ${'{"a":'.repeat(100_000)}`), "E_LIMIT"],
  ];
  it.each(rows)("%s", async (_, json, code) => {
    await expectRejected(() => meta(json), code);
    await expectRejected(() => hf(json), code);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it("CF01 gives line and column", async () => {
    const error = await expectRejected(() => meta('{"dim": 16,\n  "n_heads": x}'), "E_JSON");
    expect(error.message).toContain("line 2, column 14");
    expect(error.offset).toBe(25);
  });

  it("CF06 100 MB are not even read", async () => {
    let bytesRead = 0;
    const huge = { name: "params.json", byteLength: 100e6, read: async () => void bytesRead++ };
    await expectRejected(() => readMetaParams(huge), "E_LIMIT");
    await expectRejected(() => readHfConfig(huge), "E_LIMIT");
    await expectRejected(() => readAddedTokens(huge), "E_LIMIT");
    expect(bytesRead).toBe(0);
  });

  it("CF06 + unknown values may nest 60 deep", async () => {
    const params = await metaWith("x", `${"[".repeat(60)}${"]".repeat(60)}`);
    expect(params.unknownFields).toEqual(["x"]);
  });
});

describe("values", () => {
  const numbers = [
    '"4096"',
    "4096.5",
    "0",
    "-1",
    "null",
    "1e308",
    "9007199254740993",
    "true",
    "[16]",
    "{}",
    "1e2",
    "4294967296",
  ];
  it.each(numbers)("CF02 dim %s", async (value) => {
    await expectRejected(() => metaWith("dim", value), "E_FIELD");
    await expectRejected(() => hfWith("hidden_size", value), "E_FIELD");
  });

  const metaRows: readonly (readonly [field: string, value: string, code: string])[] = [
    ["n_heads", "0", "E_HPARAM"],
    ["n_heads", "3", "E_HPARAM"],
    ["n_heads", "null", "E_FIELD"],
    ["n_kv_heads", "0", "E_HPARAM"],
    ["n_kv_heads", "3", "E_HPARAM"],
    ["n_layers", "0", "E_HPARAM"],
    ["n_layers", '"2"', "E_FIELD"],
    ["multiple_of", "0", "E_HPARAM"],
    ["multiple_of", "-32", "E_HPARAM"],
    ["norm_eps", "0", "E_HPARAM"],
    ["norm_eps", "-1", "E_HPARAM"],
    ["norm_eps", "1e999", "E_HPARAM"],
    ["norm_eps", '"1e-5"', "E_FIELD"],
    ["rope_theta", "-10000", "E_HPARAM"],
    ["ffn_dim_multiplier", "0", "E_HPARAM"],
    ["vocab_size", "-2", "E_FIELD"],
    ["vocab_size", "1.5", "E_FIELD"],
    ["head_dim", "4", "E_UNSUPPORTED"],
    ["use_scaled_rope", "true", "E_UNSUPPORTED"],
    ["rope_scaling_factor", "8", "E_UNSUPPORTED"],
    ["quantization_args", '{"scheme": "int8"}', "E_UNSUPPORTED"],
    ["lora_args", '{"rank": 16}', "E_UNSUPPORTED"],
    ["moe", '{"num_experts": 8}', "E_UNSUPPORTED"],
    ["sliding_window", '"16"', "E_FIELD"],
  ];
  it.each(metaRows)("CF03 params.json %s %s", async (field, value, code) => {
    await expectRejected(() => metaWith(field, value), code);
  });

  it.each(["dim", "n_heads", "n_layers"])("CF02 params.json without %s", async (field) => {
    await expectRejected(() => meta(PARAMS_JSON.replace(`"${field}"`, '"other"')), "E_FIELD");
  });

  const hfRows: readonly (readonly [row: string, field: string, value: string, code: string])[] = [
    ["CF03", "num_attention_heads", "0", "E_HPARAM"],
    ["CF03", "num_attention_heads", "3", "E_HPARAM"],
    ["CF03", "num_key_value_heads", "3", "E_HPARAM"],
    ["CF03", "rms_norm_eps", "0", "E_HPARAM"],
    ["CF03", "vocab_size", "0", "E_FIELD"],
    ["CF03", "head_dim", "4", "E_UNSUPPORTED"],
    ["CF07", "model_type", '"gpt2"', "E_UNSUPPORTED"],
    ["CF07", "model_type", "1", "E_FIELD"],
    ["CF07", "architectures", '["MixtralForCausalLM"]', "E_UNSUPPORTED"],
    ["CF07", "architectures", '"LlamaForCausalLM"', "E_FIELD"],
    ["CF07", "hidden_act", '"gelu"', "E_UNSUPPORTED"],
    ["CF07", "rope_scaling", '{"type": "yarn", "factor": 2}', "E_UNSUPPORTED"],
    ["CF07", "rope_scaling", '{"type": "linear"}', "E_UNSUPPORTED"],
    ["CF07", "rope_scaling", '{"rope_type": "llama3", "factor": 8}', "E_UNSUPPORTED"],
    ["CF07", "rope_scaling", '{"type": "linear", "factor": 0}', "E_HPARAM"],
    ["CF07", "rope_scaling", "2", "E_FIELD"],
    ["CF07", "partial_rotary_factor", "0.5", "E_UNSUPPORTED"],
    ["CF07", "rotary_pct", "0.25", "E_UNSUPPORTED"],
    ["CF07", "hidden_activation", '"gelu_pytorch_tanh"', "E_UNSUPPORTED"],
    ["CF07", "layer_types", '["full_attention", "sliding_attention"]', "E_UNSUPPORTED"],
    ["CF07", "attention_bias", '"yes"', "E_FIELD"],
    ["CF07", "embedding_multiplier", "12", "E_UNSUPPORTED"],
    ["CF07", "residual_multiplier", "0.22", "E_UNSUPPORTED"],
    ["CF07", "logits_scaling", "8", "E_UNSUPPORTED"],
    ["CF07", "logit_scale", "0.0625", "E_UNSUPPORTED"],
    ["CF07", "attention_multiplier", "0.015", "E_UNSUPPORTED"],
    ["CF07", "query_pre_attn_scalar", "256", "E_UNSUPPORTED"],
    ["CF07", "attn_logit_softcapping", "50", "E_UNSUPPORTED"],
    ["CF07", "final_logit_softcapping", "30", "E_UNSUPPORTED"],
    ["CF07", "clip_qkv", "8", "E_UNSUPPORTED"],
    ["CF07", "is_causal", "false", "E_UNSUPPORTED"],
    ["CF07", "eos_token_id", '"2"', "E_FIELD"],
  ];
  it.each(hfRows)("%s config.json %s %s", async (_, field, value, code) => {
    await expectRejected(() => hfWith(field, value), code);
  });

  it.each(["hidden_size", "intermediate_size", "num_attention_heads", "num_hidden_layers", "vocab_size"])(
    "CF02 config.json without %s",
    async (field) => {
      await expectRejected(() => hf(CONFIG_JSON.replace(`"${field}"`, '"other"')), "E_FIELD");
    },
  );

  it("CF04 + vocab_size -1 leaves the size to the tensors", async () => {
    expect(await metaWith("vocab_size", "-1")).not.toHaveProperty("nVocab");
    expect(await metaWith("vocab_size", "10")).toHaveProperty("nVocab", 10);
  });

  it("CF07 + unknown members of rope_scaling are skipped unread", async () => {
    const scaling = '{"type": "linear", "factor": 2, "other": [{}]}';
    expect(await hfWith("rope_scaling", scaling)).toHaveProperty("ropeFreqScale", 0.5);
  });

  it("CF07 + code and templates are skipped unread", async () => {
    const template = JSON.stringify("{{ ''.__class__.__mro__[1].__subclasses__() }}");
    const json = CONFIG_JSON.replace(
      "{",
      `{"auto_map": {"AutoModel": "evil.Model"}, "trust_remote_code": true, "chat_template": ${template}, `,
    );
    expect(await hf(json)).toEqual(await hf(CONFIG_JSON));
  });

  it("+ what a ggml file has no place for is kept", async () => {
    const json = CONFIG_JSON.replace(
      "{",
      '{"num_key_value_heads": 1, "rope_theta": 1e6, "rope_scaling": {"type": "linear", "factor": 4.0}, "max_position_embeddings": 4096, ',
    );
    expect(await hf(json)).toMatchObject({
      nHeads: 2,
      nKvHeads: 1,
      normEps: 1e-5,
      ropeFreqBase: 1e6,
      ropeFreqScale: 0.25,
      contextTokens: 4096,
    });
    const params = PARAMS_JSON.replace(
      "{",
      '{"n_kv_heads": 1, "rope_theta": 500000.0, "ffn_dim_multiplier": 1.3, "use_cache": true, ',
    );
    expect(await meta(params)).toMatchObject({
      nKvHeads: 1,
      ropeFreqBase: 500000,
      ffnDimMultiplier: 1.3,
      normEps: 1e-5,
      unknownFields: ["use_cache"],
    });
  });

  it("+ values of its relatives at which they compute the same are skipped", async () => {
    const json = CONFIG_JSON.replace(
      "{",
      `{"embedding_multiplier": 1.0, "logit_scale": 1, "clip_qkv": null, "attn_logit_softcapping": 0, "is_causal": true,
        "hidden_act": "swish", "partial_rotary_factor": 1.0, "layer_types": ["full_attention", "full_attention"],
        "sliding_window": 2048, "quantization_config": {}, `,
    );
    expect(await hf(json)).toEqual(await hf(CONFIG_JSON));
    const unused = CONFIG_JSON.replace("{", '{"sliding_window": 16, "use_sliding_window": false, ');
    expect(await hf(unused)).toEqual(await hf(CONFIG_JSON));
    for (const window of ["0", "-1", "null"]) {
      expect(await hfWith("sliding_window", window)).toEqual(await hf(CONFIG_JSON));
      expect(await metaWith("sliding_window", window)).toEqual(await meta(PARAMS_JSON));
    }
  });

  it("+ a window of all layers that is shorter than the context is not read, and said", async () => {
    const unknownFields = ["sliding_window (texts of up to 16 tokens are exact)"];
    expect(await hfWith("sliding_window", "16")).toMatchObject({ unknownFields });
    expect(await metaWith("sliding_window", "16")).toMatchObject({ unknownFields });
  });

  it("CF07 Baichuan computes as a LLaMA does in its first model of 7B only", async () => {
    const json = CONFIG_JSON.replace('"llama"', '"baichuan"');
    expect(await hf(json)).toEqual(await hf(CONFIG_JSON));
    await expectRejected(() => hf(replaced(json, "num_hidden_layers", "40")), "E_UNSUPPORTED");
    await expectRejected(() => hf(replaced(json, "vocab_size", "125696")), "E_UNSUPPORTED");
  });

  it("+ tokens that begin and end a text are read, one or several", async () => {
    expect(await hfWith("eos_token_id", "13")).toMatchObject({ eosIds: [13] });
    expect(await hfWith("eos_token_id", "[4, null, 9]")).toMatchObject({ eosIds: [4, 9] });
    expect(await hfWith("eos_token_id", "-1")).toMatchObject({ eosIds: [] });
    expect(await hfWith("bos_token_id", "5")).toMatchObject({ bosId: 5 });
  });

  it("+ null stands for nothing", async () => {
    const json = CONFIG_JSON.replace(
      "{",
      '{"rope_scaling": null, "num_key_value_heads": null, "architectures": null, ',
    );
    expect(await hf(json)).toEqual(await hf(CONFIG_JSON));
  });
});

describe("CF08 a configuration of another model", () => {
  const pth = torchFile(metaTensors());
  const safetensors = safetensorsFile(hfTensors(metaTensors()));
  const openMeta = (json: string) => openCheckpoint(directoryWith({ "consolidated.00.pth": pth, "params.json": json }));
  const openHf = (json: string) =>
    openCheckpoint(directoryWith({ "model.safetensors": safetensors, "config.json": json }));

  it.each([
    ["dim", "24"],
    ["n_layers", "1"],
    ["n_layers", "3"],
    ["multiple_of", "256"],
    ["n_kv_heads", "1"],
    ["vocab_size", "11"],
    ["hidden_dim", "96"],
    ["ffn_dim_multiplier", "4"],
  ])("params.json %s %s", async (field, value) => {
    await expectRejected(() => openMeta(replaced(PARAMS_JSON, field, value)), "E_SHAPE");
  });

  it.each([
    ["hidden_size", "24"],
    ["intermediate_size", "96"],
    ["num_hidden_layers", "3"],
    ["num_key_value_heads", "1"],
    ["vocab_size", "9"],
  ])("config.json %s %s", async (field, value) => {
    await expectRejected(() => openHf(replaced(CONFIG_JSON, field, value)), "E_SHAPE");
  });

  it.each(["norm.weight", "output.weight", "layers.1.feed_forward.w2.weight"])(
    "a %s of another shape",
    async (name) => {
      const tensors = metaTensors();
      const data = tensors.get(name)!;
      const flat = { ...data, shape: [data.bytes.length / 4, 1, 1].slice(0, 3) };
      const model = directoryWith({
        "consolidated.00.pth": torchFile(tensors.set(name, flat)),
        "params.json": PARAMS_JSON,
      });
      await expectRejected(() => openCheckpoint(model), "E_SHAPE");
    },
  );

  it.each([[[10, 4, 4]], [[160]], [[0, 16]], [[16, 0]]])("embeddings of the shape %j", async (shape) => {
    const bytes = new Uint8Array(shape.reduce((product, size) => product * size, 4));
    const tensors = metaTensors().set("tok_embeddings.weight", { type: "f32", shape, bytes });
    const model = directoryWith({ "consolidated.00.pth": torchFile(tensors), "params.json": PARAMS_JSON });
    await expectRejected(() => openCheckpoint(model), "E_SHAPE");
  });

  it.each(["norm.weight", "layers.1.attention.wq.weight", "layers.0.feed_forward.w1.weight"])("no %s", async (name) => {
    const tensors = metaTensors();
    tensors.delete(name);
    const model = directoryWith({ "consolidated.00.pth": torchFile(tensors), "params.json": PARAMS_JSON });
    await expectRejected(() => openCheckpoint(model), "E_MISSING_TENSOR");
  });
});
