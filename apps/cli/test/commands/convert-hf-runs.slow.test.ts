// Hugging Face directories of all families, from download to text; and the logits that llama.cpp computes of what its converter makes.

import { readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { memorySource } from "@ll/bytes";
import { metadataGetter, openGguf } from "@ll/gguf";
import { configFromGguf, createScalarModel, loadWeights } from "@ll/llama";
import { expect, test } from "vitest";
import { describeWithTestData, testData } from "../../../../tools/test-data.ts";
import { runHere, temporaryDirectory } from "../programs.ts";

interface RecordedLogits {
  readonly file: string;
  readonly tokens: readonly number[];
  readonly nCtx: number;
  readonly nVocab: number;
  readonly rms: number;
}

/** Most that a logit may differ by, in root mean squares: the reference sums in another order, and tabulates the GELU of Gemma. */
const TOLERANCES: Readonly<Record<string, number>> = { gemma2: 6e-3, gemma3: 6e-3, gemma4: 2e-2, qwen35: 1e-3 };
const TOLERANCE = 2e-4;

async function run(...argv: readonly [string, ...string[]]): Promise<string> {
  const { code, stdout, stderr } = await runHere(argv[0], argv.slice(1));
  expect(code, stderr).toBe(0);
  return stdout;
}

describeWithTestData("Hugging Face directories", () => {
  const names = readdirSync(testData("models/hf"));

  test.each(names)("three commands: %s", async (name) => {
    const directory = await temporaryDirectory();
    const [whole, small] = [join(directory, "model.gguf"), join(directory, "model-Q4_K_M.gguf")];
    await run("ll-convert", testData(`models/hf/${name}`), "--outfile", whole);
    // the experts of gpt-oss are quantised as they are published
    await run("ll-quantize", ...(name === "gpt-oss" ? ["--allow-requantize"] : []), whole, small, "Q4_K_M");
    const text = await run("ll-main", "-m", small, "-p", "the", "-n", "8", "-t", "1", "--ignore-eos", "-s", "1");
    expect(text.length).toBeGreaterThan("the".length);
  });

  test.each(names)("logits: %s", async (name) => {
    const out = join(await temporaryDirectory(), "model.gguf");
    await run("ll-convert", testData(`models/hf/${name}`), "--outtype", "f32", "--outfile", out);
    const { models } = JSON.parse(readFileSync(testData("golden/convert-hf.json"), "utf8"));
    const { file, tokens, nCtx, nVocab, rms } = models[name].logits as RecordedLogits;
    const recorded = new Float32Array(new Uint8Array(readFileSync(testData(`golden/${file}`))).buffer);
    const source = await openGguf(memorySource(await readFile(out)));
    const config = configFromGguf(metadataGetter(source.metadata));
    expect(config.nVocab).toBe(nVocab);
    const model = createScalarModel(await loadWeights(source, config), { arithmetic: "lanes" });
    const context = await model.createContext({ contextTokens: nCtx, kvType: "f32" });
    const logits = await context.evaluate(tokens, 0, { logits: "all" });
    await model.dispose();
    expect(logits.length).toBe(recorded.length);
    const most = logits.reduce((worst, value, i) => Math.max(worst, Math.abs(value - (recorded[i] as number))), 0);
    expect(most).toBeLessThanOrEqual((TOLERANCES[name] ?? TOLERANCE) * Math.max(1, rms));
  });
});
