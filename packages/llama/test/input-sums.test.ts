// What meets the matrices of a model, against sums made by hand and by the other engine.

import { packRows } from "@ll/quant";
import { describe, expect, test } from "vitest";
import {
  type ChunkMeasuredEvent,
  configFromGguf,
  createScalarModel,
  type InputSums,
  loadWeights,
  type Model,
  type ModelConfig,
  measureInputs,
  type SourceTensor,
  type TensorSource,
} from "../src/index.ts";
import { ggufSource, randomTensors, smallConfig, sourceOf } from "./support/hand-made.ts";
import { FAST_KERNELS, loadForTest } from "./team/support/engines.ts";

type Sums = ReadonlyMap<string, InputSums>;

/** The engine that is written to be read, and the fast one with each number of threads and each tier. */
async function eachEngine(
  source: TensorSource,
  config: ModelConfig,
  use: (model: Model, name: string) => Promise<void>,
): Promise<void> {
  await use(createScalarModel(await loadWeights(source, config), { sumInputs: true }), "scalar");
  for (const kernels of FAST_KERNELS) {
    for (const threads of [1, 2, 3]) {
      const model = await loadForTest(source, config, { kernels, threads, sumInputs: true });
      await use(model, `${kernels}, ${threads} threads`);
      await model.dispose();
    }
  }
}

function numbersOf(sums: Sums): Record<string, { squares: number[]; counts: number[] }> {
  const numbers: ReturnType<typeof numbersOf> = {};
  for (const [name, { squares, counts }] of sums) numbers[name] = { squares: [...squares], counts: [...counts] };
  return numbers;
}

describe("sums by hand", () => {
  // Embeddings are all 1 or -1, so that a norm gives ±r; matrices are zeros, so that blocks add nothing to them. Norms have other
  // weights: every input is known.
  const config = smallConfig();
  const { nEmbd, nFf } = config;
  const tensors = randomTensors(config);
  const sign = (id: number, c: number): number => ((id * (c + 3)) % 5 < 2 ? -1 : 1);
  for (const [name, values] of tensors) {
    if (name === "tok_embeddings.weight") {
      for (let i = 0; i < values.length; i++) values[i] = sign(Math.floor(i / nEmbd), i % nEmbd);
    } else if (name.endsWith("attention_norm.weight")) values.fill(2);
    else if (name.endsWith("ffn_norm.weight")) for (const i of values.keys()) values[i] = i % 2 === 0 ? 0.5 : 4;
    else if (name === "norm.weight") values.fill(1);
    else values.fill(0);
  }
  const tokens = [3, 17, 88, 17];

  test("every product, and every token", async () => {
    await eachEngine(sourceOf(config, tensors), config, async (model, name) => {
      const context = await model.createContext();
      await context.evaluate(tokens.slice(0, 3), 0, { logits: "all" });
      await context.evaluate(tokens.slice(3), 3, { logits: "all" });
      const [r = 0] = (await context.readEmbedding()).map(Math.abs); // what the norm makes of ±1
      const sums = numbersOf((await model.inputSums?.()) ?? new Map());
      const all = (n: number, of: (c: number) => number): number[] => Array.from({ length: n }, (_, c) => of(c));
      const attention = all(nEmbd, () => 4 * (2 * r) ** 2); // r has 24 bits: all of this is exact
      const feedForward = all(nEmbd, (c) => 4 * ((c % 2 === 0 ? 0.5 : 4) * r) ** 2);
      const expected: Record<string, number[]> = { "output.weight": all(nEmbd, () => 4 * r ** 2) };
      for (const layer of ["blk.0", "blk.1"]) {
        for (const matrix of ["attn_q", "attn_k", "attn_v"]) expected[`${layer}.${matrix}.weight`] = attention;
        expected[`${layer}.attn_output.weight`] = all(nEmbd, () => 0);
        for (const matrix of ["ffn_gate", "ffn_up"]) expected[`${layer}.${matrix}.weight`] = feedForward;
        expected[`${layer}.ffn_down.weight`] = all(nFf, () => 0);
      }
      expect(Object.keys(sums).sort(), name).toEqual(Object.keys(expected).sort());
      for (const [matrix, squares] of Object.entries(expected)) {
        expect(sums[matrix], `${name}: ${matrix}`).toEqual({ squares, counts: [4] });
      }
      expect(r).toBeGreaterThan(0.999);
    });
  });

  test("without all logits, the output matrix meets the last token only", async () => {
    await eachEngine(sourceOf(config, tensors), config, async (model, name) => {
      await (await model.createContext()).evaluate(tokens, 0);
      const sums = await model.inputSums?.();
      expect(sums?.get("output.weight")?.counts, name).toEqual(Float64Array.of(1));
      expect(sums?.get("blk.1.ffn_up.weight")?.counts, name).toEqual(Float64Array.of(4));
    });
  });
});

describe("experts", () => {
  const keys = new Map<string, number | string>([
    ["general.architecture", "qwen3moe"],
    ["qwen3moe.context_length", 512],
    ["qwen3moe.embedding_length", 64],
    ["qwen3moe.block_count", 1],
    ["qwen3moe.feed_forward_length", 64],
    ["qwen3moe.expert_feed_forward_length", 32],
    ["qwen3moe.expert_count", 4],
    ["qwen3moe.expert_used_count", 2],
    ["qwen3moe.attention.head_count", 4],
    ["qwen3moe.attention.head_count_kv", 2],
    ["qwen3moe.attention.layer_norm_rms_epsilon", 1e-6],
    ["qwen3moe.vocab_size", 8],
  ]);
  const config = configFromGguf(Object.assign((key: string) => keys.get(key), { keys: () => keys.keys() }));

  /** Token t is -1 but for columns t and t + 1; expert e wants column e: tokens 0, 1 and 2 go to experts t and t + 1. */
  function withExperts(): TensorSource {
    const random = ggufSource(config);
    const changed = new Map<string, SourceTensor>();
    for (const name of random.names()) {
      const tensor = random.tensor(name) as SourceTensor;
      const n = tensor.shape.reduce((product, size) => product * size, 1);
      const value = (i: number): number => {
        const [row, column] = [Math.floor(i / 64), i % 64];
        if (name === "token_embd.weight") return column === row || column === row + 1 ? 1 : -1;
        if (name.includes("ffn_gate_inp")) return column === row ? 1 : 0;
        if (name.includes("norm")) return 1;
        return 0;
      };
      const data = packRows(
        "f32",
        Float32Array.from({ length: n }, (_, i) => value(i)),
      );
      const read = async (offset: number, target: Uint8Array): Promise<void> =>
        target.set(data.subarray(offset, offset + target.length));
      changed.set(name, { name, type: "f32", shape: tensor.shape, byteLength: data.length, read });
    }
    return { names: () => changed.keys(), tensor: (name) => changed.get(name) };
  }

  test("are counted by their tokens; one that has none has none", async () => {
    const tokens = [0, 1, 1, 0, 0];
    await eachEngine(withExperts(), config, async (model, name) => {
      const context = await model.createContext();
      await context.evaluate(tokens, 0, { logits: "all" });
      const [r = 0] = (await context.readEmbedding()).map(Math.abs);
      const sums = numbersOf((await model.inputSums?.()) ?? new Map());
      // expert 0: token 0; 1: both; 2: token 1; 3: none
      const counts = [3, 5, 2, 0];
      for (const matrix of ["ffn_gate_exps", "ffn_up_exps"]) {
        const squares = counts.flatMap((count) => new Array(64).fill(count * r ** 2));
        expect(sums[`blk.0.${matrix}.weight`], name).toEqual({ squares, counts });
      }
      expect(sums["blk.0.ffn_down_exps.weight"], name).toEqual({ squares: new Array(4 * 32).fill(0), counts });
      expect(sums["blk.0.ffn_gate_inp.weight"]?.counts, name).toEqual([5]);
    });
  });

  test("random ones: the same bits in all engines, however the text is cut", async () => {
    const source = ggufSource(config);
    const tokens = Int32Array.from({ length: 70 }, (_, i) => (i * i + 3) % 8);
    let expected: ReturnType<typeof numbersOf> | undefined;
    let batchTokens = 33;
    await eachEngine(source, config, async (model, name) => {
      const sums = numbersOf(await measureInputs(model, tokens, { chunkTokens: 35, batchTokens, bos: 2 }));
      expected ??= sums;
      expect(sums, name).toEqual(expected);
      const { counts, squares } = sums["blk.0.ffn_down_exps.weight"] as { squares: number[]; counts: number[] };
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(2 * 70);
      expect(squares.some((square) => square > 0)).toBe(true);
      batchTokens = batchTokens === 33 ? 1 : 33;
    });
  });
});

describe("measureInputs", () => {
  const config = smallConfig();
  const source = sourceOf(config, randomTensors(config), "q4_0");
  const load = async (sumInputs?: boolean): Promise<Model> =>
    createScalarModel(await loadWeights(source, config), { sumInputs });
  const tokens = Int32Array.from({ length: 50 }, (_, i) => i);

  test("chunks begin anew, what fills none is left out, and each is told of", async () => {
    const events: ChunkMeasuredEvent[] = [];
    const onEvent = (event: ChunkMeasuredEvent): number => events.push(event);
    const together = await measureInputs(await load(true), tokens, { chunkTokens: 16, onEvent });
    expect(events.map(({ done, total }) => `${done}/${total}`)).toEqual(["1/3", "2/3", "3/3"]);
    expect(together.get("output.weight")?.counts).toEqual(Float64Array.of(48));

    const apart = await load(true);
    for (const first of [0, 16, 32]) {
      const context = await apart.createContext();
      await context.evaluate(tokens.subarray(first, first + 16), 0, { logits: "all" });
    }
    expect(numbersOf((await apart.inputSums?.()) ?? new Map())).toEqual(numbersOf(together));

    const first = await measureInputs(await load(true), tokens, { chunkTokens: 16, maxChunks: 1 });
    expect(first.get("output.weight")?.counts).toEqual(Float64Array.of(16));
  });

  test("is refused where nothing is added up, and for a text that fills no chunk", async () => {
    const model = await load();
    expect(model.inputSums).toBeUndefined();
    await expect(measureInputs(model, tokens)).rejects.toThrow(TypeError);
    for (const options of [
      { chunkTokens: 51 },
      { chunkTokens: 16, maxChunks: 0 },
      { chunkTokens: 0 },
      { batchTokens: 0 },
    ]) {
      await expect(measureInputs(await load(true), tokens, options), JSON.stringify(options)).rejects.toThrow(
        RangeError,
      );
    }
  });

  test("hears its signal", async () => {
    const reason = new Error("enough");
    const controller = new AbortController();
    const onEvent = (): void => controller.abort(reason);
    const { signal } = controller;
    await expect(measureInputs(await load(true), tokens, { chunkTokens: 8, onEvent, signal })).rejects.toBe(reason);
  });
});
