import { describe, expect, test } from "vitest";
import { createGenerator, type TokenSampler } from "../src/index.ts";
import { argMax, randomModel, randomValues, recordingContext, smallConfig } from "./support/hand-made.ts";

/** Samples 50, 51, 52, … */
function counting(): TokenSampler {
  let id = 50;
  return { sample: () => id++ };
}

describe("history", () => {
  test("has contextTokens entries, zeros first", async () => {
    const generator = createGenerator(recordingContext(8), { sampler: counting() });
    expect([...generator.lastTokens]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    generator.accept([1, 2, 3]);
    await generator.evaluatePending();
    generator.sample();
    expect([...generator.lastTokens]).toEqual([0, 0, 0, 0, 1, 2, 3, 50]);
  });

  test("is what the sampler sees", async () => {
    const seen: number[][] = [];
    const sampler: TokenSampler = {
      sample(_, lastTokens) {
        seen.push(Array.from(lastTokens));
        return 5;
      },
    };
    const generator = createGenerator(recordingContext(8), { sampler });
    generator.accept([9, 8]);
    await generator.evaluatePending();
    generator.sample();
    expect(seen).toEqual([[0, 0, 0, 0, 0, 0, 9, 8]]);
  });

  test("keeps the drawn token when another one is evaluated in its place", async () => {
    const generator = createGenerator(recordingContext(8), { sampler: { sample: () => 2 } });
    generator.accept([1]);
    await generator.evaluatePending();
    expect(generator.sample((id) => (id === 2 ? 13 : id))).toBe(2);
    expect(generator.pending).toEqual([13]);
    expect(generator.lastTokens.at(-1)).toBe(2);
  });
});

describe("evaluation", () => {
  test("goes in slices of batchTokens", async () => {
    const context = recordingContext(32);
    const generator = createGenerator(context, { sampler: counting(), batchTokens: 3 });
    generator.accept([1, 2, 3, 4, 5, 6, 7]);
    expect(await generator.evaluatePending()).toMatchObject({ nSkipped: 0, swapped: false });
    expect(context.calls).toEqual([
      { tokens: [1, 2, 3], nPast: 0 },
      { tokens: [4, 5, 6], nPast: 3 },
      { tokens: [7], nPast: 6 },
    ]);
    expect(generator.nPast).toBe(7);
    expect(generator.pending).toEqual([]);
  });

  test("skips what is longer than the context minus four", async () => {
    const context = recordingContext(8);
    const generator = createGenerator(context, { sampler: counting() });
    generator.accept([1, 2, 3, 4, 5, 6]);
    expect(await generator.evaluatePending()).toMatchObject({ nSkipped: 2, swapped: false });
    expect(context.calls).toEqual([{ tokens: [1, 2, 3, 4], nPast: 0 }]);
  });

  test("after an abort goes on where it was", async () => {
    const context = recordingContext(32);
    const evaluate = context.evaluate.bind(context);
    let fail = true;
    context.evaluate = async (tokens, nPast, options) => {
      if (nPast === 2 && fail) throw new Error("aborted");
      return evaluate(tokens, nPast, options);
    };
    const generator = createGenerator(context, { sampler: counting(), batchTokens: 2, session: { tokens: [] } });
    generator.accept([1, 2, 3, 4, 5]);
    await expect(generator.evaluatePending()).rejects.toThrow("aborted");
    expect(generator.pending).toEqual([3, 4, 5]);
    expect(generator.sessionTokens).toEqual([1, 2]);
    fail = false;
    await generator.evaluatePending();
    expect(context.calls.map((call) => call.nPast)).toEqual([0, 2, 4]);
    expect(generator.sessionTokens).toEqual([1, 2, 3, 4, 5]);
  });

  test("must come before sampling", async () => {
    const generator = createGenerator(recordingContext(8), { sampler: counting() });
    expect(() => generator.sample()).toThrow("evaluate");
    generator.accept([1]);
    expect(() => generator.sample()).toThrow("evaluate");
    await generator.evaluatePending();
    generator.sample();
    expect(() => generator.sample()).toThrow("evaluate");
  });
});

describe("context swap", () => {
  test("keeps the first tokens and evaluates the newer half of the rest again, with the pending one", async () => {
    const context = recordingContext(8);
    const generator = createGenerator(context, { sampler: counting(), keepTokens: 2 });
    generator.accept([1, 2, 3, 4]);
    for (let i = 0; i < 4; i++) {
      await generator.evaluatePending();
      generator.sample(); // 50, 51, 52, 53
    }
    await generator.evaluatePending(); // 53 fills position 7
    generator.sample(); // 54
    expect(generator.isFull).toBe(true);
    expect(await generator.evaluatePending()).toMatchObject({ nSkipped: 0, swapped: true });
    // 6 tokens behind the kept two, 3 of them again
    expect(context.calls.at(-1)).toEqual({ tokens: [51, 52, 53, 54], nPast: 2 });
    expect(generator.nPast).toBe(6);
    expect(generator.isFull).toBe(false);
  });

  test("comes earlier by the positions that another text is ahead, and tells what was evaluated", async () => {
    const context = recordingContext(16);
    const generator = createGenerator(context, { sampler: counting(), keepTokens: 2, tokensAhead: 3 });
    generator.accept([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(await generator.evaluatePending()).toMatchObject({ swapped: false });
    generator.accept([13]);
    expect(generator.isFull).toBe(false);
    expect(await generator.evaluatePending()).toEqual({ nSkipped: 0, swapped: false, evaluated: [13] });
    generator.accept([14]);
    expect(generator.isFull).toBe(true);
    const evaluated = [9, 10, 11, 12, 13, 14]; // 11 tokens behind the kept two, 5 of them again
    expect(await generator.evaluatePending()).toEqual({ nSkipped: 0, swapped: true, evaluated });
    expect(context.calls.at(-1)).toEqual({ tokens: evaluated, nPast: 2 });
  });

  test("keeps position 0 even if nothing is to be kept", async () => {
    const context = recordingContext(8);
    const generator = createGenerator(context, { sampler: counting() });
    generator.accept([1, 2, 3, 4]);
    await generator.evaluatePending();
    generator.accept([5, 6, 7, 8]);
    await generator.evaluatePending();
    generator.accept([9]);
    await generator.evaluatePending();
    expect(context.calls.at(-1)).toEqual({ tokens: [5, 6, 7, 8, 9], nPast: 1 });
  });

  test("takes fewer tokens again where half of them would not fit", async () => {
    const context = recordingContext(16);
    const generator = createGenerator(context, { sampler: counting() });
    generator.accept([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    await generator.evaluatePending();
    generator.accept([21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32]);
    await generator.evaluatePending();
    expect(context.calls.at(-1)!.nPast + context.calls.at(-1)!.tokens.length).toBe(16);
    expect(context.calls.at(-1)!.tokens.slice(0, 4)).toEqual([10, 11, 12, 21]);
  });

  test("that was aborted goes on with all of its tokens", async () => {
    const context = recordingContext(16);
    const evaluate = context.evaluate.bind(context);
    let fail = false;
    context.evaluate = async (tokens, nPast, options) => {
      if (fail) throw new Error("aborted");
      return evaluate(tokens, nPast, options);
    };
    const generator = createGenerator(context, { sampler: counting() });
    generator.accept([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    await generator.evaluatePending();
    generator.accept([21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32]);
    fail = true;
    await expect(generator.evaluatePending()).rejects.toThrow("aborted");
    fail = false;
    // three of the cached tokens are to be evaluated again: more than a context takes of a prompt at once
    const evaluated = [10, 11, 12, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32];
    expect(generator.pending).toEqual(evaluated);
    expect(await generator.evaluatePending()).toEqual({ nSkipped: 0, swapped: false, evaluated });
    expect(generator.nPast).toBe(16);
  });

  test("fails with a typed error if the kept tokens leave no room", async () => {
    const model = await randomModel();
    const context = await model.createContext({ contextTokens: 8 });
    const generator = createGenerator(context, { sampler: counting(), keepTokens: 8 });
    generator.accept([1, 2, 3, 4]);
    await generator.evaluatePending();
    generator.accept([1, 2, 3, 4]);
    await generator.evaluatePending();
    generator.accept([5]);
    await expect(generator.evaluatePending()).rejects.toThrow(expect.objectContaining({ code: "E_CONTEXT_FULL" }));
  });
});

describe("session", () => {
  test("tokens in the cache are not evaluated again", async () => {
    const context = recordingContext(16);
    const generator = createGenerator(context, { sampler: counting(), session: { tokens: [1, 2, 3] } });
    generator.accept([1, 2, 3, 4, 5]);
    await generator.evaluatePending();
    expect(context.calls).toEqual([{ tokens: [4, 5], nPast: 3 }]);
    expect(generator.sessionTokens).toEqual([1, 2, 3, 4, 5]);
  });

  test("is cut at the first token that differs", async () => {
    const context = recordingContext(16);
    const generator = createGenerator(context, { sampler: counting(), session: { tokens: [1, 2, 3, 4] } });
    generator.accept([1, 2, 9]);
    await generator.evaluatePending();
    expect(context.calls).toEqual([{ tokens: [9], nPast: 2 }]);
    expect(generator.sessionTokens).toEqual([1, 2, 9]);
  });

  test("is followed over several acceptances", async () => {
    const context = recordingContext(16);
    const generator = createGenerator(context, { sampler: counting(), session: { tokens: [1, 2, 3, 4] } });
    generator.accept([1, 2]);
    await generator.evaluatePending();
    expect(context.calls).toEqual([]);
    generator.accept([3, 4, 5]);
    await generator.evaluatePending();
    expect(context.calls).toEqual([{ tokens: [5], nPast: 4 }]);
  });

  test("gives its logits if there is nothing to evaluate", async () => {
    const logits = new Float32Array(96);
    logits[33] = 1;
    const session = { tokens: [1, 2], logits };
    const generator = createGenerator(recordingContext(16), { sampler: argMax, session });
    generator.accept([1, 2]);
    await generator.evaluatePending();
    expect(generator.sample()).toBe(33);
  });

  test("ends with a context swap: the cache no longer is that of a list of tokens", async () => {
    const generator = createGenerator(recordingContext(8), { sampler: counting(), session: { tokens: [] } });
    generator.accept([1, 2, 3, 4]);
    await generator.evaluatePending();
    generator.accept([5, 6, 7, 8]);
    await generator.evaluatePending();
    expect(generator.sessionTokens).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    generator.accept([9]);
    await generator.evaluatePending();
    expect(generator.sessionTokens).toBeUndefined();
  });
});

test("several generators over one model, in turns, give the tokens they give alone", async () => {
  const model = await randomModel(smallConfig(), "q4_0");
  const prompts = [3, 4, 5].map((seed) => Array.from(randomValues(seed, 9), (x) => Math.floor((x + 0.5) * 96)));
  const start = async (prompt: number[]): Promise<() => Promise<number>> => {
    const context = await model.createContext({ contextTokens: 24 });
    const generator = createGenerator(context, { sampler: argMax, keepTokens: 3 });
    generator.accept(prompt);
    return async () => {
      await generator.evaluatePending();
      return generator.sample();
    };
  };
  const alone: number[][] = [];
  for (const prompt of prompts) {
    const step = await start(prompt);
    const ids: number[] = [];
    for (let i = 0; i < 40; i++) ids.push(await step());
    alone.push(ids);
  }
  const steps = await Promise.all(prompts.map(start));
  const together: number[][] = prompts.map(() => []);
  for (let i = 0; i < 40; i++) {
    const drawn = await Promise.all(steps.map((step) => step()));
    for (const [k, id] of drawn.entries()) together[k]!.push(id);
  }
  expect(together).toEqual(alone);
});

test.each([
  ["a context below 8 tokens", 7, {}],
  ["a negative keepTokens", 16, { keepTokens: -1 }],
  ["batches of nothing", 16, { batchTokens: 0 }],
  ["a text behind", 16, { tokensAhead: -1 }],
])("refuses %s", (_, contextTokens, options) => {
  expect(() => createGenerator(recordingContext(contextTokens), { sampler: counting(), ...options })).toThrow(
    RangeError,
  );
});
