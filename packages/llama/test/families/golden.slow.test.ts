// The engines agree to the bit on every family, with all kernels that run here, on any number of threads and in batches of any size.

import { expect, test } from "vitest";
import { describeWithTestData } from "../../../../tools/test-data.ts";
import { createScalarModel, type KvType, loadWeights } from "../../src/index.ts";
import { familyRuns, familyTokens, openFamilyModel } from "../support/family-models.ts";
import { logitsInBatches } from "../support/hand-made.ts";
import { FAST_KERNELS, loadForTest } from "../team/support/engines.ts";

const KV_TYPES = ["f32", "f16", "q8_0"] as const;

/** All kernels with 1, 2 and 3 threads in the arithmetic of these files; in the other one each of them once, each number of threads once. */
const ENGINES = FAST_KERNELS.flatMap((kernels, i) =>
  [1, 2, 3].map((threads) => ({ kernels, threads, isInBoth: threads === 1 + (i % 3) })),
);

const runs = familyRuns().flatMap(([name, model, run]) =>
  (["build803", "lanes"] as const).map((arithmetic) => [name, model, run.note, arithmetic, run.nCtx] as const),
);

describeWithTestData("all tiers, threads and batches", () => {
  test.each(runs)("%s %s %s %s", async (name, model, _, arithmetic, contextTokens) => {
    const tokens = familyTokens(name);
    const { source, config } = await openFamilyModel(name, model);
    const scalar = createScalarModel(await loadWeights(source, config), { arithmetic });
    const bits = new Map<KvType, Float32Array>();
    for (const kvType of KV_TYPES) {
      bits.set(kvType, await logitsInBatches(scalar, tokens, tokens.length, { contextTokens, kvType }));
    }
    for (const { kernels, threads, isInBoth } of ENGINES) {
      if (arithmetic === "build803" && !isInBoth) continue;
      const fast = await loadForTest(source, config, { threads, kernels, arithmetic });
      expect(fast.kernels).toBe(kernels.replace(/-.*/, ""));
      for (const kvType of KV_TYPES) {
        for (const batchTokens of kvType === "f16" ? [7] : [1, 7, 24]) {
          const got = await logitsInBatches(fast, tokens, batchTokens, { contextTokens, kvType });
          expect(got).toEqual(bits.get(kvType));
        }
      }
      await fast.dispose();
    }
  });
});
