// What each family reads from a file, and what of it is in its forward pass.

import { ARCHITECTURES, type Graph, type Op } from "@ll/architectures";
import { memorySink, memorySource } from "@ll/bytes";
import { describe, expect, test } from "vitest";
import { readSession, restoreSession, writeSession } from "../../../model/src/index.ts";
import {
  configFromGguf,
  createScalarModel,
  type GgufConfig,
  loadModel,
  loadWeights,
  type MetadataGetter,
  type TensorSource,
  unreadKeys,
} from "../../src/index.ts";
import { graphOf } from "../../src/model-graph.ts";
import { ggufSource } from "../support/hand-made.ts";

type Value = number | boolean | string | { readonly length: number; readonly items?: readonly (number | boolean)[] };

/** Families that need no keys besides those of a small model. */
const HAS_SMALL = /^(llama|mistral3|qwen2|qwen3|phi3|smollm3|granite|olmo2|gemma[23])$/;

/** The config of a small model. @param keys without the family's name; undefined takes one away */
function configOf(architecture: string, keys: Record<string, Value | undefined> = {}): GgufConfig {
  const all: Record<string, Value | undefined> = {
    context_length: 512,
    embedding_length: 64,
    block_count: 4,
    feed_forward_length: 96,
    "attention.head_count": 4,
    "attention.head_count_kv": 2,
    "attention.layer_norm_rms_epsilon": 1e-6,
    vocab_size: 90,
    ...keys,
  };
  const present = new Map<string, Value>([["general.architecture", architecture]]);
  for (const [key, value] of Object.entries(all)) if (value !== undefined) present.set(`${architecture}.${key}`, value);
  const getter: MetadataGetter = Object.assign((key: string) => present.get(key), { keys: () => present.keys() });
  return configFromGguf(getter);
}

/** The operations of one kind. @param optional tensors that the file has besides */
function opsOf<K extends Op["kind"]>(config: GgufConfig, kind: K, ...optional: string[]): Extract<Op, { kind: K }>[] {
  const graph: Graph = graphOf(config, { has: (role) => optional.includes(role) });
  return graph.ops.filter((op): op is Extract<Op, { kind: K }> => op.kind === kind);
}

/** With a tensor of one number besides. */
function withTensor(source: TensorSource, name: string): TensorSource {
  const read = async (): Promise<void> => {};
  const tensor = { name, type: "f32", shape: [1], byteLength: 4, read };
  return { names: () => [...source.names(), name], tensor: (of) => (of === name ? tensor : source.tensor(of)) };
}

function expectRefused(architecture: string, keys: Record<string, Value | undefined>, fields: object): void {
  expect(() => configOf(architecture, keys)).toThrow(expect.objectContaining(fields));
}

test.each(ARCHITECTURES.filter(({ name }) => HAS_SMALL.test(name)).map(({ name }) => name))(
  "%s: a file that lies about its number of layers lacks the first tensor behind them",
  async (architecture) => {
    const keys = { logit_scale: architecture === "granite" ? 1 : undefined };
    const source = ggufSource(configOf(architecture, keys));
    const lie = configOf(architecture, { ...keys, block_count: 2 ** 31 - 1 });
    await expect(loadWeights(source, lie)).rejects.toMatchObject({
      code: "E_MISSING_TENSOR",
      field: expect.stringMatching(/^blk\.4\./),
    });
  },
);

test.each(ARCHITECTURES.map(({ name }) => name))("%s: says which keys it does not read", (architecture) => {
  const keys = ["embedding_length", "rope.freq_base", "new_trick"].map((key) => `${architecture}.${key}`);
  expect(unreadKeys(keys, architecture)).toEqual([`${architecture}.new_trick`]);
});

describe("qwen2", () => {
  test("adds a bias to logits if the file has it; one behind attention is a tensor too many", async () => {
    const config = configOf("qwen2");
    expect(opsOf(config, "logits", "output.weight", "output.bias")[0]).toMatchObject({ bias: { shape: [90] } });
    expect(opsOf(config, "logits")[0]).toMatchObject({ bias: undefined, weight: { role: "token_embd.weight" } });
    const source = withTensor(ggufSource(config), "blk.0.attn_output.bias");
    await expect(loadWeights(source, config)).rejects.toMatchObject({
      code: "E_UNKNOWN_TENSOR",
      field: "blk.0.attn_output.bias",
    });
  });

  test("YaRN makes a ramp of pairs and larger angles", () => {
    const yarn = { "rope.scaling.type": "yarn", "rope.scaling.factor": 4, "rope.scaling.original_context_length": 128 };
    const [angles] = opsOf(configOf("qwen2", { ...yarn, "rope.freq_base": 100 }), "angles");
    // 16 · ln(128 / (2π · 32)) / (2 · ln 100) is below 0, with 1 instead of 32 it is 5.2
    expect(angles?.rope).toEqual({
      ...{ nRot: 16, base: 100, scale: 0.25 },
      ...{ magnitude: Math.fround(1 + 0.1 * Math.log(4)), yarn: { low: 0, high: 6 } },
    });
  });

  test("some channels of a head may stay as they are, but no half pair", () => {
    expect(opsOf(configOf("qwen2", { "rope.dimension_count": 8 }), "angles")[0]?.rope.nRot).toBe(8);
    for (const wrong of [7, 0, 18]) {
      expectRefused(
        "qwen2",
        { "rope.dimension_count": wrong },
        { code: "E_HPARAM", expected: "an even number up to 16" },
      );
    }
  });
});

describe("mistral3", () => {
  const yarn = { "rope.scaling.type": "yarn", "rope.scaling.factor": 16, "rope.scaling.original_context_length": 64 };

  test("queries have angles of their own, which grow with the position", () => {
    const config = configOf("mistral3", { ...yarn, "attention.temperature_scale": 0.1 });
    const [keys, queries] = opsOf(config, "angles");
    expect(queries?.rope).toEqual({ ...keys?.rope, temperature: { slope: Math.fround(0.1), span: 64 } });
    expect(opsOf(configOf("mistral3", yarn), "angles")).toHaveLength(1);
  });

  test("the logarithm of the factor may be taken off again", () => {
    const [plain] = opsOf(configOf("mistral3", yarn), "angles");
    expect(plain?.rope.magnitude).toBe(Math.fround(1 + 0.1 * Math.log(16)));
    const [off] = opsOf(configOf("mistral3", { ...yarn, "rope.scaling.yarn_log_multiplier": 1 }), "angles");
    expect(off?.rope.magnitude).toBe(1);
  });

  test("the ramp's ends are the file's", () => {
    const ends = { "rope.scaling.yarn_beta_fast": 4, "rope.scaling.yarn_beta_slow": 2, "rope.freq_base": 100 };
    const [angles] = opsOf(configOf("mistral3", { ...yarn, ...ends }), "angles");
    expect(angles?.rope.yarn).toEqual({ low: 1, high: 3 }); // 1.6 and 2.8
  });

  test.each([
    [{ "rope.scaling.yarn_beta_fast": 0 }, "E_HPARAM", "mistral3.rope.scaling.yarn_beta_fast"],
    [{ "rope.scaling.yarn_beta_slow": -1 }, "E_HPARAM", "mistral3.rope.scaling.yarn_beta_slow"],
    [{ "rope.scaling.yarn_log_multiplier": -1 }, "E_HPARAM", "mistral3.rope.scaling.yarn_log_multiplier"],
    [{ "attention.temperature_scale": "warm" }, "E_HPARAM", "mistral3.attention.temperature_scale"],
    [{ "rope.dimension_count": 8 }, "E_UNSUPPORTED", "mistral3.rope.dimension_count"],
  ])("refuses %o", (keys, code, field) => expectRefused("mistral3", keys, { code, field }));
});

test("phi3: no keys and values pass from a context of one side of the original size to the other", async () => {
  const config = configOf("phi3", { "rope.scaling.original_context_length": 256 });
  const factors = { "rope_factors_short.weight": 1, "rope_factors_long.weight": 2, "blk.0.attn_qkv.weight": 1 };
  const source = ggufSource(config, factors);
  const scalar = createScalarModel(await loadWeights(source, config));
  const team = await loadModel(source, config, { threads: 1 });
  const rng = "5489 0";
  for (const model of [scalar, team]) {
    const [small, large, larger] = [256, 257, 512].map((contextTokens) => model.createContext({ contextTokens }));
    const logits = await (await small!).evaluate([1, 2, 3], 0);
    const sink = memorySink();
    await writeSession(sink, await small!, { tokens: [1, 2, 3], rng, logits });
    const session = await readSession(memorySource(sink.bytes()), await small!);
    await restoreSession(await small!, session);
    await expect(restoreSession(await large!, session)).rejects.toMatchObject({ code: "E_SESSION_MODEL" });
    expect((await small!).fingerprint).toBe(scalar.fingerprint);
    expect((await large!).fingerprint).toBe((await larger!).fingerprint);
    expect((await large!).fingerprint).not.toBe(scalar.fingerprint);
    expect(await (await large!).evaluate([1, 2, 3], 0)).not.toEqual(logits);
  }
  await team.dispose();
});

describe("phi3", () => {
  const factors = ["rope_factors_short.weight", "rope_factors_long.weight"];

  test("divides angles by what the size of the context asks for, if the file has both", async () => {
    const config = configOf("phi3", { "rope.scaling.original_context_length": 256, "rope.scaling.attn_factor": 1.25 });
    const [angles] = opsOf(config, "angles", ...factors);
    expect(angles).toMatchObject({
      rope: { magnitude: 1.25 },
      factors: { role: factors[0], shape: [8] },
      longFactors: { weight: { role: factors[1] }, above: 256 },
    });
    expect(opsOf(config, "angles")[0]).toMatchObject({ factors: undefined, longFactors: undefined });
    // the other one is missing, or this one has another shape
    for (const name of factors) {
      await expect(loadWeights(withTensor(ggufSource(config), name), config)).rejects.toMatchObject({
        code: name === factors[1] ? "E_MISSING_TENSOR" : "E_SHAPE",
        field: factors[0],
      });
    }
  });

  test("takes the whole context for that of the training, and ignores its window", () => {
    const { warnings, ...config } = configOf("phi3", { "attention.sliding_window": 2047 });
    expect(config).toMatchObject({ originalTokens: 512 });
    expect(warnings).toEqual([]);
    for (const op of opsOf({ warnings, ...config }, "attend")) expect(op.window).toBe(undefined);
  });

  test("gates are the first half of one matrix", () => {
    const [, up] = opsOf(configOf("phi3"), "project", "blk.0.attn_qkv.weight").filter(
      ({ products }) => products[0]?.weight.role === "blk.0.ffn_up.weight",
    )[0]!.products;
    expect(up?.weight).toMatchObject({ firstRow: 96, shape: [96, 64], tensorShape: [192, 64] });
  });
});

describe("smollm3", () => {
  test("every fourth layer knows no positions", () => {
    const { ops } = graphOf(configOf("smollm3", { block_count: 8 }), { has: () => false });
    const kinds = ops.map(({ kind }) => kind).filter((kind) => kind === "rope" || kind === "attend");
    const turned = ["rope", "rope", "attend"];
    const four = [...turned, ...turned, ...turned, "attend"];
    expect(kinds).toEqual([...four, ...four]);
  });
});

describe("granite", () => {
  const scales = { embedding_scale: 12, residual_scale: 0.25, "attention.scale": 0.5, logit_scale: 8 };

  test("multiplies embeddings, scores and what blocks add, and divides logits", () => {
    const config = configOf("granite", scales);
    expect(opsOf(config, "scale").map(({ by }) => by)).toEqual([12, ...new Array(8).fill(0.25)]);
    expect(opsOf(config, "attend")[0]?.scale).toBe(0.5);
    expect(opsOf(config, "logits")[0]?.factor).toBe(0.125);
  });

  test("factors of 0 are none", () => {
    const config = configOf("granite", { embedding_scale: 0, residual_scale: 0, "attention.scale": 0, logit_scale: 1 });
    expect(opsOf(config, "scale")).toEqual([]);
    expect(opsOf(config, "attend")[0]?.scale).toBe(0.25); // of heads of 16 channels
  });

  test("knows no positions if the file says so", () => {
    expect(opsOf(configOf("granite", { ...scales, "rope.scaling.finetuned": false }), "rope")).toEqual([]);
    expect(opsOf(configOf("granite", scales), "rope")).toHaveLength(8);
  });

  test.each([
    [{ logit_scale: undefined }, "granite.logit_scale"],
    [{ logit_scale: 0 }, "granite.logit_scale"],
    [{ embedding_scale: Number.POSITIVE_INFINITY }, "granite.embedding_scale"],
    [{ "rope.scaling.finetuned": 1 }, "granite.rope.scaling.finetuned"],
  ])("refuses %o", (keys, field) => expectRefused("granite", { ...scales, ...keys }, { code: "E_HPARAM", field }));
});

describe("granitemoe", () => {
  const keys = { logit_scale: 8, residual_scale: 0.25, expert_count: 4, expert_used_count: 2 };

  test("adds a block for all tokens to the experts', if there is one, before its factor", () => {
    const alone = configOf("granitemoe", keys);
    expect(opsOf(alone, "mix").length).toBe(4);
    expect(opsOf(alone, "add").length).toBe(8);
    const shared = configOf("granitemoe", { ...keys, expert_shared_feed_forward_length: 32 });
    expect(opsOf(shared, "add").length).toBe(12);
    expect(opsOf(shared, "scale").length).toBe(8);
    const roles = opsOf(shared, "project").flatMap(({ products }) => products.map(({ weight }) => weight.role));
    expect(roles).toContain("blk.3.ffn_down_shexp.weight");
  });

  test("experts are as large as the file says of the block", () => {
    const [experts] = opsOf(configOf("granitemoe", keys), "experts");
    expect(experts?.products[0]?.weight.tensorShape).toEqual([4, 96, 64]);
    expectRefused("granitemoe", { ...keys, expert_count: undefined }, { field: "granitemoe.expert_count" });
  });
});

describe("gpt-oss", () => {
  const keys = {
    ...{ expert_count: 8, expert_used_count: 4, expert_feed_forward_length: 32 },
    ...{ "attention.sliding_window": 128, "attention.key_length": 32, "rope.freq_base": 150000 },
  };

  test("every other layer slides; sinks are in all", () => {
    const attended = opsOf(configOf("gpt-oss", keys), "attend");
    expect(attended.map(({ window }) => window)).toEqual([128, undefined, 128, undefined]);
    expect(attended[3]?.sinks).toMatchObject({ role: "blk.3.attn_sinks.weight", shape: [4] });
  });

  test("layers that slide may have angles of their own, which are stretched alike", () => {
    const yarn = { "rope.scaling.type": "yarn", "rope.scaling.factor": 32 };
    const angles = opsOf(configOf("gpt-oss", { ...keys, ...yarn, "rope.freq_base_swa": 10000 }), "angles");
    expect(angles.map(({ rope: { base, scale } }) => [base, scale])).toEqual([
      [150000, 1 / 32],
      [10000, 1 / 32],
    ]);
    expect(opsOf(configOf("gpt-oss", keys), "angles").length).toBe(1);
  });

  test("has no dense block whose size a file must know", () => {
    expect(configOf("gpt-oss", { ...keys, feed_forward_length: undefined }).nFf).toBe(32);
  });

  test("router and experts have biases, and the norm in front of them the name of one behind attention", () => {
    const config = configOf("gpt-oss", keys);
    const [up, down] = opsOf(config, "experts");
    expect(up?.products.map(({ bias }) => bias?.tensorShape)).toEqual([
      [8, 32],
      [8, 32],
    ]);
    expect(down?.products[0]?.bias?.tensorShape).toEqual([8, 64]);
    expect(opsOf(config, "route")[0]).toMatchObject({ scores: "softmax of chosen", nUsed: 4 });
    expect(opsOf(config, "norm")[1]?.weight?.role).toBe("blk.0.post_attention_norm.weight");
  });

  test.each(["attention.sliding_window", "expert_feed_forward_length", "expert_count"])("wants %s", (key) =>
    expectRefused("gpt-oss", { ...keys, [key]: undefined }, { code: "E_HPARAM", field: `gpt-oss.${key}` }),
  );
});

describe("olmo2", () => {
  test("norms all queries together, and what blocks add; the stream is not normed before them", () => {
    const config = configOf("olmo2");
    const norms = opsOf(config, "norm", "output.weight").map(({ weight }) => `${weight?.role} ${weight?.shape}`);
    expect(norms.slice(0, 4)).toEqual([
      "blk.0.attn_q_norm.weight 64",
      "blk.0.attn_k_norm.weight 32",
      "blk.0.post_attention_norm.weight 64",
      "blk.0.post_ffw_norm.weight 64",
    ]);
    expect(norms).toHaveLength(4 * 4 + 1);
  });

  test("in OLMo 3 three of four layers slide, with angles that are not stretched", () => {
    const yarn = { "rope.scaling.type": "yarn", "rope.scaling.factor": 8, "attention.sliding_window": 20 };
    const config = configOf("olmo2", yarn);
    expect(opsOf(config, "attend").map(({ window }) => window)).toEqual([20, 20, 20, undefined]);
    const [full, sliding] = opsOf(config, "angles");
    expect(full?.rope).toMatchObject({ scale: 0.125, yarn: {} });
    expect(sliding?.rope).toEqual({ nRot: 16, base: 10000, scale: 1 });
    expect(opsOf(configOf("olmo2", { ...yarn, "attention.sliding_window": 0 }), "angles")).toHaveLength(1);
  });

  test("has an output matrix and no biases", async () => {
    const config = configOf("olmo2");
    expect(opsOf(config, "logits")[0]?.weight.role).toBe("output.weight");
    await expect(loadWeights(withTensor(ggufSource(config), "blk.0.attn_q.bias"), config)).rejects.toMatchObject({
      code: "E_UNKNOWN_TENSOR",
    });
  });
});

describe("gemma2", () => {
  const windows = (config: GgufConfig): (number | undefined)[] => opsOf(config, "attend").map(({ window }) => window);

  test("has caps, a window and factors if the file does not say so", () => {
    const config = configOf("gemma2");
    expect(windows(config)).toEqual([4096, undefined, 4096, undefined]);
    expect(opsOf(config, "attend")[0]).toMatchObject({ softCap: 50, scale: 0.25 });
    expect(opsOf(config, "logits")[0]).toMatchObject({ softCap: 30, weight: { role: "token_embd.weight" } });
    expect(opsOf(config, "scale").map(({ by }) => by)).toEqual([8]);
    expect(opsOf(config, "gate")[0]?.activation).toBe("gelu");
  });

  test("caps of 0 are none, a window of 0 is none", () => {
    const config = configOf("gemma2", {
      attn_logit_softcapping: 0,
      final_logit_softcapping: 0,
      "attention.sliding_window": 0,
    });
    expect(windows(config)).toEqual([undefined, undefined, undefined, undefined]);
    expect(opsOf(config, "attend")[0]?.softCap).toBe(undefined);
    expect(opsOf(config, "logits")[0]?.softCap).toBe(undefined);
  });

  test("the file may say which layers slide: by a period, or layer by layer", () => {
    const withPattern = (pattern: Value): boolean[] =>
      windows(configOf("gemma2", { "attention.sliding_window_pattern": pattern })).map((window) => window === 4096);
    expect(withPattern(3)).toEqual([true, true, false, true]);
    expect(withPattern(1)).toEqual([false, false, false, false]);
    expect(withPattern(0)).toEqual([true, true, true, true]);
    expect(withPattern({ length: 4, items: [false, true, true, false] })).toEqual([false, true, true, false]);
  });

  test("the largest model divides scores by what a head would have in the stream", () => {
    const largest = { block_count: 46, "attention.key_length": 8 };
    expect(opsOf(configOf("gemma2", largest), "attend")[0]?.scale).toBe(0.25);
    expect(opsOf(configOf("gemma2", { ...largest, block_count: 45 }), "attend")[0]?.scale).toBeCloseTo(8 ** -0.5);
  });

  test.each([
    [{ attn_logit_softcapping: -1 }, "gemma2.attn_logit_softcapping"],
    [{ "rope.freq_base_swa": -1 }, "gemma2.rope.freq_base_swa"],
    [{ final_logit_softcapping: Number.NaN }, "gemma2.final_logit_softcapping"],
    [{ "attention.sliding_window": -4 }, "gemma2.attention.sliding_window"],
    [{ "attention.sliding_window": 2.5 }, "gemma2.attention.sliding_window"],
    [
      { "attention.sliding_window_pattern": { length: 3, items: [true, true, false] } },
      "gemma2.attention.sliding_window_pattern",
    ],
    [
      { block_count: 2 ** 31 - 1, "attention.sliding_window_pattern": { length: 3, items: [true, true, false] } },
      "gemma2.block_count",
    ],
  ])("refuses %o", (keys, field) => expectRefused("gemma2", keys, { code: "E_HPARAM", field }));
});

describe("gemma3", () => {
  test("five of six layers slide, with angles of their own that are not stretched", () => {
    const config = configOf("gemma3", {
      block_count: 6,
      "attention.sliding_window": 512,
      "rope.freq_base": 1e6,
      "rope.scaling.factor": 8,
    });
    expect(opsOf(config, "attend").map(({ window }) => window)).toEqual([512, 512, 512, 512, 512, undefined]);
    const [full, sliding] = opsOf(config, "angles");
    expect(full?.rope).toEqual({ nRot: 16, base: 1e6, scale: 0.125 });
    expect(sliding?.rope).toEqual({ nRot: 16, base: 10000, scale: 1 });
    const ropes = opsOf(config, "rope").map(({ angles }) => angles.id === full?.out.id);
    expect(ropes).toEqual([...new Array(10).fill(false), true, true]);
  });

  test("has no caps and no window unless the file says so; norms heads", () => {
    const config = configOf("gemma3");
    const [attend] = opsOf(config, "attend");
    expect([attend?.window, attend?.softCap]).toEqual([undefined, undefined]);
    const [logits] = opsOf(config, "logits", "output.weight");
    expect([logits?.weight.role, logits?.softCap]).toEqual(["output.weight", undefined]);
    expect(opsOf(configOf("gemma3", { final_logit_softcapping: 30 }), "logits")[0]?.softCap).toBe(30);
    expect(opsOf(config, "norm")[1]?.weight).toMatchObject({ role: "blk.0.attn_q_norm.weight", shape: [16] });
  });
});

describe("gemma4", () => {
  const pattern = { length: 6, items: [true, true, false, true, true, false] };
  const some = {
    block_count: 6,
    "attention.head_count_kv": { length: 6, items: [4, 4, 2, 4, 4, 2] },
    "attention.key_length": 32,
    "attention.value_length": 32,
    "attention.key_length_swa": 16,
    "rope.dimension_count_swa": 16,
    "attention.sliding_window": 8,
    "attention.sliding_window_pattern": pattern,
    embedding_length_per_layer_input: 8,
  };

  test("heads have two sizes, and the last layers look at what the last of their kind before them keeps", () => {
    const config = configOf("gemma4", { ...some, "attention.shared_kv_layers": 3 });
    const { caches } = graphOf(config, { has: () => false });
    expect(caches.map(({ axis, headDim }) => [axis.n, headDim])).toEqual([
      [4, 16],
      [4, 16],
      [2, 32],
    ]);
    const attends = opsOf(config, "attend", "blk.0.attn_v.weight");
    expect(attends.map(({ cache, window, k }) => [cache, window, k !== undefined])).toEqual([
      [0, 8, true],
      [1, 8, true],
      [2, undefined, true],
      [1, 8, false],
      [1, 8, false],
      [2, undefined, false],
    ]);
    const { isUnused } = ARCHITECTURES.find(({ name }) => name === "gemma4")!;
    const names = ["blk.2.attn_k.weight", "blk.3.attn_k.weight", "blk.5.attn_k_norm.weight", "blk.4.attn_q.weight"];
    expect(names.filter((name) => isUnused?.(name, config))).toEqual(names.slice(1, 3));
  });

  test("values without a matrix are the keys before they are normed; no norm of values has a weight", () => {
    const norms = opsOf(configOf("gemma4", some), "norm").filter(({ weight }) => weight === undefined);
    expect(norms.map(({ x, group }) => [x.name, group])).toEqual(
      [16, 16, 32, 16, 16, 32].map((group, i) => [`blk.${i}.attn_k`, group]),
    );
    const slices = opsOf(configOf("gemma4", { ...some, embedding_length_per_layer_input: 0 }), "slice");
    expect(slices.length).toBe(6);
  });

  test("logits are capped at 30 unless the file says otherwise", () => {
    const capOf = (cap?: number) =>
      opsOf(configOf("gemma4", { ...some, final_logit_softcapping: cap }), "logits")[0]?.softCap;
    expect([capOf(), capOf(0), capOf(9)]).toEqual([30, undefined, 9]);
  });

  test.each([
    [{ "attention.shared_kv_layers": 5 }, "gemma4.attention.shared_kv_layers"],
    [{ "attention.shared_kv_layers": 2 }, "gemma4.attention.shared_kv_layers"],
    [{ "attention.key_length_swa": 15 }, "gemma4.attention.key_length_swa"],
    [{ "rope.dimension_count_swa": 18 }, "gemma4.rope.dimension_count_swa"],
    [{ "attention.head_count_kv": 3 }, "gemma4.attention.head_count_kv"],
    [{ feed_forward_length: { length: 6, items: [1, 1, 1, 0, 1, 1] } }, "gemma4.feed_forward_length"],
    [{ "attention.sliding_window_pattern": undefined }, "gemma4.attention.sliding_window_pattern"],
    [{ "attention.sliding_window": undefined }, "gemma4.attention.sliding_window"],
    [{ embedding_length_per_layer_input: undefined }, "gemma4.embedding_length_per_layer_input"],
    [{ block_count: 2 ** 31 - 1 }, "gemma4.block_count"],
  ])("refuses %o", (keys, field) => expectRefused("gemma4", { ...some, ...keys }, { code: "E_HPARAM", field }));
});

describe("lfm2", () => {
  const some = { "shortconv.l_cache": 3, "attention.head_count_kv": { length: 4, items: [0, 2, 0, 4] } };

  test("layers without key heads are convolutions, which keep what they need of two tokens", () => {
    const { caches, states } = graphOf(configOf("lfm2", some), { has: () => false });
    expect(caches.map(({ axis, headDim }) => [axis.n, headDim])).toEqual([
      [2, 16],
      [4, 16],
    ]);
    expect(states.map(({ axis, unitLength }) => axis.n * unitLength)).toEqual([2 * 64, 2 * 64]);
  });

  test("its attention slides if the file says so", () => {
    const windows = (window: number) =>
      opsOf(configOf("lfm2", { ...some, "attention.sliding_window": window }), "attend").map((op) => op.window);
    expect([windows(0), windows(7)]).toEqual([
      [undefined, undefined],
      [7, 7],
    ]);
  });

  test.each([
    [{ "attention.head_count_kv": { length: 4, items: [0, 3, 0, 4] } }, "lfm2.attention.head_count_kv"],
    [{ "attention.head_count_kv": { length: 3, items: [0, 2, 0] } }, "lfm2.attention.head_count_kv"],
    [{ "shortconv.l_cache": 0 }, "lfm2.shortconv.l_cache"],
    [{ block_count: 2 ** 31 - 1 }, "lfm2.block_count"],
  ])("refuses %o", (keys, field) => expectRefused("lfm2", { ...some, ...keys }, { code: "E_HPARAM", field }));

  test("the first layers of lfm2moe have no experts, and a router is of the kind that the file says", () => {
    const experts = { expert_count: 6, expert_used_count: 2, expert_feed_forward_length: 8 };
    const keys = { ...some, ...experts, leading_dense_block_count: 3, expert_gating_func: 1 };
    const routes = opsOf(configOf("lfm2moe", keys), "route", "blk.3.exp_probs_b.bias");
    expect(routes.map(({ scores, bias }) => [scores, bias?.role])).toEqual([["softmax", "blk.3.exp_probs_b.bias"]]);
    const refused = { code: "E_HPARAM", field: "lfm2moe.expert_gating_func" };
    expectRefused("lfm2moe", { ...keys, expert_gating_func: 3 }, refused);
  });
});

describe("qwen35", () => {
  const ssm = { conv_kernel: 4, state_size: 8, group_count: 2, time_step_rank: 6, inner_size: 48 };
  const some = {
    ...Object.fromEntries(Object.entries(ssm).map(([key, n]) => [`ssm.${key}`, n])),
    "rope.dimension_sections": { length: 4, items: [3, 3, 2, 0] },
  };

  test("every fourth layer has attention, the others a delta net for each value head of a key head", () => {
    const config = configOf("qwen35", { ...some, block_count: 5 });
    const { caches, states } = graphOf(config, { has: () => false });
    expect(caches.length).toBe(1);
    const perLayer = [16, 16, 16, 16, 16].map((channels) => 3 * channels); // convolutions of q, k and three values
    const nets = [64, 64, 64].map((n) => 2 * n);
    const lengths = states.map(({ axis, unitLength }) => axis.n * unitLength);
    expect(lengths).toEqual(Array.from({ length: 4 }, () => [...perLayer, ...nets]).flat());
  });

  test("a list says otherwise, and the last layers may draft: they and their tensors are passed over", () => {
    const list = { length: 4, items: [false, true, false, true] };
    const config = configOf("qwen35", { ...some, "attention.recurrent_layers": list, nextn_predict_layers: 1 });
    expect(config.nLayers).toBe(3);
    expect(opsOf(config, "attend").map(({ cache }) => cache)).toEqual([0, 1]);
    const { isUnused } = ARCHITECTURES.find(({ name }) => name === "qwen35")!;
    const names = ["blk.2.attn_norm.weight", "blk.3.nextn.eh_proj.weight", "output_norm.weight", "blk.x.a"];
    expect(names.filter((name) => isUnused?.(name, config))).toEqual(["blk.3.nextn.eh_proj.weight"]);
  });

  test.each([
    [{ "ssm.time_step_rank": 5 }, "E_HPARAM", "qwen35.ssm.time_step_rank"],
    [{ "ssm.group_count": 0 }, "E_HPARAM", "qwen35.ssm.group_count"],
    [{ "ssm.conv_kernel": 0 }, "E_HPARAM", "qwen35.ssm.conv_kernel"],
    [{ "ssm.inner_size": undefined }, "E_HPARAM", "qwen35.ssm.inner_size"],
    [{ "ssm.inner_size": 40 }, "E_UNSUPPORTED", "qwen35.ssm.inner_size"],
    [{ nextn_predict_layers: 4 }, "E_HPARAM", "qwen35.nextn_predict_layers"],
    [{ "rope.dimension_sections": undefined }, "E_HPARAM", "qwen35.rope.dimension_sections"],
  ])("refuses %o", (keys, code, field) => expectRefused("qwen35", { ...some, ...keys }, { code, field }));
});

describe("qwen3vl", () => {
  const sections = { "rope.dimension_sections": { length: 4, items: [3, 3, 2, 0] } };

  test("is qwen3, but for the pairs that turn", () => {
    const config = configOf("qwen3vl", { ...sections, n_deepstack_layers: 3 });
    expect(config.warnings).toEqual([]);
    const [plain, seeing] = [configOf("qwen3"), config].map((of) => graphOf(of, { has: () => false }));
    expect(seeing?.ops.map(({ kind }) => kind)).toEqual(plain?.ops.map(({ kind }) => kind));
    expect(opsOf(config, "angles")[0]?.rope).toEqual({ nRot: 16, base: 10000, scale: 1, sections: [3, 3, 2, 0] });
  });

  test("wants to know them", () => {
    const field = "qwen3vl.rope.dimension_sections";
    for (const items of [undefined, [0, 0, 0, 0], [3, 3]]) {
      const value = items === undefined ? items : { length: items.length, items };
      expectRefused("qwen3vl", { "rope.dimension_sections": value }, { code: "E_HPARAM", field });
    }
  });
});
