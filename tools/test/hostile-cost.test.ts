// The promise about memory and time, held against the inputs that cost most and against random damage. The bad inputs of each
// format are in its package.

import { FormatError, headerBudget, isFormatError } from "@ll/bytes";
import { describe, expect, test } from "vitest";
import { mutate } from "../fuzz/mutations.ts";
import { createRandom } from "../fuzz/random.ts";
import { type FuzzTarget, TARGETS } from "../fuzz/target.ts";
import { complaint } from "../fuzz/verdict.ts";
import { hostileInputs } from "../hostile-inputs.ts";
import { countingBudget, expectWithinPromise } from "../parser-cost.ts";

describe("an input that costs much", () => {
  test.each(hostileInputs(1024 * 1024).map((input) => [input.name, input] as const))("%s", async (_name, input) => {
    const budget = countingBudget();
    try {
      await input.parse(input.bytes, budget);
    } catch (error) {
      if (!isFormatError(error)) throw error;
    }
    expectWithinPromise(budget, input.bytes.length);
    expect(budget.usedSteps + budget.usedItems).toBeGreaterThan(0); // it was counted at all
  });
});

test("the end of a budget is a complaint, unlike any limit of a format", () => {
  const failure = (work: () => void): unknown => {
    try {
      return work();
    } catch (error) {
      return error;
    }
  };
  const budget = headerBudget(1000, "some.bin");
  for (const take of [budget.takeBytes, budget.takeItems, budget.takeSteps]) {
    expect(complaint(failure(() => take(10 ** 7, "field")))).toContain("over its budget");
  }
  expect(complaint(new FormatError({ code: "E_LIMIT", message: "too many tensors" }))).toBeUndefined();
});

// parsers that are not given a budget have `headerBudget`, and a complaint is made of its errors
test.each([...TARGETS])("%s: no random damage brings a parser to the end of its budget", async (_name, { module }) => {
  const { seeds, dictionary = [], maxBytes = 8192, fuzz } = (await import(`../fuzz/targets/${module}`)) as FuzzTarget;
  const encoder = new TextEncoder();
  const words = dictionary.map((word) => (typeof word === "string" ? encoder.encode(word) : word));
  const random = createRandom(803);
  for (let i = 0; i < seeds.length + 200; i++) {
    const input = seeds[i] ?? mutate(random.pick(seeds), random, { corpus: seeds, dictionary: words, maxBytes });
    const error: unknown = await Promise.resolve(input)
      .then(fuzz)
      .then(
        () => undefined,
        (reason: unknown) => reason,
      );
    if (error !== undefined) expect(complaint(error)).toBeUndefined();
  }
});
