import { expect, test } from "vitest";
import { createBudget, FormatError } from "../src/index.ts";

test("a budget counts, and refuses what would pass its limit", () => {
  const budget = createBudget({ bytes: 100, items: 2 }, "some.bin");
  budget.takeBytes(60, "a");
  budget.takeBytes(40, "b");
  budget.takeItems(1, "c");
  expect([budget.usedBytes, budget.usedItems]).toEqual([100, 1]);
  expect(budget.limits).toEqual({ bytes: 100, items: 2 });
  expect(() => budget.takeBytes(1, "vocab[3]", 77)).toThrow(
    expect.objectContaining({
      code: "E_LIMIT",
      file: "some.bin",
      offset: 77,
      field: "vocab[3]",
      expected: "at most 100 bytes",
      got: 101,
    }),
  );
  expect(() => budget.takeItems(2, "d")).toThrow(
    expect.objectContaining({ code: "E_LIMIT", expected: "at most 2 items", got: 3 }),
  );
  // what was refused is not counted
  expect([budget.usedBytes, budget.usedItems]).toEqual([100, 1]);
  budget.takeItems(1, "e");
});

test("errors have the class asked for", () => {
  class OwnError extends FormatError {}
  const budget = createBudget({ bytes: 0, items: 0 }, undefined, OwnError);
  expect(() => budget.takeBytes(1, "x")).toThrow(OwnError);
});
