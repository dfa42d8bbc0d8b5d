// Known operations in any order that a family may record them in: the engines agree to the bit.

import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { createScalarModel, type KvTypes, loadWeights } from "../src/index.ts";
import { logitsInBatches } from "./support/hand-made.ts";
import { randomGraphs, withRandomModel } from "./support/random-graphs.ts";
import { FAST_KERNELS, loadForTest } from "./team/support/engines.ts";

const runs = fc.record({
  tier: fc.constantFrom(...FAST_KERNELS),
  threads: fc.constantFrom(1, 1, 2),
  nTokens: fc.integer({ min: 1, max: 50 }),
  batchTokens: fc.integer({ min: 1, max: 50 }),
  kvType: fc.constantFrom<KvTypes>("f16", "f32", "q8_0", { k: "q8_0", v: "f16" }),
  arithmetic: fc.constantFrom("build803" as const, "lanes" as const),
});

test.prop([randomGraphs, runs], { numRuns: 25 })(
  "random graphs compute the same bits in both engines",
  (graph, { tier, threads, nTokens, batchTokens, kvType, arithmetic }) =>
    withRandomModel(graph, async (source, config) => {
      const tokens = Array.from({ length: nTokens }, (_, i) => (graph.seed + i * 37) % graph.nVocab);
      const options = { contextTokens: nTokens, kvType };
      const scalar = createScalarModel(await loadWeights(source, config), { arithmetic, sumInputs: true });
      const expected = await logitsInBatches(scalar, tokens, nTokens, options);
      expect(expected.every(Number.isFinite)).toBe(true);
      const fast = await loadForTest(source, config, { kernels: tier, threads, arithmetic, sumInputs: true });
      expect(fast.kernels).toBe(tier.replace(/-.*/, ""));
      expect(await logitsInBatches(fast, tokens, batchTokens, options)).toEqual(expected);
      expect(await fast.inputSums?.()).toEqual(await scalar.inputSums?.());
    }),
);
