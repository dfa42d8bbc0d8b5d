import { describe, expect, test } from "vitest";
import { type Context, type GeneratedToken, type GenerateOptions, generate, type TokenSampler } from "../src/index.ts";
import { argMax, randomModel, recordingContext, smallConfig } from "./support/hand-made.ts";

const ALPHABET = "\u0000\u0001\u0002abcdefghijklmnopqrstuvwxyz";

/** Token 3 is "a", 4 is "b", …; control tokens have no bytes. */
const tokenBytes = (id: number): Uint8Array =>
  id < 3 ? new Uint8Array(0) : new TextEncoder().encode(ALPHABET[id] ?? "?");

/** Ids that end a text in these tests. */
const LLAMA_ENDS: ReadonlySet<number> = new Set([2]);

/** Samples these ids one after the other. */
const script = (...ids: number[]): TokenSampler => ({ sample: () => ids.shift() ?? 2 });

async function collect(
  context: Context,
  prompt: ArrayLike<number>,
  options: Partial<GenerateOptions>,
): Promise<GeneratedToken[]> {
  const tokens: GeneratedToken[] = [];
  for await (const token of generate(context, prompt, { sampler: argMax, tokenBytes, ends: LLAMA_ENDS, ...options }))
    tokens.push(token);
  return tokens;
}

describe("the end", () => {
  test("of the text", async () => {
    expect(await collect(recordingContext(16), [1], { sampler: script(3, 4, 2) })).toEqual([
      { id: 3, text: "a", finish: undefined },
      { id: 4, text: "b", finish: undefined },
      { id: 2, text: "", finish: "eos" },
    ]);
  });

  test("after maxTokens, without evaluating the last one", async () => {
    const context = recordingContext(16);
    expect(await collect(context, [1], { sampler: script(3, 4, 5), maxTokens: 2 })).toEqual([
      { id: 3, text: "a", finish: undefined },
      { id: 4, text: "b", finish: "length" },
    ]);
    expect(context.calls).toEqual([
      { tokens: [1], nPast: 0 },
      { tokens: [3], nPast: 1 },
    ]);
    expect(await collect(context, [1], { maxTokens: 0 })).toEqual([]);
  });

  test("at a stop string, whose beginning was held back", async () => {
    expect(await collect(recordingContext(16), [1], { sampler: script(3, 4, 5, 6), stop: ["bcd"] })).toEqual([
      { id: 3, text: "a", finish: undefined },
      { id: 4, text: "", finish: undefined },
      { id: 5, text: "", finish: undefined },
      { id: 6, text: "", finish: "stop" },
    ]);
  });

  test("gives out what was held back", async () => {
    const sampler = script(4, 5, 2);
    expect((await collect(recordingContext(16), [1], { sampler, stop: ["bcd"] })).at(-1)!.text).toBe("bc");
    const limited = { sampler: script(4, 5), stop: ["bcd"], maxTokens: 2 };
    expect((await collect(recordingContext(16), [1], limited)).at(-1)!.text).toBe("bc");
  });

  test("comes at any of `ends`, and without them at none", async () => {
    const sampler = script(2, 5);
    const tokens = await collect(recordingContext(16), [1], { sampler, ends: new Set([5, 6]) });
    expect(tokens.map((token) => token.id)).toEqual([2, 5]);
    const endless = await collect(recordingContext(16), [1], {
      sampler: script(2, 2, 2),
      ends: new Set(),
      maxTokens: 3,
    });
    expect(endless.length).toBe(3);
  });
});

describe("the prompt", () => {
  test("goes in batches", async () => {
    const context = recordingContext(16);
    await collect(context, Uint16Array.of(1, 5, 6, 7, 8), { sampler: script(2), batchTokens: 2 });
    expect(context.calls.map((call) => call.tokens)).toEqual([[1, 5], [6, 7], [8]]);
  });

  test("leaves four positions free and is not empty", async () => {
    const overflow = expect.objectContaining({ code: "E_CONTEXT_FULL" });
    await expect(collect(recordingContext(16), new Array(13).fill(5), {})).rejects.toThrow(overflow);
    expect((await collect(recordingContext(16), new Array(12).fill(5), { maxTokens: 1 })).length).toBe(1);
    await expect(collect(recordingContext(16), [], {})).rejects.toThrow(RangeError);
  });

  test("stays at a context swap as far as keepTokens says", async () => {
    const swaps = async (keepTokens: number): Promise<number> => {
      const context = recordingContext(8, () => 9);
      await collect(context, [1, 5, 6], { keepTokens, maxTokens: 10 });
      return context.calls.find((call, i) => i > 0 && call.tokens.length > 1)!.nPast;
    };
    expect(await swaps(0)).toBe(1);
    expect(await swaps(2)).toBe(2);
    expect(await swaps(99)).toBe(3);
    expect(await swaps(-1)).toBe(3);
  });
});

test("a limit that is no number is refused: nothing would reach it", async () => {
  const generation = collect(recordingContext(16), [1], { sampler: script(3, 3, 2), maxTokens: Number.NaN });
  await expect(generation).rejects.toThrow(new RangeError(`"maxTokens" expected a number, got NaN`));
});

test("without a sampler draws as build 803 does by default", async () => {
  const context = await (await randomModel()).createContext();
  const ids: number[] = [];
  for await (const { id } of generate(context, [1], { tokenBytes, maxTokens: 5 })) ids.push(id);
  expect(ids.length).toBe(5);
  expect(ids.every((id) => id >= 0 && id < 96)).toBe(true);
});

test("greedy text does not depend on the batch size", async () => {
  const model = await randomModel();
  const run = async (batchTokens: number): Promise<GeneratedToken[]> =>
    collect(await model.createContext({ contextTokens: 32 }), [1, 7, 8, 9, 10, 11], { batchTokens, maxTokens: 20 });
  expect(await run(1)).toEqual(await run(512));
});

describe("an abort", () => {
  test("inside a long prompt rejects the iteration", async () => {
    const model = await randomModel({ ...smallConfig(), nEmbd: 256, nFf: 512 });
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("stop")), 5);
    const prompt = Array.from({ length: 250 }, (_, i) => i % 96);
    const generation = collect(await model.createContext(), prompt, { signal: controller.signal });
    await expect(generation).rejects.toThrow("stop");
  });

  test("between tokens rejects the iteration after what was given out", async () => {
    const controller = new AbortController();
    const ids: number[] = [];
    const run = async (): Promise<void> => {
      const options = { sampler: script(3, 4, 5), tokenBytes, signal: controller.signal };
      for await (const { id } of generate(recordingContext(16), [1], options)) {
        ids.push(id);
        if (id === 4) controller.abort(new Error("stop"));
      }
    };
    await expect(run()).rejects.toThrow("stop");
    expect(ids).toEqual([3, 4]);
  });
});
