// A model with recurrent layers: its contexts go on where their state is, and programs get the results of any other model.

import { describe, expect, test } from "vitest";
import { writeSession } from "../../model/src/index.ts";
import {
  type Context,
  createGenerator,
  createScalarModel,
  isSessionError,
  kvCacheBytes,
  loadWeights,
  type Model,
  type ModelConfig,
  modelMemory,
  returnTo,
  StatePositionError,
  type TensorSource,
} from "../src/index.ts";
import { argMax, logitsInBatches } from "./support/hand-made.ts";
import { withRandomModel } from "./support/random-graphs.ts";
import { RECURRENT_GRAPH } from "./support/recurrent-graph.ts";
import { loadForTest } from "./team/support/engines.ts";

const TOKENS = Array.from({ length: 40 }, (_, i) => (i * 17) % 50);

/** Both engines over one model. */
async function withEngines(use: (model: Model) => Promise<void>): Promise<void> {
  await withRandomModel(RECURRENT_GRAPH, async (source: TensorSource, config: ModelConfig) => {
    await use(createScalarModel(await loadWeights(source, config)));
    await use(await loadForTest(source, config, { threads: 1 }, { sliceTokens: 8 }));
    await use(await loadForTest(source, config, { threads: 2 }, { sliceTokens: 8 }));
  });
}

function positions({ memory }: Context): readonly number[] {
  return memory.kind === "recurrent" ? memory.positions : [];
}

describe("a context with recurrent state", () => {
  test("says where it can go on, and refuses other positions", () =>
    withEngines(async (model) => {
      const context = await model.createContext({ contextTokens: 64 });
      expect(context.memory.kind).toBe("recurrent");
      expect(positions(context)).toEqual([0]);
      await context.evaluate(TOKENS.slice(0, 10), 0);
      await context.evaluate(TOKENS.slice(10, 13), 10);
      expect(positions(context)).toEqual([0, 10, 13]);
      const error = await context.evaluate([1], 5).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(StatePositionError);
      expect(error).toMatchObject({ code: "E_STATE_POSITION", nPast: 5, positions: [0, 10, 13] });
      expect((error as Error).message).toContain("go on at 0 or 10 or 13, or evaluate the tokens before 5 again");
      expect(positions(context)).toEqual([0, 10, 13]); // nothing happened
      await context.dispose();
    }));

  test("the latest evaluation may be replaced, and others begin at 0: all give the same bits", () =>
    withEngines(async (model) => {
      const expected = await logitsInBatches(model, TOKENS, TOKENS.length);
      const { nVocab } = model.config;
      const rows = (first: number, end: number) => expected.subarray(first * nVocab, end * nVocab);
      const context = await model.createContext({ contextTokens: 64 });
      const all = { logits: "all" } as const;
      await context.evaluate(TOKENS.slice(0, 20), 0);
      await context.evaluate([9, 9, 9, 9, 9], 20);
      expect(await context.evaluate(TOKENS.slice(20, 33), 20, all)).toEqual(rows(20, 33));
      expect(await context.evaluate(TOKENS.slice(33), 33, all)).toEqual(rows(33, 40));
      await returnTo(context, TOKENS.slice(0, 12), { batchTokens: 5 });
      expect(positions(context)).toContain(12);
      expect(await context.evaluate(TOKENS.slice(12), 12, all)).toEqual(rows(12, 40));
      await context.dispose();
    }));

  test("stays where chunks of a prompt ended while tokens come one by one", () =>
    withEngines(async (model) => {
      const expected = await logitsInBatches(model, TOKENS, TOKENS.length);
      const { nVocab } = model.config;
      const context = await model.createContext({ contextTokens: 64 });
      await context.evaluate(TOKENS.slice(0, 10), 0);
      await context.evaluate(TOKENS.slice(10, 20), 10);
      for (let position = 20; position < 33; position++) await context.evaluate([7], position);
      expect(positions(context)).toEqual([0, 10, 20, 32, 33]);
      let nAgain = 0;
      const counted: Context = {
        ...context,
        evaluate(tokens, nPast, options) {
          nAgain += tokens.length;
          return context.evaluate(tokens, nPast, options);
        },
      };
      await returnTo(counted, TOKENS.slice(0, 20), { batchTokens: 5 });
      expect(nAgain).toBe(0);
      expect(await context.evaluate(TOKENS.slice(20, 23), 20)).toEqual(expected.subarray(22 * nVocab, 23 * nVocab));
      await returnTo(counted, TOKENS.slice(0, 13), { batchTokens: 5 });
      expect(nAgain).toBe(3); // from 10 on
      expect(await context.evaluate(TOKENS.slice(13), 13)).toEqual(expected.subarray(39 * nVocab));
      await context.dispose();
    }));

  test("an aborted evaluation leaves the state that it began with", () =>
    withEngines(async (model) => {
      const expected = await logitsInBatches(model, TOKENS, TOKENS.length);
      const context = await model.createContext({ contextTokens: 600 });
      await context.evaluate(TOKENS.slice(0, 20), 0);
      const aborter = new AbortController();
      const long = context.evaluate(new Array<number>(500).fill(3), 20, { signal: aborter.signal });
      setTimeout(() => aborter.abort(new Error("enough")), 1);
      await long.catch((error: Error) => expect(error.message).toBe("enough"));
      if (!positions(context).includes(520)) expect(positions(context)).toEqual([0, 20]);
      const logits = await context.evaluate(TOKENS.slice(20), 20);
      expect(logits).toEqual(expected.slice(-model.config.nVocab));
      await context.dispose();
    }));

  test("is not put into session files", () =>
    withEngines(async (model) => {
      const context = await model.createContext({ contextTokens: 64 });
      const isRefused = (error: unknown): boolean => isSessionError(error, "E_SESSION_RECURRENT");
      const state = { tokens: [], rng: "", logits: new Float32Array(50) };
      const sink = { write: async () => {} };
      for (const refused of [
        context.readKv(0),
        context.writeKv(new Uint8Array(0), 0),
        writeSession(sink as never, context, state),
      ]) {
        expect(await refused.then(() => "taken", isRefused)).toBe(true);
      }
      await context.dispose();
    }));
});

describe("a generator", () => {
  /** What is said through context swaps, and where evaluations began. */
  async function say(context: Context, nTokens: number, session?: { tokens: number[] }): Promise<[number[], number]> {
    let nEvaluated = 0;
    const counted: Context = {
      ...context,
      evaluate(tokens, nPast, options) {
        nEvaluated += tokens.length;
        return context.evaluate(tokens, nPast, options);
      },
    };
    const generator = createGenerator(counted, {
      sampler: argMax,
      keepTokens: 5,
      batchTokens: 6,
      ...(session === undefined ? {} : { session }),
    });
    generator.accept(TOKENS.slice(0, 12));
    const said: number[] = [];
    while (said.length < nTokens) {
      await generator.evaluatePending();
      said.push(generator.sample());
    }
    return [said, nEvaluated];
  }

  /** What a generator must say: every text from its beginning, in a context of its own. */
  async function sayPlainly(model: Model, nTokens: number): Promise<number[]> {
    let tokens = TOKENS.slice(0, 12);
    const history = [...tokens];
    const said: number[] = [];
    let nPast = 0;
    while (said.length < nTokens) {
      const nNew = tokens.length - nPast;
      if (tokens.length > 32) {
        const nAgain = Math.min(Math.trunc((nPast - 5) / 2), 32 - 5 - nNew);
        const end = history.length - nNew;
        tokens = [...tokens.slice(0, 5), ...history.slice(end - nAgain)];
      }
      const context = await model.createContext({ contextTokens: 32 });
      const id = argMax.sample(await context.evaluate(tokens, 0));
      nPast = tokens.length;
      for (const list of [said, tokens, history]) list.push(id);
      await context.dispose();
    }
    return said;
  }

  test("swaps its context by evaluating again what it keeps", () =>
    withEngines(async (model) => {
      const context = await model.createContext({ contextTokens: 32 });
      const [said] = await say(context, 60);
      expect(said).toEqual(await sayPlainly(model, 60));
      await context.dispose();
    }));

  test("takes up what a context holds if its state is there, and evaluates it again if not", () =>
    withEngines(async (model) => {
      const context = await model.createContext({ contextTokens: 32 });
      const [alone] = await say(context, 3);
      await context.evaluate(TOKENS.slice(0, 9), 0);
      expect(await say(context, 3, { tokens: TOKENS.slice(0, 9) })).toEqual([alone, 3 + 2]);
      await context.evaluate(TOKENS.slice(0, 11), 0);
      expect(await say(context, 3, { tokens: TOKENS.slice(0, 9) })).toEqual([alone, 12 + 2]);
      await context.dispose();
    }));
});

test("the memory of a context that is foretold counts its states", () =>
  withRandomModel(RECURRENT_GRAPH, async (source, config) => {
    const contextTokens = 16;
    const options = { threads: 1, kernels: "scalar", contextTokens, kvType: "f32" } as const;
    const nStates = 4 * (3 * 40 + 3 * 40) + 4 * (2 * 3 * 8 * 8); // numbers, in four copies
    const nKept = 2 * 2 * 8 * contextTokens; // keys and values of two heads
    expect(kvCacheBytes(config, contextTokens, "f32")).toBe(4 * nKept);
    expect((await modelMemory(source, config, options)).context).toBe(4 * (nStates + nKept));
  }));
