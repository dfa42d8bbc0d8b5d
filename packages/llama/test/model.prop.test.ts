import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { logitsInBatches, randomModel, smallConfig } from "./support/hand-made.ts";

const tokens = fc.array(fc.integer({ min: 0, max: 95 }), { minLength: 1, maxLength: 40 });
const models = {
  f32: await randomModel(),
  q5_0: await randomModel(smallConfig({ nKvHeads: 2 }), "q5_0"),
};

test.prop([tokens, fc.integer({ min: 1, max: 40 }), fc.constantFrom("f32" as const, "q5_0" as const)], { numRuns: 30 })(
  "one pass of n tokens gives what n passes of one, and passes of any size, give",
  async (ids, batchTokens, type) => {
    const single = await logitsInBatches(models[type], ids, 1);
    expect(await logitsInBatches(models[type], ids, ids.length)).toEqual(single);
    expect(await logitsInBatches(models[type], ids, batchTokens)).toEqual(single);
  },
);
