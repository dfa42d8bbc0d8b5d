// The long matrix: every recording of build 803 in every kernel tier and with 1, 2 and 3 threads; random models on threads.

import { readFileSync } from "node:fs";
import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { describeWithTestData, testData } from "../../../../tools/test-data.ts";
import { configFromGgml } from "../../src/index.ts";
import { GOLDEN_LOGITS, PROMPT } from "../support/golden-vectors.ts";
import { argMax, logitsInBatches } from "../support/hand-made.ts";
import { goldenSource, openTestData, sha256 } from "../support/model-files.ts";
import { FAST_KERNELS, loadForTest } from "./support/engines.ts";
import { expectTwins, randomCases } from "./support/random-models.ts";

const ENGINES = FAST_KERNELS.flatMap((kernels) => [1, 2, 3].map((threads) => ({ kernels, threads })));

const LOGITS: [model: string, type: string][] = [
  ["tiny", "f16"],
  ["tiny", "q4_0"],
  ["tiny", "q8_0"],
  ["stories260k", "f16"],
  ["stories260k", "q4_0"],
  ["stories260k", "q4_1"],
  ["stories260k", "q5_0"],
  ["stories260k", "q5_1"],
  ["stories260k", "q8_0"],
];

test("there are fast kernels to test", () => {
  expect(FAST_KERNELS).toContain("simd");
});

describeWithTestData("logits of trained models equal build 803's", () => {
  describe.each(LOGITS)("%s %s", (name, type) => {
    test.each(ENGINES)("$kernels, $threads threads", async (engine) => {
      const recorded = sha256(readFileSync(testData(`golden/${name}-logits/logits-${type}.f32`)));
      const tokens = JSON.parse(readFileSync(testData(`golden/${name}-logits/tokens.json`), "utf8")).prompt_tokens;
      const file = await openTestData(`${name}/ggjt/${type}.bin`);
      const model = await loadForTest(file, configFromGgml(file.hyperParams), engine);
      for (const batchTokens of [1, 7, 512]) {
        expect(sha256(await logitsInBatches(model, tokens, batchTokens))).toBe(recorded);
      }
    });
  });
});

describe("logits of the synthetic model equal build 803's", () => {
  describe.each(GOLDEN_LOGITS)("$type", ({ ftype, promptLogits, greedy, allLogits }) => {
    test.each(ENGINES)("$kernels, $threads threads", async (engine) => {
      const { source, config } = await goldenSource(ftype);
      const model = await loadForTest(source, config, engine);
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
});

property.prop([randomCases, fc.integer({ min: 2, max: 3 })], { numRuns: 60 })(
  "threads with any number of shards compute what the scalar engine computes",
  (one, threads) => expectTwins(one, threads),
);

property.prop([randomCases], { numRuns: 400 })("one thread with any number of shards does", (one) =>
  expectTwins(one, 1),
);
