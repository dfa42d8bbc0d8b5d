import { expect, test } from "vitest";
import { createBudget, FormatError, headerBudget } from "../src/index.ts";

test("a budget counts, and refuses what would pass its limit", () => {
  const budget = createBudget({ bytes: 100, items: 2, steps: 3 }, "some.bin");
  budget.takeBytes(60, "a");
  budget.takeBytes(40, "b");
  budget.takeItems(1, "c");
  budget.takeSteps(3, "d");
  expect([budget.usedBytes, budget.usedItems, budget.usedSteps]).toEqual([100, 1, 3]);
  expect(budget.limits).toEqual({ bytes: 100, items: 2, steps: 3 });
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
  expect(() => budget.takeSteps(1, "e")).toThrow(
    expect.objectContaining({ code: "E_LIMIT", expected: "at most 3 steps", got: 4 }),
  );
  // what was refused is not counted
  expect([budget.usedBytes, budget.usedItems, budget.usedSteps]).toEqual([100, 1, 3]);
  budget.takeItems(1, "e");
});

test("bytes that are given back can be taken again; the most that were held is known", () => {
  const budget = createBudget({ bytes: 100, items: 0, steps: 0 });
  budget.takeBytes(70, "a");
  budget.releaseBytes(50);
  budget.takeBytes(30, "b");
  expect([budget.usedBytes, budget.peakBytes]).toEqual([50, 70]);
  budget.takeBytes(50, "c");
  expect(budget.peakBytes).toBe(100);
});

test("what a parser may take grows with the bytes that are present", () => {
  expect(headerBudget(1000).limits).toEqual({ bytes: 2000 + 1024 * 1024, items: 1000, steps: 4000 + 1024 });
});

test("errors have the class asked for", () => {
  class OwnError extends FormatError {}
  const budget = createBudget({ bytes: 0, items: 0, steps: 0 }, undefined, OwnError);
  expect(() => budget.takeBytes(1, "x")).toThrow(OwnError);
});
