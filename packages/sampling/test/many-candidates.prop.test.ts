// Chains over so many candidates that not all of them are sorted, against the plain twins, which sort all.

import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { createCandidates, settleOrder } from "../src/candidates.ts";
import { createRng, createSampler, type SamplerStage } from "../src/index.ts";
import { addDescending, addInOrder } from "../src/ordered-sum.ts";
import { createRadixWork, sortPositions } from "../src/radix-sort.ts";
import { sortDescending } from "../src/sort.ts";
import { prepareStage } from "../src/stages.ts";
import { orForbidden, plainDraw, plainStage, plainState } from "./twin/plain-stages.ts";

/** Numbers in [0, 1) from a seed: arrays of thousands are too slow to draw one by one. */
function uniform(seed: number): () => number {
  const rng = createRng(seed);
  return () => rng.next() / 2 ** 32;
}

function bell(next: () => number): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += next();
  return sum;
}

const SHAPES: Record<string, (next: () => number) => (i: number) => number> = {
  flat: (next) => () => 2 * bell(next),
  peaked: (next) => () => (next() < 0.01 ? 12 + 4 * bell(next) : 2 * bell(next)),
  "on a grid": (next) => () => Math.round(4 * bell(next)) / 2,
  "two values": (next) => () => (next() < 0.3 ? 1 : -1),
  equal: () => () => 1.5,
  "one above equal ones": () => (i) => (i === 77 ? 3 : 0),
  "mostly forbidden": (next) => () => (next() < 0.05 ? bell(next) : Number.NEGATIVE_INFINITY),
  "all forbidden": () => () => Number.NEGATIVE_INFINITY,
  "far apart": (next) => () => 200 * bell(next),
  "some not numbers": (next) => () => (next() < 0.1 ? Number.NaN : bell(next)),
  "no numbers": () => () => Number.NaN,
  "no number or forbidden": (next) => () => (next() < 0.5 ? Number.NaN : Number.NEGATIVE_INFINITY),
  "some infinite": (next) => () => (next() < 0.01 ? Number.POSITIVE_INFINITY : bell(next)),
  enormous: (next) => () => 1e38 * bell(next),
  "both zeros": (next) => () => (next() < 0.5 ? 0 : -0),
  small: (next) => () => 1e-3 * bell(next),
  "all but equal": (next) => () => 7 + 2 ** -21 * Math.floor(4 * next()),
  steep: (next) => () => 40 * Math.log(next() + 1e-9),
};

const logits = fc
  .record({
    shape: fc.constantFrom(...Object.keys(SHAPES)),
    n: fc.integer({ min: 257, max: 1500 }),
    seed: fc.nat(),
    bias: fc.constantFrom(0, 0, 0, Number.NEGATIVE_INFINITY, 5),
  })
  .map(({ shape, n, seed, bias }) => {
    const values = new Float32Array(n);
    const valueAt = SHAPES[shape]!(uniform(seed));
    for (let i = 0; i < n; i++) values[i] = valueAt(i);
    values[n >> 1]! += bias;
    return values;
  });

const share = fc.constantFrom(0.1, 0.5, 0.9, 0.95, 0.99, 0.9999, Math.fround(1 - 2 ** -24));
const minKeep = fc.constantFrom(undefined, 1, 5, 300);
const feedback = { tau: fc.constantFrom(0.5, 3, 5, 9), eta: fc.constantFrom(0, 0.1, 1) };
const stages: Record<string, fc.Arbitrary<SamplerStage>> = {
  "sort all": fc.constant({ kind: "top-k", k: 0 }),
  "top-k": fc.record({ kind: fc.constant("top-k" as const), k: fc.constantFrom(1, 40, 300, 5000), minKeep }),
  "tail-free": fc.record({ kind: fc.constant("tail-free" as const), z: share, minKeep }),
  typical: fc.record({ kind: fc.constant("typical" as const), p: share, minKeep }),
  "top-p": fc.record({ kind: fc.constant("top-p" as const), p: share, minKeep }),
  "min-p": fc.record({ kind: fc.constant("min-p" as const), p: fc.constantFrom(0.001, 0.05, 0.5, 1), minKeep }),
  xtc: fc.record({
    kind: fc.constant("xtc" as const),
    probability: fc.constant(1),
    threshold: fc.constantFrom(0.001, 0.01, 0.1),
  }),
  temperature: fc.record({
    kind: fc.constant("temperature" as const),
    temperature: fc.constantFrom(0, 0.2, 0.8, 1.7, 1e30, 1e-38, Number.POSITIVE_INFINITY),
  }),
  "repetition-penalty": fc.constant({ kind: "repetition-penalty", penalty: 1.3, lastN: -1 }),
  mirostat1: fc.record({ kind: fc.constant("mirostat1" as const), ...feedback }),
  mirostat2: fc.record({ kind: fc.constant("mirostat2" as const), ...feedback }),
  greedy: fc.constant({ kind: "greedy" }),
};
const stage = fc.oneof(...Object.values(stages));
const sortsAll = fc.boolean();

describe("equals its plain twin", () => {
  for (const [name, options] of Object.entries(stages)) {
    test.prop([logits, options, sortsAll, fc.nat()], { numRuns: 150 })(`${name}`, (values, of, sorts, seed) => {
      const nVocab = values.length;
      const chain: SamplerStage[] = sorts ? [{ kind: "top-k", k: 0 }, of] : [of];
      const candidates = createCandidates(nVocab);
      candidates.ids.set(Array.from(values, (_, id) => id));
      candidates.logits.set(values);
      candidates.n = nVocab;
      const plain = plainState(values);
      const [rng, plainRng] = [createRng(seed), createRng(seed)];
      for (const one of chain) {
        prepareStage(one, nVocab)(candidates, { logits: values, lastTokens: [1, 2], rng, nVocab });
        plainStage(one, plain, { lastTokens: [1, 2], rng: plainRng, nVocab });
      }
      settleOrder(candidates);
      expect(candidates.n).toBe(plain.candidates.length);
      expect([...candidates.ids.subarray(0, candidates.n)]).toEqual(plain.candidates.map((c) => c.id));
      expect(Array.from(candidates.logits.subarray(0, candidates.n), orForbidden)).toEqual(
        plain.candidates.map((c) => c.logit),
      );
      expect(rng.next()).toBe(plainRng.next());
    });
  }
});

describe("equals a chain of plain twins", () => {
  test.prop([logits, fc.array(stage, { maxLength: 5 }), fc.nat()], { numRuns: 600 })(
    "for any stages in any order, four tokens in a row",
    (values, chain, seed) => {
      const nVocab = values.length;
      const sampler = createSampler({ stages: chain, seed, nVocab });
      const plainRng = createRng(seed);
      const mus = new Map<SamplerStage, number | undefined>();
      const history: number[] = [];
      for (let round = 0; round < 4; round++) {
        const plain = plainState(values);
        for (const one of chain) {
          plain.mu = mus.get(one);
          plainStage(one, plain, { lastTokens: history, rng: plainRng, nVocab });
          mus.set(one, plain.mu);
        }
        const expected = plainDraw(plain, plainRng).id;
        expect(sampler.sample(values, history)).toBe(expected);
        history.push(expected);
      }
      expect(sampler.rng.next()).toBe(plainRng.next());
    },
  );
});

describe("parts", () => {
  test.prop([logits, fc.nat()])("the first of a sort are those of all", (values, pick) => {
    const k = pick % (values.length + 1);
    const [keys, ids] = [Float32Array.from(values), Int32Array.from(values, (_, i) => i)];
    sortDescending(keys, ids, values.length);
    const [someKeys, someIds] = [Float32Array.from(values), Int32Array.from(values, (_, i) => i)];
    sortDescending(someKeys, someIds, values.length, k);
    expect(someIds.subarray(0, k)).toEqual(ids.subarray(0, k));
    expect(someKeys.subarray(0, k)).toEqual(keys.subarray(0, k));
    expect([...someIds].sort((a, b) => a - b)).toEqual([...values.keys()]);
  });

  test.prop([logits])("positions are sorted by their values, each once", (some) => {
    const values = some.map(orForbidden);
    const positions = Int32Array.from(values, (_, i) => i);
    sortPositions(values, positions, values.length, createRadixWork(values.length));
    const sorted = Array.from(values, (value) => value + 0).sort((a, b) => (a === b ? 0 : b - a));
    expect(Array.from(positions, (position) => values[position]! + 0)).toEqual(sorted);
    expect([...positions].sort((a, b) => a - b)).toEqual([...values.keys()]);
  });

  const terms = fc
    .record({
      n: fc.integer({ min: 0, max: 800 }),
      seed: fc.nat(),
      bits: fc.constantFrom(1, 3, 8, 24), // few: many terms lie in the middle between two sums
      scale: fc.constantFrom(1, 2 ** -20, 2 ** -24, 2 ** -30),
      range: fc.constantFrom(0, 1, 30),
    })
    .map(({ n, seed, bits, scale, range }) => {
      const next = uniform(seed);
      return Float32Array.from({ length: n }, () => {
        const digits = Math.floor(next() * 2 ** bits) / 2 ** bits;
        return digits * scale * 2 ** -Math.floor(next() * range);
      });
    });
  const start = fc.oneof(fc.constantFrom(0, 1, 1.5, 2 ** 10, 2 ** -80), fc.float({ min: 1, max: 100, noNaN: true }));

  test.prop([start, terms])("a sum in the order given", (first, values) => {
    const expected = values.reduce((sum, term) => Math.fround(sum + term), first);
    expect(addInOrder(first, values, 0, values.length)).toBe(expected);
  });

  test.prop([start, terms])("a sum in descending order, unsorted", (first, values) => {
    const sorted = Float32Array.from(values).sort().reverse();
    const expected = sorted.reduce((sum, term) => Math.fround(sum + term), first);
    expect(addDescending(first, Float32Array.from(values), Float32Array.from(values), 0, values.length)).toBe(expected);
  });
});
