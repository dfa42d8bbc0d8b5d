import { describe, expect, test } from "vitest";
import {
  createGenerator,
  createScalarModel,
  type DraftOptions,
  generate,
  loadWeights,
  type Model,
} from "../src/index.ts";
import { argMax, randomModel, recordingContext } from "./support/hand-made.ts";
import { withRandomModel } from "./support/random-graphs.ts";
import { RECURRENT_GRAPH } from "./support/recurrent-graph.ts";

/** Samples these ids one after the other. */
const script = (...ids: number[]) => ({ sample: () => ids.shift() ?? 0 });

/** Greedy ids behind a prompt, and how often weights were read for them. */
async function write(
  model: Model,
  drafts: DraftOptions,
  n = 40,
): Promise<{ ids: number[]; nPasses: number; drafts: unknown }> {
  const context = await model.createContext({ contextTokens: 64 });
  const ids: number[] = [];
  const before = model.nPasses();
  let event: unknown;
  const options = { sampler: argMax, tokenBytes: () => new Uint8Array(0), maxTokens: n };
  const onEvent = (told: unknown): void => {
    event = told;
  };
  for await (const { id } of generate(context, [1, 5, 9], { ...options, ...drafts, onEvent })) ids.push(id);
  return { ids, nPasses: model.nPasses() - before, drafts: event };
}

test("each accepted token saves a pass over the weights", async () => {
  const model = await randomModel();
  const other = await randomModel(); // with the same weights: all of its guesses are right
  const plain = await write(model, {});
  expect(plain.drafts).toBeUndefined();
  const draft = { context: await other.createContext({ contextTokens: 64 }), tokens: 7 };
  const drafted = await write(model, { draft });
  expect(drafted.ids).toEqual(plain.ids);
  expect(drafted.nPasses).toBeLessThan(plain.nPasses / 4);
  expect(drafted.drafts).toEqual({
    type: "drafts",
    nDrafted: plain.nPasses - drafted.nPasses,
    nAccepted: plain.nPasses - drafted.nPasses,
  });
});

test("what followed the same tokens before is evaluated with the last one, and not again", async () => {
  const context = recordingContext(32);
  const { nVocab } = context.config;
  const evaluate = context.evaluate.bind(context);
  context.evaluate = async (tokens, nPast, options) => {
    await evaluate(tokens, nPast);
    return new Float32Array(nVocab * (options?.logits === "all" ? tokens.length : 1));
  };
  const generator = createGenerator(context, { sampler: script(6, 7, 8, 9, 1), lookup: 3 });
  generator.accept([5, 6, 7, 8, 5]);
  for (let i = 0; i < 5; i++) {
    await generator.evaluatePending();
    generator.sample();
  }
  expect(context.calls).toEqual([
    { tokens: [5, 6, 7, 8, 5], nPast: 0 },
    { tokens: [6, 7, 8, 5], nPast: 5 }, // 7 and 8 are drawn, 9 is drawn in the place of 5
    { tokens: [9], nPast: 8 },
  ]);
  expect(generator.drafts).toEqual({ nDrafted: 3, nAccepted: 2 });
  expect(generator.nPast).toBe(9);
});

test("drafts pause, longer and longer, while they are wrong", async () => {
  const context = recordingContext(2000);
  const { nVocab } = context.config;
  context.evaluate = async (tokens, nPast, options) => {
    context.calls.push({ tokens: Array.from(tokens), nPast });
    return new Float32Array(nVocab * (options?.logits === "all" ? tokens.length : 1));
  };
  let n = 0;
  // 1 2 3, 1 2 4, 1 2 5, …: what followed 1 2 before never follows again
  const sampler = { sample: () => [1, 2, 3 + (Math.floor(n / 3) % 90)][n++ % 3]! };
  const generator = createGenerator(context, { sampler, lookup: 8 });
  generator.accept([1, 2, 3]);
  for (let i = 0; i < 260; i++) {
    await generator.evaluatePending();
    generator.sample();
  }
  const wrong = context.calls.filter(({ tokens }, i) => i > 0 && tokens.length > 1).length;
  expect(wrong).toBeGreaterThan(3);
  expect(wrong).toBeLessThan(12);
});

describe("nothing is drafted", () => {
  test("unless it is asked for", async () => {
    expect(createGenerator(recordingContext(16), { sampler: argMax }).drafts).toBeUndefined();
    expect(createGenerator(recordingContext(16), { sampler: argMax, lookup: 1 }).drafts).toBeDefined();
  });

  test("where states cannot be taken back", () =>
    withRandomModel(RECURRENT_GRAPH, async (source, config) => {
      const model = createScalarModel(await loadWeights(source, config));
      const context = await model.createContext({ contextTokens: 64 });
      expect(createGenerator(context, { sampler: argMax, lookup: 4 }).drafts).toBeUndefined();
      const other = await (await randomModel()).createContext();
      expect(() => createGenerator(other, { sampler: argMax, draft: { context, tokens: 4 } })).toThrow(TypeError);
    }));

  test("where results depend on the cut", async () => {
    const context = await (await randomModel()).createContext({ kvType: "f32", compat: true });
    expect(createGenerator(context, { sampler: argMax, lookup: 4 }).drafts).toBeUndefined();
  });

  test("of what does not fit the context of the draft model, or its vocabulary", async () => {
    const model = await randomModel();
    const context = await (await randomModel()).createContext({ contextTokens: 10 });
    const { drafts } = await write(model, { draft: { context, tokens: 4 } });
    expect((drafts as { nDrafted: number }).nDrafted).toBeLessThan(10);
  });
});

test.each([-1, 0.5, 65, Number.NaN])("refuses drafts of %s tokens", async (n) => {
  const context = await (await randomModel()).createContext();
  expect(() => createGenerator(recordingContext(16), { sampler: argMax, lookup: n })).toThrow(RangeError);
  const draft = { context, tokens: n };
  expect(() => createGenerator(recordingContext(16), { sampler: argMax, draft })).toThrow(RangeError);
});

test("refuses the context of the text as that of the drafts", async () => {
  const context = await (await randomModel()).createContext();
  const draft = { context, tokens: 3 };
  expect(() => createGenerator(context, { sampler: argMax, draft })).toThrow("another context");
});
