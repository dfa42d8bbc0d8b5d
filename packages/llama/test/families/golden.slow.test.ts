// The engines agree to the bit on every family, with all kernels that run here, on any number of threads and in batches of any size.

import { expect, test } from "vitest";
import { describeWithTestData } from "../../../../tools/test-data.ts";
import { createScalarModel, loadWeights } from "../../src/index.ts";
import { familyRuns, familyTokens, openFamilyModel, WITHOUT_KERNELS } from "../support/family-models.ts";
import { logitsInBatches } from "../support/hand-made.ts";
import { FAST_TIERS, loadForTest } from "../team/support/engines.ts";

describeWithTestData("all tiers, threads and batches", () => {
  test.each(familyRuns().filter(([name]) => !WITHOUT_KERNELS.includes(name)))(
    "%s %s",
    async (name, model, { nCtx }) => {
      const tokens = familyTokens(name);
      const { source, config } = await openFamilyModel(name, model);
      for (const kvType of ["f32", "f16"] as const) {
        const options = { contextTokens: nCtx, kvType };
        const scalar = createScalarModel(await loadWeights(source, config));
        const bits = await logitsInBatches(scalar, tokens, tokens.length, options);
        for (const tier of FAST_TIERS) {
          for (const threads of [1, 2, 3]) {
            const fast = await loadForTest(source, config, { threads, kernels: tier });
            expect(fast.kernels).toBe(tier);
            for (const batchTokens of [1, 7, 24]) {
              expect(await logitsInBatches(fast, tokens, batchTokens, options)).toEqual(bits);
            }
          }
        }
      }
    },
  );
});
