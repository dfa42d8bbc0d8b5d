import { build803Chain, createSampler } from "@ll/sampling";
import { describe, expect, test } from "vitest";
import { createGenerator } from "../src/index.ts";
import { GOLDEN_LOGITS, GOLDEN_TEXTS, PROMPT, TEXT_PROMPT } from "./support/golden-vectors.ts";
import { argMax } from "./support/hand-made.ts";
import { goldenModel, sha256 } from "./support/model-files.ts";

describe("logits of the synthetic model equal build 803's, bit for bit", () => {
  test.each(GOLDEN_LOGITS)("$type", async ({ ftype, promptLogits, greedy, allLogits }) => {
    const model = await goldenModel(ftype);
    const context = await model.createContext();
    const prompt = await context.evaluate(PROMPT, 0, { logits: "all" });
    expect(sha256(prompt)).toBe(promptLogits);

    const rows = [prompt];
    const ids: number[] = [];
    for (let last = prompt.subarray(4 * 512), i = 0; i < 20; i++) {
      ids.push(argMax.sample(last));
      last = await context.evaluate(ids.slice(-1), PROMPT.length + i);
      rows.push(last);
    }
    expect(ids).toEqual(greedy);
    expect(sha256(...rows)).toBe(allLogits);
  });
});

const textModels = new Map([
  ["f16", goldenModel(1)],
  ["Q4_0", goldenModel(2)],
]);

describe("texts of the synthetic model equal build 803's", () => {
  test.each(GOLDEN_TEXTS)("$type $sampling seed $seed, context $contextTokens", async (golden) => {
    const model = (await textModels.get(golden.type))!;
    const sampler = createSampler({ stages: build803Chain(golden.sampling), seed: golden.seed, nVocab: 512 });
    const context = await model.createContext({ contextTokens: golden.contextTokens });
    const generator = createGenerator(context, { sampler, keepTokens: golden.keepTokens });
    generator.accept(TEXT_PROMPT);
    const ids: number[] = [];
    while (ids.length < golden.ids.length) {
      await generator.evaluatePending();
      ids.push(generator.sample());
    }
    expect(ids).toEqual(golden.ids);
  });
});
