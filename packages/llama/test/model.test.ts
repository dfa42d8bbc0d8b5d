import { describe, expect, test } from "vitest";
import { createScalarModel, loadWeights } from "../src/index.ts";
import {
  logitsInBatches,
  randomModel,
  randomTensors,
  randomValues,
  smallConfig,
  sourceOf,
} from "./support/hand-made.ts";

const TOKENS = [1, 17, 4, 95, 4, 60, 33, 2, 80, 11, 12, 13];

describe("the split into batches changes nothing", () => {
  test.each([
    ["f32", "f16"],
    ["f16", "f16"],
    ["q4_0", "f16"],
    ["q5_1", "f32"],
  ] as const)("%s weights, %s cache", async (type, kvType) => {
    const model = await randomModel(smallConfig(), type);
    const whole = await logitsInBatches(model, TOKENS, TOKENS.length, { kvType });
    expect(await logitsInBatches(model, TOKENS, 1, { kvType })).toEqual(whole);
    expect(await logitsInBatches(model, TOKENS, 5, { kvType })).toEqual(whole);
  });

  test("nor does the slice in which an evaluation walks through the layers", async () => {
    const model = await randomModel();
    const tokens = Array.from({ length: 70 }, (_, i) => (i * 37) % 96);
    expect(await logitsInBatches(model, tokens, 70)).toEqual(await logitsInBatches(model, tokens, 1));
  });
});

test("logits of the last token are the last row of the logits of all", async () => {
  const model = await randomModel();
  const context = await model.createContext();
  const all = await context.evaluate(TOKENS, 0, { logits: "all" });
  expect(await context.evaluate(TOKENS, 0)).toEqual(all.slice(-96));
});

describe("options of the arithmetic are obeyed", () => {
  const logitsWith = async (overrides: Parameters<typeof smallConfig>[0], options = {}): Promise<Float32Array> =>
    logitsInBatches(await randomModel(smallConfig(overrides)), TOKENS, 4, options);

  test.each([{ rmsNormEps: 1e-2 }, { ropeFreqBase: 20000 }, { ropeFreqScale: 0.5 }])("%o", async (overrides) => {
    expect(await logitsWith(overrides)).not.toEqual(await logitsWith({}));
  });

  test("an f32 cache is close to an f16 cache, but more precise", async () => {
    const f16 = await logitsWith({});
    const f32 = await logitsWith({}, { kvType: "f32" });
    expect(f32).not.toEqual(f16);
    // keys and values of size 1 lose up to 2^-12 in binary16; the logits are sums of 64 products of size 1
    for (let i = 0; i < f16.length; i++) expect(Math.abs(f16[i]! - f32[i]!)).toBeLessThan(0.05);
  });
});

describe("compat repeats build 803's mixed-up queries", () => {
  const compat = { kvType: "f32", compat: true } as const;

  test("in batches over an f32 cache only", async () => {
    const model = await randomModel();
    const right = await logitsInBatches(model, TOKENS, 1, { kvType: "f32" });
    expect(await logitsInBatches(model, TOKENS, 1, compat)).toEqual(right);
    expect(await logitsInBatches(model, TOKENS, 4, compat)).not.toEqual(right);
    const f16 = await logitsInBatches(model, TOKENS, 1);
    expect(await logitsInBatches(model, TOKENS, 4, { compat: true })).toEqual(f16);
  });

  test("with one head there is nothing to mix up", async () => {
    const config = { ...smallConfig(), nHeads: 1, nKvHeads: 1 };
    const model = await randomModel(config);
    expect(await logitsInBatches(model, TOKENS, 4, compat)).toEqual(
      await logitsInBatches(model, TOKENS, 1, { kvType: "f32" }),
    );
  });

  test("a batch longer than a slice is mixed up as a whole", async () => {
    const model = await randomModel({ ...smallConfig(), nLayers: 1 });
    const tokens = [...TOKENS, ...TOKENS, ...TOKENS, 5, 6, 7, 8];
    const whole = await logitsInBatches(model, tokens, 40, compat);
    const parts = await logitsInBatches(model, tokens, 32, compat);
    expect(whole).not.toEqual(parts);
    // row 0 of a batch sees position 0 only: its softmax is 1 whatever the query
    expect(whole.slice(0, 96)).toEqual(parts.slice(0, 96));
  });
});

describe("contexts", () => {
  test("over one model do not disturb each other, evaluated at the same time", async () => {
    const model = await randomModel(smallConfig(), "q8_0");
    const sequences = [1, 2, 3].map((seed) => Array.from(randomValues(seed, 40), (x) => Math.floor((x + 0.5) * 96)));
    const alone: Float32Array[] = [];
    for (const sequence of sequences) alone.push(await logitsInBatches(model, sequence, 8));
    const together = await Promise.all(sequences.map((sequence) => logitsInBatches(model, sequence, 8)));
    expect(together).toEqual(alone);
  });

  test("overwrite positions: a second text in the same context equals one in a fresh context", async () => {
    const model = await randomModel();
    const context = await model.createContext({ contextTokens: 16 });
    await context.evaluate(TOKENS, 0);
    const again = await context.evaluate([1, 2, 3], 0);
    const fresh = await (await model.createContext({ contextTokens: 16 })).evaluate([1, 2, 3], 0);
    expect(again).toEqual(fresh);
  });

  test("give their keys and values to another context", async () => {
    const model = await randomModel();
    const one = await model.createContext();
    await one.evaluate(TOKENS, 0);
    const other = await model.createContext({ contextTokens: 20 });
    await other.writeKv(await one.readKv(TOKENS.length), TOKENS.length);
    expect(await other.evaluate([5], TOKENS.length)).toEqual(await one.evaluate([5], TOKENS.length));
  });

  test("keep the normalised vector under the last logits", async () => {
    const config = smallConfig();
    const tensors = randomTensors(config);
    // the first output row picks channel 3
    tensors.get("output.weight")!.fill(0, 0, 64)[3] = 1;
    const model = createScalarModel(await loadWeights(sourceOf(config, tensors), config));
    const context = await model.createContext();
    for (const logits of ["last", "all"] as const) {
      const rows = await context.evaluate(TOKENS, 0, { logits });
      expect((await context.readEmbedding())[3]).toBe(rows.slice(-96)[0]);
    }
  });

  test("refuse what does not fit", async () => {
    const model = await randomModel();
    const context = await model.createContext({ contextTokens: 8 });
    const overflow = expect.objectContaining({
      name: "ContextOverflowError",
      code: "E_CONTEXT_FULL",
      contextTokens: 8,
    });
    await expect(context.evaluate([1, 2, 3], 6)).rejects.toThrow(overflow);
    await expect(context.evaluate([1], 8)).rejects.toThrow(overflow);
    await expect(context.evaluate([1], 8)).rejects.toBeInstanceOf(RangeError);
    for (const bad of [[], [96], [-1], [1.5], [Number.NaN]]) {
      await expect(context.evaluate(bad, 0)).rejects.toThrow(RangeError);
    }
    await expect(context.evaluate([1], -1)).rejects.toThrow(RangeError);
    await expect(context.evaluate(undefined as never, 0)).rejects.toThrow(
      '"tokens" expected at least one id, got undefined',
    );
    await expect(context.evaluate([1], "0" as never)).rejects.toThrow(
      /^"nPast" expected an integer from 0 .* got a string$/,
    );
    await expect(context.readKv(9)).rejects.toThrow(RangeError);
    await expect(model.createContext({ contextTokens: 0 })).rejects.toThrow(RangeError);
    await expect(model.createContext({ contextTokens: 10 ** 12 })).rejects.toThrow(RangeError);
  });

  test("take one evaluation at a time", async () => {
    const context = await (await randomModel()).createContext();
    const first = context.evaluate(TOKENS, 0);
    await expect(context.evaluate([1], 0)).rejects.toThrow("busy");
    expect((await first).length).toBe(96);
  });

  test("cannot evaluate once they or their model are disposed of", async () => {
    const model = await randomModel();
    const context = await model.createContext();
    const other = await model.createContext();
    await context.dispose();
    await expect(context.evaluate([1], 0)).rejects.toThrow("disposed");
    await expect(context.readKv(1)).rejects.toThrow("disposed");
    await expect(context.readEmbedding()).rejects.toThrow("disposed");
    await expect(context.writeKv(new Uint8Array(512), 1)).rejects.toThrow("disposed");
    await model.dispose();
    await expect(other.evaluate([1], 0)).rejects.toThrow("disposed");
    await expect(other.readKv(1)).rejects.toThrow("disposed");
    await expect(model.createContext()).rejects.toThrow("disposed");
  });
});

describe("an abort", () => {
  // about 300 M products: many turns of the event loop
  const config = { ...smallConfig(), nEmbd: 256, nFf: 512, nLayers: 2 };
  const prompt = Array.from({ length: 250 }, (_, i) => i % 96);

  test("is heard in the middle of a long prompt, and the context stays good", async () => {
    const model = await randomModel(config);
    const context = await model.createContext();
    await context.evaluate(prompt.slice(0, 20), 0);
    const controller = new AbortController();
    let turns = 0;
    const count = setInterval(() => turns++, 0);
    setTimeout(() => controller.abort(new Error("stop")), 5);
    await expect(context.evaluate(prompt.slice(20), 20, { signal: controller.signal })).rejects.toThrow("stop");
    clearInterval(count);
    expect(turns).toBeGreaterThan(0);
    const fresh = await model.createContext();
    await fresh.evaluate(prompt.slice(0, 20), 0);
    expect(await context.evaluate([7, 8], 20)).toEqual(await fresh.evaluate([7, 8], 20));
  });

  test.each(["context", "model"] as const)(
    "is not needed to end an evaluation: its %s may be disposed of",
    async (which) => {
      const model = await randomModel(config);
      const context = await model.createContext();
      const evaluation = context.evaluate(prompt, 0);
      setTimeout(() => (which === "context" ? context : model).dispose(), 5);
      await expect(evaluation).rejects.toThrow("disposed");
    },
  );

  test("before the start is heard at once", async () => {
    const context = await (await randomModel()).createContext();
    await expect(context.evaluate([1], 0, { signal: AbortSignal.abort(new Error("early")) })).rejects.toThrow("early");
    expect((await context.evaluate([1], 0)).length).toBe(96);
  });

  test("reaches a small model, whose single evaluations are shorter than a turn", async () => {
    const context = await (await randomModel()).createContext();
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("stop")), 5);
    const forever = async (): Promise<void> => {
      for (;;) await context.evaluate([1], 0, { signal: controller.signal });
    };
    await expect(forever()).rejects.toThrow("stop");
  });
});
