// What SECURITY.md promises of every parser, as numbers of its budget. Counters, not measurements: they are the same on every machine.

import { type Budget, headerBudget } from "@ll/bytes";
import { expect } from "vitest";

export { countingBudget } from "./counting-budget.ts";

/**
 * Asserts that a parser took at most twice the bytes of the header and 1 MiB, a record for each byte, and 4 steps for each byte.
 * The steps stand for time. Between two of them a parser does what is bounded by the bytes it steps over, so that time grows with
 * the file and with nothing that the file declares. `tools/hostile-cost.ts` measures that it is less than 100 ms for each MiB
 * begun, with the inputs that cost most.
 * @param headerBytes those that are really there; of a file of a few KiB, all of them
 */
export function expectWithinPromise(budget: Budget, headerBytes: number): void {
  const { bytes, items, steps } = headerBudget(headerBytes).limits;
  expect(bytes).toBe(2 * headerBytes + 1024 * 1024);
  expect(budget.peakBytes).toBeLessThanOrEqual(bytes);
  expect(budget.usedItems).toBeLessThanOrEqual(items);
  expect(budget.usedSteps).toBeLessThanOrEqual(steps);
  expect(budget.usedBytes).toBeGreaterThanOrEqual(0);
}
