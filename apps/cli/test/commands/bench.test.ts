import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "@ll/llama";
import { describe, expect, test } from "vitest";
import { tinyModel } from "../../../../tools/tiny-model.ts";
import { measure, tokensPerSecond } from "../../src/commands/bench/measure.ts";
import { runHere, temporaryDirectory } from "../programs.ts";

async function tinyFile(): Promise<string> {
  const path = join(await temporaryDirectory(), "model.bin");
  await writeFile(path, await tinyModel("q4_0"));
  return path;
}

/** A context that takes 2 ms for each token, by a clock of its own, and notes what it was given. */
function slowContext(): { context: Context; calls: string[]; now: () => number } {
  let ms = 0;
  const calls: string[] = [];
  const context = {
    config: { nVocab: 1000 },
    async evaluate(tokens: Int32Array, nPast: number) {
      calls.push(`${tokens.length}@${nPast}`);
      ms += 2 * tokens.length;
      return new Float32Array(1);
    },
  } as unknown as Context;
  return { context, calls, now: () => ms };
}

describe("measure", () => {
  test("a warm-up, then prompts in batches, then tokens one by one", async () => {
    const { context, calls, now } = slowContext();
    let steps = 0;
    const onStep = (): number => steps++;
    const options = { promptSizes: [20, 0], decodeTokens: [3], repetitions: 2, batchTokens: 16, now, onStep };
    const results = await measure(context, options);
    const prompt = ["16@0", "4@16"];
    const decode = ["1@0", "1@1", "1@2"];
    expect(calls).toEqual(["16@0", "1@0", ...prompt, ...prompt, ...decode, ...decode]);
    expect(results).toEqual([
      { test: "prompt", tokens: 20, elapsedMs: [40, 40] },
      { test: "decode", tokens: 3, elapsedMs: [6, 6] },
    ]);
    expect(steps).toBe(4);
  });

  test("rates: mean and standard deviation of the repetitions", () => {
    const rate = tokensPerSecond({ test: "decode", tokens: 10, elapsedMs: [100, 50, 100 / 3] });
    expect(rate.mean).toBeCloseTo(200, 9); // 100, 200 and 300, each rounded by a division
    expect(rate.deviation).toBeCloseTo(100, 9);
    expect(tokensPerSecond({ test: "prompt", tokens: 10, elapsedMs: [100] })).toEqual({ mean: 100, deviation: 0 });
  });
});

describe("the program", () => {
  test("one line for each test and number of threads", async () => {
    const { code, stdout } = await runHere("ll-bench", [
      await tinyFile(),
      "-p",
      "8,4",
      "-n",
      "2",
      "-r",
      "1",
      "-t",
      "1,2",
    ]);
    expect(code).toBe(0);
    const rows = stdout.split("\n").slice(2, -1);
    expect(rows.map((row) => row.trim().split(/ {2,}/).slice(0, 2).join(" "))).toEqual([
      "test threads",
      ...["prompt 8 1", "prompt 4 1", "decode 2 1", "prompt 8 2", "prompt 4 2", "decode 2 2"],
    ]);
    expect(stdout).toMatch(/^.*model\.bin: ggjt v3 \(latest\), 1,468,032 weights, 826\.56 KiB\n/);
  });

  test("--json holds every single time", async () => {
    const path = await tinyFile();
    const { stdout } = await runHere("ll-bench", ["-m", path, "--json", "-p", "4", "-n", "0", "-r", "3", "-t", "1"]);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ version: 1, model: { file: path, bytes: 846_400, weights: 1_468_032 } });
    expect(report.results).toHaveLength(1);
    expect(report.results[0]).toMatchObject({ test: "prompt", tokens: 4, threads: 1 });
    expect(report.results[0].elapsedMs).toHaveLength(3);
  });

  test("LL_KERNEL forces the kernels", async () => {
    const argv = [await tinyFile(), "--json", "-p", "4", "-n", "0", "-r", "1", "-t", "1"];
    const { stdout } = await runHere("ll-bench", argv, { LL_KERNEL: "scalar" });
    expect(JSON.parse(stdout).results[0].kernels).toBe("scalar");
    for (const bin of ["ll-bench", "ll-main"]) {
      expect(await runHere(bin, ["-m", "m"], { LL_KERNEL: "avx" })).toMatchObject({ code: 2, stdout: "" });
      expect(await runHere(bin, ["--help"], { LL_KERNEL: "avx" })).toMatchObject({ code: 0, stderr: "" });
    }
  });

  test.each([
    ["no model", [], "no model given"],
    ["two models", ["a", "b"], "more than one model given"],
    ["no number", ["a", "-p", "x"], "expected numbers from 0 to 1000000, with commas between them"],
    ["an empty place in a list", ["a", "-p", "1,,2"], "expected numbers from 0"],
    ["no threads", ["a", "-t", "0"], "expected numbers from 1"],
    ["no repetition", ["a", "-r", "0"], "expected at least 1, got 0"],
  ])("%s is a usage error", async (_name, argv, message) => {
    const { code, stdout, stderr } = await runHere("ll-bench", argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
  });

  test("a file that is missing or no model: the reader's own words, once", async () => {
    expect(await runHere("ll-bench", ["/nonexistent"])).toMatchObject({
      code: 4,
      stderr: "ll-bench: failed to open /nonexistent: No such file or directory\n",
    });
    const path = join(await temporaryDirectory(), "model.bin");
    await writeFile(path, "x");
    expect(await runHere("ll-bench", [path])).toMatchObject({ code: 3, stdout: "" });
  });
});
