// Models whose tokens go to a few of many experts, on random weights: what both engines must agree on whatever they hold, and how much memory
// they take.

import { packRows, rowBytes } from "@ll/quant";
import { describe, expect, test } from "vitest";
import {
  configFromGguf,
  createScalarModel,
  loadWeights,
  type ModelConfig,
  modelMemory,
  type SourceTensor,
  type TensorSource,
} from "../src/index.ts";
import { ggufSource, logitsInBatches, randomValues } from "./support/hand-made.ts";
import { loadForTest } from "./team/support/engines.ts";

const TOKENS = [1, 5, 9, 33, 7, 2, 88, 41, 3, 9, 9, 60];

function configOf(nExperts: number, nUsed: number): ModelConfig {
  const keys = new Map<string, number | string>([
    ["general.architecture", "qwen3moe"],
    ["qwen3moe.context_length", 512],
    ["qwen3moe.embedding_length", 256],
    ["qwen3moe.block_count", 2],
    ["qwen3moe.feed_forward_length", 512],
    ["qwen3moe.expert_feed_forward_length", 256],
    ["qwen3moe.expert_count", nExperts],
    ["qwen3moe.expert_used_count", nUsed],
    ["qwen3moe.attention.head_count", 4],
    ["qwen3moe.attention.head_count_kv", 2],
    ["qwen3moe.attention.layer_norm_rms_epsilon", 1e-6],
    ["qwen3moe.vocab_size", 90],
  ]);
  return configFromGguf(Object.assign((key: string) => keys.get(key), { keys: () => keys.keys() }));
}

/** Some tensors with other bytes. */
function withTensors(
  source: TensorSource,
  change: (tensor: SourceTensor) => { type: string; data: Uint8Array } | undefined,
): TensorSource {
  const changed = new Map<string, SourceTensor>();
  for (const name of source.names()) {
    const tensor = source.tensor(name)!;
    const { type, data } = change(tensor) ?? {};
    if (type === undefined || data === undefined) continue;
    const read = async (offset: number, target: Uint8Array): Promise<void> =>
      target.set(data.subarray(offset, offset + target.length));
    changed.set(name, { ...tensor, name, type, byteLength: data.length, read });
  }
  return { names: () => source.names(), tensor: (name) => changed.get(name) ?? source.tensor(name) };
}

/** Experts of a type, random. */
function expertsOf(type: string, source: TensorSource): TensorSource {
  return withTensors(source, ({ name, shape }) => {
    if (!name.includes("_exps")) return undefined;
    const n = shape.reduce((product, size) => product * size, 1);
    if (type !== "mxfp4") return { type, data: packRows(type as "q4_0", randomValues(name.length, n)) };
    const data = Uint8Array.from(randomValues(name.length, rowBytes(type, n)), (x) => 256 * (x + 0.5));
    for (let block = 0; block < data.length; block += 17) data[block] = 124; // factors of 1/16
    return { type, data };
  });
}

async function expectSameBits(source: TensorSource, config: ModelConfig): Promise<Float32Array> {
  const bits = await logitsInBatches(createScalarModel(await loadWeights(source, config)), TOKENS, TOKENS.length);
  for (const [threads, batch] of [
    [1, 5],
    [3, 1],
  ] as const) {
    const fast = await loadForTest(source, config, { threads });
    expect(fast.kernels).not.toBe("scalar");
    expect(await logitsInBatches(fast, TOKENS, batch)).toEqual(bits);
    await fast.dispose();
  }
  return bits;
}

describe("the engines agree on experts", () => {
  test.each(["f16", "q4_0", "q8_0", "q4_K", "q6_K", "mxfp4"])("of type %s", async (type) => {
    const config = configOf(6, 2);
    const bits = await expectSameBits(expertsOf(type, ggufSource(config)), config);
    expect(bits.every(Number.isFinite)).toBe(true);
  });

  test.each([
    [1, 1],
    [5, 5],
  ])("if there are %i and a token goes to %i", async (nExperts, nUsed) => {
    const config = configOf(nExperts, nUsed);
    await expectSameBits(ggufSource(config), config);
  });

  test("if all are equally good: the first are taken", async () => {
    const config = configOf(6, 2);
    const zeros = { "blk.0.ffn_gate_inp.weight": 0, "blk.1.ffn_gate_inp.weight": 0 };
    const source = ggufSource(config, zeros);
    const bits = await expectSameBits(source, config);
    const withoutOthers = withTensors(source, (tensor) => {
      if (!tensor.name.includes("_exps")) return undefined;
      const data = new Uint8Array(tensor.byteLength);
      void tensor.read(0, data.subarray(0, data.length / 3)); // the first two
      return { type: "f32", data };
    });
    expect(await expectSameBits(withoutOthers, config)).toEqual(bits);
  });

  test("if the router is given no numbers", async () => {
    const config = configOf(6, 2);
    const source = ggufSource(config, { "blk.0.ffn_norm.weight": Number.NaN });
    const bits = await logitsInBatches(createScalarModel(await loadWeights(source, config)), TOKENS, 12);
    expect(bits.every(Number.isNaN)).toBe(true);
    const fast = await loadForTest(source, config, { threads: 2 });
    expect(fast.kernels).not.toBe("scalar");
    expect((await logitsInBatches(fast, TOKENS, 12)).every(Number.isNaN)).toBe(true);
  });
});

test("what a model takes counts all experts", async () => {
  const [few, many] = await Promise.all(
    [4, 12].map(async (nExperts) => {
      const config = configOf(nExperts, 2);
      const { model } = await modelMemory(expertsOf("q4_0", ggufSource(config)), config, {
        threads: 2,
        contextTokens: 64,
      });
      return model;
    }),
  );
  const ofExpert = 2 * 3 * 256 * rowBytes("q4_0", 256) + 2 * 4 * 256; // two layers' matrices, and rows of routers
  expect(many! - few!).toBeGreaterThanOrEqual(8 * ofExpert - 2 * 65536);
  expect(many! - few!).toBeLessThan(8 * ofExpert + 2 * 65536);
});
