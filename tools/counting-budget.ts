import { type Budget, createBudget } from "@ll/bytes";

/** A budget that refuses nothing, so that a parser that takes too much is seen, not stopped. */
export function countingBudget(): Budget {
  return createBudget({
    bytes: Number.POSITIVE_INFINITY,
    items: Number.POSITIVE_INFINITY,
    steps: Number.POSITIVE_INFINITY,
  });
}
