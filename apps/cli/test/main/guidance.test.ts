import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fc, test as property } from "@fast-check/vitest";
import type { Context } from "@ll/llama";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tinyModel } from "../../../../tools/tiny-model.ts";
import { createGuidance } from "../../src/commands/main/guidance.ts";
import { defaultParams } from "../../src/inference/params.ts";
import { runHere } from "../programs.ts";

const directory = mkdtempSync(join(tmpdir(), "ll-guidance-"));
const model = join(directory, "model.bin");
beforeAll(async () => writeFileSync(model, await tinyModel("f16")));
afterAll(() => rmSync(directory, { recursive: true }));

const main = (...args: string[]) =>
  runHere("ll-main", ["-m", model, "-t", "1", "-n", "12", "-p", "Once upon a time", ...args]);

describe("ll-main with guidance", () => {
  property.prop(
    [fc.integer({ min: 1, max: 999 }), fc.constantFrom("1", "0.5", "0", "-3"), fc.stringMatching(/^[a-z ]{0,20}$/)],
    {
      numRuns: 8, // each is two runs of the program
    },
  )("a scale of 1 or less changes nothing, whatever the negative prompt", async (seed, scale, negative) => {
    const plain = await main("-s", String(seed));
    const guided = await main("-s", String(seed), "--cfg-scale", scale, "--cfg-negative-prompt", negative);
    expect(guided.stdout).toBe(plain.stdout);
    expect(guided.code).toBe(0);
  });

  test("leading away from the prompt itself leads nowhere", async () => {
    const greedy = ["--temp", "0", "--repeat-penalty", "1"];
    const plain = await main(...greedy);
    const args = [...greedy, "--cfg-negative-prompt", "Once upon a time", "--cfg-scale"];
    for (const scale of ["1.5", "20"]) expect((await main(...args, scale)).stdout).toBe(plain.stdout);
    const away = await main(...greedy, "--cfg-negative-prompt", "Once upon a time, there was", "--cfg-scale", "9");
    expect(away.stdout).not.toBe(plain.stdout);
  });

  test("both contexts are announced, and both prompts listed", async () => {
    const { stderr } = await main("--cfg-scale", "2", "--cfg-negative-prompt", "No", "--verbose-prompt");
    expect(stderr.match(/^llama_new_context_with_model: kv self size/gm)).toHaveLength(2);
    expect(stderr).toMatch(
      /\n\nmain: prompt: ' Once upon a time'\nmain: number of tokens in prompt = 5\n(.*\n){5}\nmain: negative prompt: ' No'\nmain: number of tokens in negative prompt = \d\n/,
    );
  });

  test("a negative prompt that does not fit is refused before anything is said", async () => {
    const { code, stdout, stderr } = await main(
      "--cfg-scale",
      "2",
      "--cfg-negative-prompt",
      "dog ".repeat(40),
      "-c",
      "16",
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/main: error: negative prompt is too long \(\d+ tokens, max 12\)/);
  });

  test("one that does not fit a second time, after a context swap, ends the text with an error", async () => {
    const negative = "a big dog and a little cat ran";
    const { code, stdout, stderr } = await main(
      "--cfg-scale",
      "2",
      "--cfg-negative-prompt",
      negative,
      "-c",
      "20",
      "-n",
      "99",
      "--keep",
      "4",
      "--ignore-eos",
    );
    expect(code).toBe(1);
    expect(stdout).toMatch(/^ Once upon a time/);
    expect(stderr).toMatch(
      /ll-main: the context is too small for the negative prompt: \d+ tokens at position \d+ do not fit/,
    );
    expect(stderr).toContain("use a larger --ctx-size");
  });
});

describe("the guidance context", () => {
  /** A context that records what it is given. */
  function recorder(): { context: Context; calls: [number[], number][] } {
    const calls: [number[], number][] = [];
    const context = {
      memory: { kind: "positions" },
      async evaluate(tokens: ArrayLike<number>, nPast: number) {
        calls.push([Array.from(tokens), nPast]);
        return new Float32Array(4);
      },
    } as unknown as Context;
    return { context, calls };
  }
  const negativeTokens = [1, 90, 91]; // one less than the prompt
  const setup = { params: { ...defaultParams(1), batchTokens: 4, guidanceScale: 2 }, negativeTokens, nPrompt: 4 };
  const step = (...evaluated: number[]) => ({ evaluated, swapped: false });

  test("reads the negative prompt in place of the prompt, then every other token", async () => {
    const { context, calls } = recorder();
    const guidance = createGuidance({ ...setup, context, keepTokens: 0 });
    expect(guidance.tokensAhead).toBe(0);
    for (const one of [step(1, 2, 3, 4), step(5), step(6)]) await guidance.follow(one);
    expect(calls).toEqual([
      [[1, 90, 91], 0],
      [[5], 3],
      [[6], 4],
    ]);
  });

  test("takes the later batches of a long prompt as what follows the negative one, as llama.cpp does", async () => {
    const { context, calls } = recorder();
    const guidance = createGuidance({ ...setup, nPrompt: 6, context, keepTokens: 0 });
    for (const one of [step(1, 2, 3, 4), step(5, 6), step(7)]) await guidance.follow(one);
    expect(calls).toEqual([
      [[1, 90, 91], 0],
      [[5, 6], 3],
      [[7], 5],
    ]);
  });

  test("after a swap reads the negative prompt again behind its own beginning, as llama.cpp does", async () => {
    const { context, calls } = recorder();
    const guidance = createGuidance({ ...setup, context, keepTokens: 3 });
    for (const one of [step(1, 2, 3, 4), step(5)]) await guidance.follow(one);
    await guidance.follow({ evaluated: [4, 5, 6, 7, 8], swapped: true });
    expect(calls.slice(2)).toEqual([[[1, 90, 91, 8], 2]]); // position 3 - 1
    await guidance.follow(step(9));
    expect(calls.at(-1)).toEqual([[9], 6]);
  });

  test("goes on behind the kept tokens if the whole negative prompt is among them", async () => {
    const { context, calls } = recorder();
    const guidance = createGuidance({ ...setup, context, keepTokens: 4 });
    await guidance.follow(step(1, 2, 3, 4));
    await guidance.follow({ evaluated: [6, 7, 8, 9, 10], swapped: true });
    expect(calls.slice(1)).toEqual([
      [[6, 7, 8, 9], 3],
      [[10], 7],
    ]); // in batches
  });

  test("is ahead by what the negative prompt is longer", () => {
    const { context } = recorder();
    expect(createGuidance({ ...setup, nPrompt: 1, context, keepTokens: 0 }).tokensAhead).toBe(2);
  });
});
