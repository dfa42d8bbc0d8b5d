import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Context, createScalarModel, loadModel, loadWeights, type TeamModel } from "../../src/index.ts";
import { logitsInBatches, randomTensors, randomValues, smallConfig, sourceOf } from "../support/hand-made.ts";
import { loadForTest } from "./support/engines.ts";

const TOKENS = [1, 17, 4, 95, 4, 60, 33, 2, 80, 11, 12, 13];

const config = smallConfig({ nKvHeads: 2 });
const source = sourceOf(config, randomTensors(config), "q4_0");
const scalar = createScalarModel(await loadWeights(source, config));

describe.each([1, 2, 3])("contexts on %i threads", (threads) => {
  let model: TeamModel;
  beforeAll(async () => {
    model = await loadModel(source, config, { threads });
  });
  afterAll(() => model.dispose());

  test("do not disturb each other, evaluated at the same time", async () => {
    const sequences = [1, 2, 3].map((seed) => Array.from(randomValues(seed, 40), (x) => Math.floor((x + 0.5) * 96)));
    const alone: Float32Array[] = [];
    for (const sequence of sequences) alone.push(await logitsInBatches(scalar, sequence, 8));
    const together = await Promise.all(sequences.map((sequence) => logitsInBatches(model, sequence, 8)));
    expect(together).toEqual(alone);
  });

  test.each(["f16", "f32", "q8_0"] as const)("hold keys and values as the scalar engine does, %s", async (kvType) => {
    const fast = await model.createContext({ contextTokens: 33, kvType });
    const slow = await scalar.createContext({ contextTokens: 20, kvType });
    await fast.evaluate(TOKENS, 0);
    await slow.evaluate(TOKENS, 0);
    for (const n of [0, 1, TOKENS.length]) expect(await fast.readKv(n)).toEqual(await slow.readKv(n));

    const other = await model.createContext({ contextTokens: 14, kvType });
    await other.writeKv(await slow.readKv(12), 12);
    expect(await other.readKv(12)).toEqual(await slow.readKv(12));
    expect(await other.evaluate([5, 6], 12)).toEqual(await slow.evaluate([5, 6], 12));
    await expect(other.writeKv(new Uint8Array(10), 12)).rejects.toThrow(RangeError);
  });

  test("come and go: caches of new ones lie where others were", async () => {
    const expected = await logitsInBatches(scalar, TOKENS, 4);
    const first = await model.createContext({ contextTokens: 40 });
    await first.evaluate(TOKENS, 0);
    for (let i = 0; i < 4; i++) {
      expect(await logitsInBatches(model, TOKENS, 4, { contextTokens: 20 + i })).toEqual(expected);
    }
    await first.dispose();
    expect(await logitsInBatches(model, TOKENS, 4, { contextTokens: 30 })).toEqual(expected);
  });

  test("overwrite positions", async () => {
    const context = await model.createContext({ contextTokens: 16 });
    await context.evaluate(TOKENS, 0);
    expect(await context.evaluate([1, 2, 3], 0)).toEqual(await (await scalar.createContext()).evaluate([1, 2, 3], 0));
  });

  test("refuse what does not fit", async () => {
    const context = await model.createContext({ contextTokens: 8 });
    const overflow = expect.objectContaining({ name: "ContextOverflowError", code: "E_CONTEXT_FULL" });
    await expect(context.evaluate([1, 2, 3], 6)).rejects.toThrow(overflow);
    for (const bad of [[], [96], [-1], [1.5], [Number.NaN]]) {
      await expect(context.evaluate(bad, 0)).rejects.toThrow(RangeError);
    }
    await expect(context.evaluate([1], -1)).rejects.toThrow(RangeError);
    await expect(context.readKv(9)).rejects.toThrow(RangeError);
    await expect(model.createContext({ contextTokens: 0 })).rejects.toThrow(RangeError);
    await expect(model.createContext({ compat: true, kvType: "f32" })).rejects.toThrow(RangeError);
    await expect(model.createContext({ kvType: "f64" as "f32" })).rejects.toThrow(TypeError);
    for (const contextTokens of [1e9, 2e7]) {
      const tooMany = model.createContext({ contextTokens });
      await expect(tooMany).rejects.toThrow(expect.objectContaining({ name: "IoError", code: "E_NOMEM" }));
    }
    expect((await context.evaluate([1], 0)).length).toBe(96);
  });

  test("take one evaluation at a time", async () => {
    const context = await model.createContext();
    const first = context.evaluate(TOKENS, 0);
    await expect(context.evaluate([1], 0)).rejects.toThrow("busy");
    expect((await first).length).toBe(96);
  });

  test("cannot evaluate once they or their model are disposed of", async () => {
    const model = await loadForTest(source, config, { threads });
    const context = await model.createContext();
    const other = await model.createContext();
    await context.dispose();
    await expect(context.evaluate([1], 0)).rejects.toThrow("disposed");
    await expect(context.readKv(1)).rejects.toThrow("disposed");
    await expect(context.readEmbedding()).rejects.toThrow("disposed");
    await model.dispose();
    await expect(other.evaluate([1], 0)).rejects.toThrow("disposed");
    await expect(other.readKv(1)).rejects.toThrow("disposed");
    await expect(model.createContext()).rejects.toThrow("disposed");
    await other.dispose();
  });

  test("can be given up while their model is", async () => {
    const model = await loadForTest(source, config, { threads });
    const context = await model.createContext();
    const disposal = context.dispose();
    for (let i = 0; i < 3; i++) await Promise.resolve(); // the request is on its way
    await model.dispose();
    await expect(disposal).resolves.toBeUndefined();
  });
});

describe.each([1, 2])("an abort on %i threads", (threads) => {
  // some seconds of work
  const large = { ...config, nEmbd: 512, nFf: 1024, nLayers: 8 };
  const largeSource = sourceOf(large, randomTensors(large), "q4_0");
  const prompt = Array.from({ length: 1000 }, (_, i) => i % 96);
  const load = (): Promise<TeamModel> => loadModel(largeSource, large, { threads, kernels: "simd" });
  let model: TeamModel;
  beforeAll(async () => {
    model = await load();
  });
  afterAll(() => model.dispose());

  test("is heard in the middle of a long prompt, and the context stays good", async () => {
    const context = await model.createContext({ contextTokens: 1000 });
    await context.evaluate(prompt.slice(0, 20), 0);
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("stop")), 20);
    await expect(context.evaluate(prompt.slice(20), 20, { signal: controller.signal })).rejects.toThrow("stop");
    const fresh = await model.createContext();
    await fresh.evaluate(prompt.slice(0, 20), 0);
    expect(await context.evaluate([7, 8], 20)).toEqual(await fresh.evaluate([7, 8], 20));
  });

  test("takes an evaluation out of the queue while another goes on", async () => {
    const [busy, waiting] = await Promise.all([
      model.createContext({ contextTokens: 1000 }),
      model.createContext({ contextTokens: 1000 }),
    ]);
    const events: string[] = [];
    const controller = new AbortController();
    const long = busy.evaluate(prompt.slice(0, 400), 0).then(() => events.push("evaluated"));
    const queued = waiting.evaluate(prompt, 0, { signal: controller.signal }).catch(() => events.push("aborted"));
    setTimeout(() => controller.abort(), 5);
    await Promise.all([long, queued]);
    expect(events).toEqual(["aborted", "evaluated"]);
    expect(await waiting.evaluate([1], 0)).toEqual(await evaluateFresh(model, [1]));
  });

  test("before the start is heard at once", async () => {
    const context = await model.createContext();
    await expect(context.evaluate([1], 0, { signal: AbortSignal.abort(new Error("early")) })).rejects.toThrow("early");
    expect((await context.evaluate([1], 0)).length).toBe(96);
  });

  test("reaches evaluations that are shorter than a turn of the event loop", async () => {
    const context = await (await loadForTest(source, config, { threads })).createContext();
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("stop")), 5);
    const forever = async (): Promise<void> => {
      for (;;) await context.evaluate([1], 0, { signal: controller.signal });
    };
    await expect(forever()).rejects.toThrow("stop");
  });

  test("a model disposed of in the middle fails the evaluation", async () => {
    const model = await load();
    const context: Context = await model.createContext({ contextTokens: 1000 });
    const evaluation = context.evaluate(prompt, 0);
    setTimeout(() => model.dispose(), 20);
    await expect(evaluation).rejects.toThrow("disposed");
  });
});

async function evaluateFresh(model: TeamModel, tokens: number[]): Promise<Float32Array> {
  return (await model.createContext()).evaluate(tokens, 0);
}
