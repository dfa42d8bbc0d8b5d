// The promise about memory and time, held against the inputs that cost most; the bad inputs of each format are in its package.

import { isFormatError } from "@ll/bytes";
import { expect, test } from "vitest";
import { hostileInputs } from "../hostile-inputs.ts";
import { countingBudget, expectWithinPromise } from "../parser-cost.ts";

test.each(hostileInputs(1024 * 1024).map((input) => [input.name, input] as const))("%s", async (_name, input) => {
  const budget = countingBudget();
  try {
    await input.parse(input.bytes, budget);
  } catch (error) {
    if (!isFormatError(error)) throw error;
  }
  expectWithinPromise(budget, input.bytes.length);
  expect(budget.usedSteps).toBeGreaterThan(0); // it was counted at all
});
