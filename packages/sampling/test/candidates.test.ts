import { describe, expect, test } from "vitest";
import {
  type Candidates,
  createCandidates,
  expf,
  findCandidate,
  keepOnly,
  softmax,
  sortCandidates,
} from "../src/index.ts";

function candidatesOf(...logits: number[]): Candidates {
  const candidates = createCandidates(logits.length + 2); // with room behind them that must not count
  candidates.ids.set(logits.map((_, id) => id));
  candidates.logits.set(logits);
  candidates.n = logits.length;
  return candidates;
}

describe("softmax", () => {
  test("sorts, then gives the binary32 quotients of a binary32 sum", () => {
    const candidates = candidatesOf(1, 3, 2);
    softmax(candidates);
    expect(candidates.sorted).toBe(true);
    expect([...candidates.ids.subarray(0, 3)]).toEqual([1, 2, 0]);
    const [e1, e2] = [expf(-1), expf(-2)];
    const sum = Math.fround(Math.fround(1 + e1) + e2);
    expect([...candidates.p]).toEqual([1 / sum, e1 / sum, e2 / sum, 0, 0].map(Math.fround));
  });

  test("takes a list that counts as sorted as it is", () => {
    const candidates = candidatesOf(1, 3);
    candidates.sorted = true;
    softmax(candidates);
    expect([...candidates.ids.subarray(0, 2)]).toEqual([0, 1]);
    expect(candidates.p[1]! / candidates.p[0]!).toBeCloseTo(Math.exp(2), 4); // a quotient of rounded quotients
  });
});

test("sortCandidates sorts once", () => {
  const candidates = candidatesOf(1, 3, 2);
  sortCandidates(candidates);
  expect([...candidates.logits.subarray(0, 3)]).toEqual([3, 2, 1]);
  candidates.logits[2] = 9;
  sortCandidates(candidates);
  expect([...candidates.logits.subarray(0, 3)]).toEqual([3, 2, 9]);
});

test("keepOnly moves one candidate to the front", () => {
  const candidates = candidatesOf(1, 3, 2);
  candidates.p.set([0.1, 0.7, 0.2]);
  keepOnly(candidates, 2);
  expect(candidates.n).toBe(1);
  expect(candidates.ids[0]).toBe(2);
  expect(candidates.logits[0]).toBe(2);
  expect(candidates.p[0]).toBe(Math.fround(0.2));
});

test("findCandidate finds ids in any order and only among the first n", () => {
  const candidates = candidatesOf(1, 3, 2);
  expect(findCandidate(candidates, 2)).toBe(2);
  expect(findCandidate(candidates, 3)).toBe(-1);
  sortCandidates(candidates);
  expect(findCandidate(candidates, 0)).toBe(2);
  candidates.n = 2;
  expect(findCandidate(candidates, 0)).toBe(-1);
});
