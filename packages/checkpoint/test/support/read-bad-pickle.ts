import { countingBudget, expectWithinPromise } from "../../../../tools/parser-cost.ts";
import { readPickle } from "../../src/pickle.ts";
import type { PickleValue } from "../../src/pickle-values.ts";

/** Reads a pickle that begins at byte 64 of bad.pth, and asserts what that cost. */
export function readBadPickle(bytes: Uint8Array): PickleValue {
  const budget = countingBudget();
  try {
    return readPickle(bytes, { file: "bad.pth", baseOffset: 64, budget });
  } finally {
    expectWithinPromise(budget, bytes.length);
  }
}
