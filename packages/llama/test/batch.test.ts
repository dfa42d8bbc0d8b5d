// Batches whose items are not in order, that are aborted, and prefixes that are copied: nothing happens to the others.

import { describe, expect, test } from "vitest";
import type { Engine } from "../src/engine.ts";
import { createEngineModel } from "../src/engine-model.ts";
import {
  BatchItemError,
  type Context,
  ContextOverflowError,
  createScalarModel,
  loadWeights,
  type Model,
  StatePositionError,
} from "../src/index.ts";
import { graphOf } from "../src/model-graph.ts";
import type { Slice } from "../src/ops/op.ts";
import { logitsInBatches, randomTensors, smallConfig, sourceOf } from "./support/hand-made.ts";
import { type RandomGraph, withRandomModel } from "./support/random-graphs.ts";
import { RECURRENT_GRAPH } from "./support/recurrent-graph.ts";
import { loadForTest } from "./team/support/engines.ts";

const TOKENS = Array.from({ length: 40 }, (_, i) => (i * 17) % 50);

/** All engines over a model with attention alone, or one with recurrent layers. */
async function withEngines(kind: "attention" | "recurrent", use: (model: Model) => Promise<void>): Promise<void> {
  const layers = RECURRENT_GRAPH.layers.map((layer) =>
    kind === "recurrent" ? layer : { ...layer, nTaps: 0 as const, nDeltaHeads: 0 as const },
  );
  const graph: RandomGraph = { ...RECURRENT_GRAPH, layers };
  await withRandomModel(graph, async (source, config) => {
    await use(createScalarModel(await loadWeights(source, config)));
    await use(await loadForTest(source, config, { threads: 1 }, { sliceTokens: 8 }));
    await use(await loadForTest(source, config, { threads: 2 }, { sliceTokens: 8 }));
  });
}

const KINDS = ["attention", "recurrent"] as const;

describe.each(KINDS)("a batch: %s", (kind) => {
  test("gives each item its logits, and each context its embedding", () =>
    withEngines(kind, async (model) => {
      const alone = await model.createContext({ contextTokens: 64 });
      const expected: Float32Array[] = [];
      const embeddings: Float32Array[] = [];
      for (const n of [20, 3, 7]) {
        expected.push(await alone.evaluate(TOKENS.slice(0, n), 0, { logits: n === 7 ? "all" : "last" }));
        embeddings.push(await alone.readEmbedding());
      }
      const contexts: Context[] = [];
      for (let i = 0; i < 4; i++) contexts.push(await model.createContext({ contextTokens: 64 }));
      const [a, b, c, d] = contexts as [Context, Context, Context, Context];
      const got = await model.evaluateBatch([
        { context: a, tokens: TOKENS.slice(0, 20), nPast: 0 },
        { context: d, tokens: TOKENS.slice(0, 9), nPast: 0, logits: "none" },
        { context: b, tokens: TOKENS.slice(0, 3), nPast: 0, logits: "last" },
        { context: c, tokens: TOKENS.slice(0, 7), nPast: 0, logits: "all" },
      ]);
      expect(got).toEqual([expected[0], new Float32Array(0), expected[1], expected[2]]);
      expect(await Promise.all([a, b, c].map((context) => context.readEmbedding()))).toEqual(embeddings);
      expect(await model.evaluateBatch([])).toEqual([]);
    }));

  test("is refused as a whole if one item is not in order, and says which", () =>
    withEngines(kind, async (model) => {
      const good = await model.createContext({ contextTokens: 64 });
      await good.evaluate(TOKENS.slice(0, 10), 0);
      const other = await model.createContext({ contextTokens: 16 });
      const gone = await model.createContext({ contextTokens: 16 });
      await gone.dispose();
      const item = { context: good, tokens: TOKENS.slice(10, 12), nPast: 10 };
      const bad = [
        [{ context: other, tokens: new Array<number>(17).fill(1), nPast: 0 }, ContextOverflowError],
        [{ context: other, tokens: { length: 2 ** 40 }, nPast: 0 }, ContextOverflowError],
        [{ context: other, tokens: [50], nPast: 0 }, RangeError],
        [{ context: other, tokens: [], nPast: 0 }, RangeError],
        [{ context: other, tokens: [1], nPast: -1 }, RangeError],
        [{ context: other, tokens: [1], nPast: 0, logits: "first" as "last" }, TypeError],
        [{ context: { ...other }, tokens: [1], nPast: 0 }, TypeError],
        [{ context: good, tokens: [1], nPast: 12 }, RangeError],
        [{ context: gone, tokens: [1], nPast: 0 }, Error],
        ...(kind === "recurrent" ? [[{ context: other, tokens: [1], nPast: 5 }, StatePositionError] as const] : []),
      ] as const;
      const nPasses = model.nPasses();
      for (const [wrong, kindOfError] of bad) {
        const error = await model.evaluateBatch([item, wrong]).catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(BatchItemError);
        expect(error).toMatchObject({ code: "E_BATCH_ITEM", item: 1 });
        expect((error as BatchItemError).cause).toBeInstanceOf(kindOfError);
      }
      expect(model.nPasses()).toBe(nPasses);
      const expected = await logitsInBatches(model, TOKENS.slice(0, 12), 12);
      expect(await model.evaluateBatch([item])).toEqual([expected.slice(-50)]);
    }));

  test("that is aborted leaves every context at its nPast; busy ones are refused", () =>
    withEngines(kind, async (model) => {
      const expected = (await logitsInBatches(model, TOKENS, 40)).slice(-50);
      const contexts = [
        await model.createContext({ contextTokens: 600 }),
        await model.createContext({ contextTokens: 600 }),
      ];
      await model.evaluateBatch(contexts.map((context) => ({ context, tokens: TOKENS.slice(0, 20), nPast: 0 })));
      const aborter = new AbortController();
      const long = contexts.map((context) => ({ context, tokens: new Array<number>(500).fill(3), nPast: 20 }));
      const evaluation = model.evaluateBatch(long, { signal: aborter.signal }).catch((error: Error) => error.message);
      await expect(contexts[1]!.evaluate([1], 0)).rejects.toThrow("busy");
      setTimeout(() => aborter.abort(new Error("enough")), 1);
      const outcome = await evaluation; // a quick machine may have finished
      if (outcome === "enough" || kind === "attention") {
        const rest = contexts.map((context) => ({ context, tokens: TOKENS.slice(20), nPast: 20 }));
        expect(await model.evaluateBatch(rest)).toEqual([expected, expected]);
      }
    }));

  test("a copied prefix is gone on from as if it had been evaluated", () =>
    withEngines(kind, async (model) => {
      const expected = (await logitsInBatches(model, TOKENS, 40)).slice(-50);
      const from = await model.createContext({ contextTokens: 64 });
      const to = await model.createContext({ contextTokens: 41 });
      await from.evaluate(TOKENS.slice(0, 33), 0);
      await to.evaluate([7, 8, 9], 0);
      const nPasses = model.nPasses();
      await to.copyPrefix(from, 33);
      expect(model.nPasses()).toBe(nPasses);
      const items = [to, from].map((context) => ({ context, tokens: TOKENS.slice(33), nPast: 33 }));
      expect(await model.evaluateBatch(items)).toEqual([expected, expected]);
      await to.copyPrefix(to, 40);
      await to.copyPrefix(from, 0);
    }));

  test("a prefix is refused that cannot be copied", () =>
    withEngines(kind, async (model) => {
      const from = await model.createContext({ contextTokens: 64 });
      const to = await model.createContext({ contextTokens: 16 });
      const f32 = await model.createContext({ contextTokens: 64, kvType: "f32" });
      await from.evaluate(TOKENS.slice(0, 12), 0);
      await expect(to.copyPrefix(from, 17)).rejects.toThrow(RangeError);
      const mixed = await model.createContext({ contextTokens: 64, kvType: { k: "f16", v: "q8_0" } });
      await expect(to.copyPrefix(f32, 3)).rejects.toThrow('"from" expected a context with a f16 cache, got one of f32');
      await expect(to.copyPrefix(mixed, 3)).rejects.toThrow("a f16 cache, got one of f16/q8_0");
      await expect(to.copyPrefix({ ...from }, 3)).rejects.toThrow("expected a context of this model");
      const half = to.copyPrefix(from, 6);
      if (kind === "recurrent") await expect(half).rejects.toBeInstanceOf(StatePositionError);
      else await half;
      await from.dispose();
      await expect(to.copyPrefix(from, 3)).rejects.toThrow("disposed of");
    }));
});

test("keys that long contexts rotate by other factors are not copied to short ones", async () => {
  const layers = RECURRENT_GRAPH.layers.map((layer) => ({
    ...layer,
    ...({ nTaps: 0, nDeltaHeads: 0, hasFactors: true, longAbove: 256 } as const),
  }));
  await withRandomModel({ ...RECURRENT_GRAPH, layers }, async (source, config) => {
    const model = await loadForTest(source, config, { threads: 1 });
    const long = await model.createContext({ contextTokens: 600 });
    const short = await model.createContext({ contextTokens: 64 });
    await long.evaluate(TOKENS.slice(0, 9), 0);
    await expect(short.copyPrefix(long, 9)).rejects.toThrow("same factors of RoPE");
  });
});

test("queries that build 803 mixes up are mixed up in batches, too", async () => {
  const config = smallConfig();
  const model = createScalarModel(await loadWeights(sourceOf(config, randomTensors(config)), config));
  const options = { contextTokens: 64, kvType: "f32", compat: true } as const;
  const [alone, a, b] = [
    await model.createContext(options),
    await model.createContext(options),
    await model.createContext(options),
  ];
  const expected = await alone.evaluate(TOKENS, 0);
  const items = [a, b].map((context, i) => ({ context, tokens: TOKENS.slice(20 - 20 * i), nPast: 0 }));
  expect((await model.evaluateBatch(items))[1]).toEqual(expected);
});

test("a slice has no more tokens, and no more rows of logits, than the engine takes", async () => {
  const { model, slices } = slicedModel(8, 3);
  const [a, b, c] = await Promise.all([1, 2, 3].map(() => model.createContext({ contextTokens: 64 })));
  const rows = await model.evaluateBatch([
    { context: a!, tokens: TOKENS.slice(0, 10), nPast: 0, logits: "none" },
    { context: b!, tokens: TOKENS.slice(0, 7), nPast: 0, logits: "all" },
    { context: c!, tokens: TOKENS.slice(0, 4), nPast: 0 },
  ]);
  expect(rows.map(({ length }) => length)).toEqual([0, 7 * 96, 96]);
  expect(slices.map(({ tokens, nLogitRows }) => [tokens.length, nLogitRows])).toEqual([
    [8, 0],
    [5, 3],
    [3, 3],
    [5, 2],
  ]);
  const parts = slices.flatMap((slice) => slice.parts.map(({ first, n, position }) => [first, n, position]));
  expect(parts).toEqual([
    [0, 8, 0],
    [0, 2, 8],
    [2, 3, 0],
    [0, 3, 3],
    [0, 1, 6],
    [1, 4, 0],
  ]);
});

/** A model whose engine computes nothing, and the slices that it was given. */
function slicedModel(sliceTokens: number, logitRows: number): { readonly model: Model; readonly slices: Slice[] } {
  const config = smallConfig();
  const slices: Slice[] = [];
  const nothing = async (): Promise<never[]> => [];
  const engine: Engine = {
    logitRows,
    sliceTokens: () => sliceTokens,
    async evaluate(_, slice) {
      slices.push(slice);
      return { logits: new Float32Array(logitRows * config.nVocab), embeddings: new Float32Array(logitRows * 64) };
    },
    kvParts: () => [],
    ...{ createContext: async () => {}, disposeContext: async () => {}, dispose: async () => {} },
    ...{ readKv: nothing, writeKv: async () => {}, copyPrefix: async () => {}, readInputSums: nothing },
  };
  const graph = graphOf(config);
  const model = createEngineModel({ config, graph, arithmetic: "lanes", fingerprint: 1n, engine, sumInputs: false });
  return { model, slices };
}
