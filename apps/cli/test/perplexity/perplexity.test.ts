import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memorySource } from "@ll/bytes";
import { openGgml } from "@ll/ggml-format";
import { configFromGgml, createScalarModel, loadWeights } from "@ll/llama";
import { createTokenizer } from "@ll/tokenizer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tinyModel } from "../../../../tools/tiny-model.ts";
import { logProbability } from "../../src/commands/perplexity/chunks.ts";
import { runHere } from "../programs.ts";

const directory = mkdtempSync(join(tmpdir(), "ll-perplexity-"));
const at = (name: string): string => join(directory, name);
const STORY =
  "Once upon a time, there was a little girl named Lily. She loved to play outside in the park with her mom. ";
beforeAll(async () => {
  writeFileSync(at("model.bin"), await tinyModel("f16"));
  writeFileSync(at("text.txt"), STORY.repeat(4));
});
afterAll(() => rmSync(directory, { recursive: true }));

const perplexity = (...args: string[]) => runHere("ll-perplexity", ["-m", at("model.bin"), "-t", "1", ...args]);
const text = ["-f", at("text.txt")];

describe("ll-perplexity", () => {
  test("does not depend on the size of batches", async () => {
    const whole = await perplexity(...text, "-c", "32");
    expect(whole.stdout).toMatch(/^\[1][\d.]+,\[2][\d.]+,\[3][\d.]+,/);
    expect(whole.stderr).toContain("batch_size=32\n");
    for (const batch of ["1", "7", "31"]) {
      expect((await perplexity(...text, "-c", "32", "-b", batch)).stdout).toBe(whole.stdout);
    }
  });

  test("is the exponential of the mean surprise over the second half of each chunk", async () => {
    const file = await openGgml(memorySource(await tinyModel("f16")));
    const config = configFromGgml(file.hyperParams);
    const context = await createScalarModel(await loadWeights(file, config)).createContext({ contextTokens: 32 });
    const tokens = createTokenizer(file.vocab).encode(STORY.repeat(4), { bos: true });
    let surprise = 0;
    for (const start of [0, 32]) {
      const chunk = tokens.subarray(start, start + 32);
      const logits = await context.evaluate([1, ...chunk.subarray(1)], 0, { logits: "all" });
      for (let j = 16; j < 31; j++) {
        const row = logits.subarray(j * 1024, (j + 1) * 1024);
        const sum = row.reduce((total, x) => total + Math.exp(x), 0);
        surprise -= Math.log(Math.exp(row[chunk[j + 1] as number] as number) / sum);
      }
    }
    const { stdout } = await perplexity(...text, "-c", "32", "--chunks", "2");
    // the program rounds each probability to binary32, which the four decimals it prints do not show
    expect(stdout).toMatch(new RegExp(`,\\[2]${Math.exp(surprise / 30).toFixed(4)},\n$`));
  });

  test("a text that fills no chunk, or none at all, is refused with what it takes", async () => {
    for (const [argv, nTokens] of [
      [["-p", "Once"], 3],
      [[], 0],
    ] as const) {
      const { stdout, stderr, code } = await perplexity(...argv);
      expect({ stdout, code }).toEqual({ stdout: "", code: 1 });
      expect(stderr).toContain(`perplexity: error: a chunk takes 512 tokens and the text has ${nTokens}\n`);
    }
  });

  test("says how long it will take", async () => {
    expect((await perplexity(...text, "-c", "32")).stderr).toMatch(
      /^perplexity: \d+\.\d\d seconds per pass - ETA \d+\.\d\d minutes$/m,
    );
  });

  test("--help names it; a missing model is told in build 803's lines", async () => {
    expect((await runHere("ll-perplexity", ["--help"])).stdout).toContain(
      "usage: ll-perplexity [options] [MODEL [FILE]]\n",
    );
    const { code, stderr } = await runHere("ll-perplexity", ["-m", "/nonexistent"]);
    expect(code).toBe(4);
    expect(stderr).toMatch(/error loading model: failed to open.*\n.*\n.*failed to load model.*\nmain: error: unable/);
  });
});

describe("ll-perplexity --hellaswag", () => {
  const task = "Lily: Lily was very sad. Her mom\n0\ngave her a hug.\ntree was the of.\nblue up car.\nate the moon.\n";
  const score = (tasks: string, ...args: string[]) => {
    writeFileSync(at("tasks.txt"), tasks);
    return perplexity("-f", at("tasks.txt"), "--hellaswag", ...args);
  };

  test("counts the tasks whose right ending is the likeliest per token", async () => {
    const wrong = task.replace("\n0\n", "\n1\n");
    expect((await score(task)).stdout).toBe("\ntask\tacc_norm\n1\t100.00000000\n\n");
    // both are drawn, the second one first
    expect((await score(task + wrong)).stdout).toMatch(/^\ntask\tacc_norm\n1\t(0|100)\.00000000\n2\t50\.00000000\n\n$/);
    const { stderr } = await score(task + wrong, "--hellaswag-tasks", "1");
    expect(stderr).toContain(
      "hellaswag_score : loaded 2 tasks from prompt.\nhellaswag_score : selecting 1 randomized tasks.\n",
    );
  });

  test("is not about the seed, but about the text", async () => {
    const tasks = task + task.replace("\n0\n", "\n1\n") + task;
    expect((await score(tasks, "-s", "5")).stdout).toBe((await score(tasks, "-s", "6")).stdout);
  });

  test("files that are no tasks, and contexts that are too small, are refused", async () => {
    const lines = await score("a\nb\n");
    expect(lines).toMatchObject({ code: 1, stdout: "" });
    expect(lines.stderr).toContain("hellaswag_score : number of lines in prompt not a multiple of 6.\n");
    const context = await score(task, "-c", "8");
    expect(context.code).toBe(1);
    expect(context.stderr).toMatch(/hellaswag_score : number of tokens in query \d+ > n_ctxl\n/);
  });
});

describe("ll-embedding", () => {
  const embedding = (...args: string[]) => runHere("ll-embedding", ["-m", at("model.bin"), "-t", "1", ...args]);

  test("prints as many numbers as the model is wide", async () => {
    const { stdout, code } = await embedding("-p", "Once upon a time");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^(-?\d+\.\d{6} ){128}\n$/);
    expect((await embedding("-p", "Once upon a dog")).stdout).not.toBe(stdout);
  });

  test("--verbose-prompt lists the tokens", async () => {
    expect((await embedding("-p", "a", "--verbose-prompt")).stderr).toContain("main: number of tokens in prompt = 2\n");
  });

  test("a text that is longer than the context is refused", async () => {
    const { code, stdout, stderr } = await embedding("-f", at("text.txt"), "-c", "16");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/main: error: prompt is too long \(\d+ tokens, max 16\)\n/);
  });
});

describe("logProbability", () => {
  test("is the logarithm of the softmax, rounded to binary32", () => {
    const logits = Float32Array.of(1, -2, 3.5, 3.5);
    const sum = logits.reduce((total, x) => total + Math.exp(x), 0);
    for (const [id, logit] of logits.entries()) {
      // each of the three roundings to binary32 is off by at most 2^-24 of its value
      expect(logProbability(logits, id)).toBeCloseTo(logit - Math.log(sum), 6);
      expect(Math.fround(logProbability(logits, id))).toBe(logProbability(logits, id));
    }
  });

  test("large logits neither overflow nor vanish", () => {
    expect(logProbability(Float32Array.of(1e4, 0), 0)).toBe(0);
    expect(logProbability(Float32Array.of(1e4, 0), 1)).toBe(Number.NEGATIVE_INFINITY);
  });
});
