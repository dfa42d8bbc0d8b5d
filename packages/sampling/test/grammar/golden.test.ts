// Runs that llama.cpp's last ggjt revision recorded with a grammar: same model, same seed, same text.

import { readFileSync } from "node:fs";
import { openFileSource } from "@ll/bytes/node";
import { openGgml } from "@ll/ggml-format";
import { configFromGgml, createScalarModel, generate, loadWeights, type Model } from "@ll/llama";
import { createTokenizer, type Tokenizer } from "@ll/tokenizer";
import { expect, test } from "vitest";
import { describeWithTestData, testData } from "../../../../tools/test-data.ts";
import { createGrammarStage, createSampler, parseGrammar, samplingChain } from "../../src/index.ts";

interface GoldenCase {
  readonly name: string;
  readonly model: string;
  readonly args: readonly string[];
  readonly stdout: { readonly text: string };
  readonly files?: Readonly<Record<string, string>>;
}

/** `-eps` of that revision's `main` if it is not given. */
const DEFAULT_EPS = "5e-6";

/** Value of an option of a recorded run. */
function option(args: readonly string[], name: string): string | undefined {
  const index = args.indexOf(name);
  return index < 0 ? undefined : args[index + 1];
}

async function openModel(golden: GoldenCase): Promise<{ model: Model; tokenizer: Tokenizer }> {
  const source = await openFileSource(testData(`models/stories260k/ggjt/${golden.model}.bin`));
  const file = await openGgml(source);
  const rmsNormEps = Math.fround(Number(option(golden.args, "-eps") ?? DEFAULT_EPS));
  const model = createScalarModel(await loadWeights(file, configFromGgml(file.hyperParams, { rmsNormEps })));
  await source.close();
  return { model, tokenizer: createTokenizer(file.vocab) };
}

async function textOf(golden: GoldenCase): Promise<string> {
  const { model, tokenizer } = await openModel(golden);
  const { nVocab, special, tokenBytes } = tokenizer;
  const { args, files } = golden;
  const text = option(args, "--grammar") ?? files?.[option(args, "--grammar-file") ?? ""] ?? "";
  const grammar = createGrammarStage({ grammar: parseGrammar(text), nVocab, endIds: special.ends, tokenBytes });
  const temperature = option(args, "--temp");
  const options = temperature === undefined ? {} : { temperature: Number(temperature) };
  const sampler = createSampler({
    stages: samplingChain({ ...options, grammar }),
    seed: Number(option(args, "-s")),
    nVocab,
  });
  const prompt = ` ${option(args, "-p")}`;
  const context = await model.createContext({ contextTokens: 512 });
  const parts = [prompt];
  const maxTokens = Number(option(args, "-n"));
  const ids = tokenizer.encode(prompt, { bos: true });
  for await (const token of generate(context, ids, { sampler, tokenBytes, ends: special.ends, maxTokens }))
    parts.push(token.text);
  await model.dispose();
  return parts.join("");
}

describeWithTestData("recorded texts under a grammar", () => {
  const { cases } = JSON.parse(readFileSync(testData("golden/stories260k-after-803.json"), "utf8")) as {
    cases: GoldenCase[];
  };
  const withGrammar = cases.filter(({ args }) => args.includes("--grammar") || args.includes("--grammar-file"));

  test("there are fifteen", () => {
    expect(withGrammar).toHaveLength(15);
  });

  test.each(withGrammar.map((golden) => [golden.name, golden] as const))("%s", async (_name, golden) => {
    expect(await textOf(golden)).toBe(golden.stdout.text);
  });
});
