// What each stage does in cases small enough to follow by hand; the rest is compared with plain twins in stages.prop.test.ts.

import { describe, expect, test } from "vitest";
import { type Candidates, createCandidates } from "../src/candidates.ts";
import { createRng, type SamplerStage } from "../src/index.ts";
import { prepareStage } from "../src/stages.ts";

/** The candidates that a stage leaves of these logits. */
function apply(stage: SamplerStage, logits: readonly number[], lastTokens: readonly number[] = []): Candidates {
  const candidates = createCandidates(logits.length);
  candidates.ids.set(logits.map((_, id) => id));
  candidates.logits.set(logits);
  candidates.n = logits.length;
  const context = { logits: Float32Array.from(logits), lastTokens, rng: createRng(42), nVocab: logits.length };
  prepareStage(stage, logits.length)(candidates, context);
  return candidates;
}
const idsOf = ({ ids, n }: Candidates) => [...ids.subarray(0, n)];
const logitsOf = ({ logits, n }: Candidates) => [...logits.subarray(0, n)];

describe("repetition-penalty", () => {
  const stage: SamplerStage = { kind: "repetition-penalty", penalty: 2, lastN: 3 };

  test("divides positive logits and multiplies others, once per id, within the window", () => {
    expect(logitsOf(apply(stage, [4, 4, -4, 4], [3, 0, 0, 2]))).toEqual([2, 4, -8, 4]);
  });

  test("ignores what is no id", () => {
    expect(logitsOf(apply(stage, [4, 4], [-1, 2, 0.5]))).toEqual([4, 4]);
    expect(logitsOf(apply(stage, [4, 4], [Number.NaN, 1e300, 1]))).toEqual([4, 2]);
  });
});

test("frequency-presence-penalty counts occurrences", () => {
  const stage: SamplerStage = { kind: "frequency-presence-penalty", frequency: 1, presence: 0.5, lastN: -1 };
  expect(logitsOf(apply(stage, [4, 4, 4], [0, 0, 2]))).toEqual([1.5, 4, 2.5]);
});

test("a penalty counts afresh at every call", () => {
  const stage: SamplerStage = { kind: "frequency-presence-penalty", frequency: 1, presence: 0, lastN: -1 };
  const run = prepareStage(stage, 2);
  for (let round = 0; round < 3; round++) {
    const candidates = createCandidates(2);
    candidates.ids[1] = 1;
    candidates.n = 2;
    run(candidates, { logits: new Float32Array(2), lastTokens: [1, 1], rng: createRng(1), nVocab: 2 });
    expect(logitsOf(candidates)).toEqual([0, -2]);
  }
});

test("top-k keeps at least minKeep and 0 keeps all, sorted", () => {
  expect(idsOf(apply({ kind: "top-k", k: 2 }, [1, 3, 2]))).toEqual([1, 2]);
  expect(idsOf(apply({ kind: "top-k", k: 1, minKeep: 2 }, [1, 3, 2]))).toEqual([1, 2]);
  expect(idsOf(apply({ kind: "top-k", k: 0 }, [1, 3, 2]))).toEqual([1, 2, 0]);
});

describe("tail-free", () => {
  test("cuts the flat tail", () => {
    // probabilities near 0.63, 0.23, 0.09, 0.03, 0.01: the bend is at the start
    expect(idsOf(apply({ kind: "tail-free", z: 0.5 }, [5, 4, 3, 2, 1]))).toEqual([0]);
    expect(idsOf(apply({ kind: "tail-free", z: 0.95 }, [5, 4, 3, 2, 1]))).toEqual([0, 1]);
  });

  test("equal probabilities have no bend: 0 / 0, and nothing is cut", () => {
    expect(apply({ kind: "tail-free", z: 0.1 }, [1, 1, 1, 1]).n).toBe(4);
  });

  test("two candidates have no second difference", () => {
    expect(apply({ kind: "tail-free", z: 0.1 }, [9, 1]).n).toBe(2);
  });
});

describe("typical", () => {
  test("leaves the candidates in order of typicality, counted as sorted", () => {
    // p = 0.5, 0.25, 0.125, 0.125: entropy 1.75 bits, so the second is the most typical
    const left = apply(
      { kind: "typical", p: 0.7 },
      [3, 2, 1, 1].map((bits) => bits * Math.LN2),
    );
    expect(idsOf(left)).toEqual([1, 0]);
    expect(left.sorted).toBe(true);
  });

  test("a probability of 0 makes all equally typical: the first ones by libstdc++'s order of equals", () => {
    expect(idsOf(apply({ kind: "typical", p: 0.5 }, [0, 0, 0, -1000]))).toEqual([0, 1]);
  });
});

test("top-p keeps the prefix that reaches the mass", () => {
  const logits = [0.1, 0.4, 0.2, 0.3].map(Math.log);
  expect(idsOf(apply({ kind: "top-p", p: 0.5 }, logits))).toEqual([1, 3]);
  expect(idsOf(apply({ kind: "top-p", p: 0.5, minKeep: 3 }, logits))).toEqual([1, 3, 2]);
  expect(idsOf(apply({ kind: "top-p", p: 0 }, logits))).toEqual([1]);
});

test("temperature divides; 0 keeps the first of the largest", () => {
  expect(logitsOf(apply({ kind: "temperature", temperature: 2 }, [1, -3]))).toEqual([0.5, -1.5]);
  expect(idsOf(apply({ kind: "temperature", temperature: 0 }, [1, 3, 3]))).toEqual([1]);
});

describe("logit-bias", () => {
  const stage: SamplerStage = { kind: "logit-bias", biases: [[1, Number.NEGATIVE_INFINITY]] };

  test("−∞ forbids an id", () => {
    expect(logitsOf(apply(stage, [1, 2]))).toEqual([1, Number.NEGATIVE_INFINITY]);
  });

  test("passes over an id that was filtered out", () => {
    const run = prepareStage(stage, 2);
    const candidates = createCandidates(2);
    candidates.n = 1;
    run(candidates, { logits: new Float32Array(2), lastTokens: [], rng: createRng(1), nVocab: 2 });
    expect(logitsOf(candidates)).toEqual([0]);
  });
});

test("mirostat2: the bound lasts from token to token and follows the surprise", () => {
  // 64 equal candidates of 6 bits each. The bound starts at 2 tau = 4 bits, so only the first passes; being no surprise, it
  // raises the bound by eta · tau = 1 bit a token, until at 6 bits all pass
  const run = prepareStage({ kind: "mirostat2", tau: 2, eta: 0.5 }, 64);
  const rng = createRng(42);
  const tokens = Array.from({ length: 3 }, () => {
    const candidates = createCandidates(64);
    candidates.ids.set(Array.from({ length: 64 }, (_, id) => id));
    candidates.n = 64;
    const before = rng.exportState();
    run(candidates, { logits: new Float32Array(64), lastTokens: [], rng, nVocab: 64 });
    expect(candidates.n).toBe(1);
    return { id: candidates.ids[0], drew: rng.exportState() !== before };
  });
  const first = tokens[0]!.id;
  expect(tokens.slice(0, 2)).toEqual([
    { id: first, drew: false },
    { id: first, drew: false },
  ]);
  expect(tokens[2]!.drew).toBe(true);
  expect(tokens[2]!.id).not.toBe(first);
});

test("min-p keeps what is likely enough beside the most likely, in its order", () => {
  const logits = [0.1, 0.4, 0.2, 0.3].map(Math.log);
  expect(idsOf(apply({ kind: "min-p", p: 0.6 }, logits))).toEqual([1, 3]); // 0.6 · 0.4 = 0.24
  expect(idsOf(apply({ kind: "min-p", p: 0 }, logits))).toEqual([0, 1, 2, 3]);
  expect(idsOf(apply({ kind: "min-p", p: 1 }, [2, 3, 3]))).toEqual([1, 2]);
  expect(idsOf(apply({ kind: "min-p", p: 1, minKeep: 3 }, logits))).toEqual([1, 3, 2]);
});

describe("xtc", () => {
  const logits = [0.05, 0.4, 0.2, 0.35].map(Math.log);

  test("removes the top choices but the least likely of them", () => {
    expect(idsOf(apply({ kind: "xtc", probability: 1, threshold: 0.1 }, logits))).toEqual([2, 0]);
    expect(idsOf(apply({ kind: "xtc", probability: 1, threshold: 0.3 }, logits))).toEqual([3, 2, 0]);
  });

  test("leaves a single top choice alone, and everything if too few would be left", () => {
    expect(apply({ kind: "xtc", probability: 1, threshold: 0.38 }, logits).n).toBe(4);
    expect(apply({ kind: "xtc", probability: 1, threshold: 0.1, minKeep: 3 }, logits).n).toBe(4);
  });

  test("strikes as often as it should, at the cost of one random number", () => {
    const run = prepareStage({ kind: "xtc", probability: 0.25, threshold: 0.1 }, 4);
    const rng = createRng(42);
    const expected = createRng(42);
    let strikes = 0;
    for (let i = 0; i < 2000; i++) {
      const candidates = createCandidates(4);
      candidates.logits.set(logits);
      candidates.n = 4;
      run(candidates, { logits: new Float32Array(4), lastTokens: [], rng, nVocab: 4 });
      const strikesNow = expected.next() / 2 ** 32 <= 0.25;
      expect(candidates.n === 2).toBe(strikesNow);
      if (strikesNow) strikes++;
    }
    expect(Math.abs(strikes - 500)).toBeLessThan(80); // four standard deviations
    expect(rng.next()).toBe(expected.next());
  });

  test("is off above one half, where there cannot be two top choices", () => {
    expect(apply({ kind: "xtc", probability: 1, threshold: 0.51 }, [0, 0]).n).toBe(2);
  });
});

describe("dry", () => {
  const stage = { kind: "dry", multiplier: 1, base: 2, allowedLength: 2, lastN: -1 } as const;

  test("the longer the sequence that a token prolongs, the more it loses", () => {
    // … 1 2 3 4 … 1 2 3: 4 prolongs three tokens, so it loses 2^(3 − 2)
    expect(logitsOf(apply(stage, [0, 0, 0, 0, 0, 0], [1, 2, 3, 4, 5, 1, 2, 3]))).toEqual([0, 0, 0, 0, -2, 0]);
  });

  test("the longest of several counts, and what is short is allowed", () => {
    const tokens = [3, 4, 9, 2, 3, 4, 9, 1, 2, 3];
    expect(logitsOf(apply(stage, [0, 0, 0, 0, 0], tokens))).toEqual([0, 0, 0, 0, -1]);
    expect(logitsOf(apply({ ...stage, allowedLength: 3 }, [0, 0, 0, 0, 0], tokens))).toEqual([0, 0, 0, 0, 0]);
    expect(logitsOf(apply({ ...stage, allowedLength: 1 }, [0, 0, 0, 0, 0], tokens))).toEqual([0, 0, 0, 0, -2]);
  });

  test("does not look across a breaker, of one token or of several", () => {
    const tokens = [1, 2, 3, 4, 5, 1, 2, 3];
    const lost = (breakers: number[][]) => logitsOf(apply({ ...stage, breakers }, [0, 0, 0, 0, 0, 0], tokens))[4];
    expect(lost([[5]])).toBe(-2); // three tokens behind it
    expect(lost([[1]])).toBe(-1); // two
    expect(lost([[2]])).toBe(0); // one, which is allowed
    expect(lost([[5, 1]])).toBe(-1);
    expect(lost([[5, 1, 2]])).toBe(0);
    expect(lost([[5, 2]])).toBe(-2); // stands nowhere
    expect(lost([[5], [5, 1]])).toBe(-1); // the longer of two
  });

  test("a token that is a breaker itself is not penalised", () => {
    expect(logitsOf(apply({ ...stage, breakers: [[4]] }, [0, 0, 0, 0, 0], [1, 2, 3, 4, 1, 2, 3]))[4]).toBe(0);
    expect(logitsOf(apply({ ...stage, breakers: [[4, 0]] }, [0, 0, 0, 0, 0], [1, 2, 3, 4, 1, 2, 3]))[4]).toBe(-2);
  });

  test("a long loop does not overflow", () => {
    const loop = Array.from({ length: 400 }, (_, i) => i % 2);
    const [first, second] = logitsOf(apply({ ...stage, base: 1.75 }, [0, 0], loop));
    expect(first).toBeLessThan(-1e38);
    expect(first).toBeGreaterThan(Number.NEGATIVE_INFINITY);
    expect(second).toBe(0);
  });
});
