import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { createCandidates } from "../src/candidates.ts";
import { createRng, createSampler, type SamplerStage } from "../src/index.ts";
import { prepareStage } from "../src/stages.ts";
import { orForbidden, plainDraw, plainStage, plainState } from "./twin/plain-stages.ts";

const HOSTILE = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0, 1e-45, 3e38, -3e38, 1, -2].map(
  Math.fround,
);
// logits on a coarse grid (many ties), or smooth ones, or so far apart that probabilities underflow to 0
const logits = fc.oneof(
  fc.array(fc.integer({ min: -6, max: 6 }), { minLength: 1, maxLength: 200, size: "max" }),
  fc.array(fc.float({ min: -20, max: 20, noNaN: true }), { minLength: 1, maxLength: 200, size: "max" }),
  fc.array(fc.constantFrom(-300, -1, 0, 2, Number.NEGATIVE_INFINITY), { minLength: 1, maxLength: 60, size: "max" }),
  fc.array(fc.constantFrom(...HOSTILE), { minLength: 1, maxLength: 60, size: "max" }),
);
const token = fc.integer({ min: -1, max: 220 }); // some outside the vocabulary
const lastTokens = fc.oneof(
  fc.array(token, { maxLength: 80, size: "max" }),
  fc.array(fc.integer({ min: -1, max: 3 }), { maxLength: 80, size: "max" }), // full of repetitions
);
const lastN = fc.constantFrom(-1, 0, 1, 8, 64);
const share = fc.constantFrom(-1, 0, 0.1, 0.5, 0.9, 0.97, 1, 2);
const minKeep = fc.constantFrom(undefined, 1, 2, 5);
const exempt = fc.constantFrom(undefined, [], [0]);

const stages = {
  "logit-bias": fc
    .array(fc.tuple(fc.constant(0), fc.constantFrom(-2, 0.3, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)), {
      maxLength: 2,
    })
    .map((biases) => ({ kind: "logit-bias" as const, biases })),
  "repetition-penalty": fc.record({
    kind: fc.constant("repetition-penalty" as const),
    penalty: fc.constantFrom(1, 1.1, 1.3, 0.7, 0, -1, Number.POSITIVE_INFINITY),
    lastN,
    exempt,
  }),
  "frequency-presence-penalty": fc.record({
    kind: fc.constant("frequency-presence-penalty" as const),
    frequency: fc.constantFrom(0, 0.3, 1, Number.POSITIVE_INFINITY),
    presence: fc.constantFrom(0, 0.7, -1, Number.NEGATIVE_INFINITY),
    lastN,
    exempt,
  }),
  "top-k": fc.record({ kind: fc.constant("top-k" as const), k: fc.constantFrom(-1, 0, 1, 2, 40, 1000), minKeep }),
  "tail-free": fc.record({ kind: fc.constant("tail-free" as const), z: share, minKeep }),
  typical: fc.record({ kind: fc.constant("typical" as const), p: share, minKeep }),
  "top-p": fc.record({ kind: fc.constant("top-p" as const), p: share, minKeep }),
  "min-p": fc.record({
    kind: fc.constant("min-p" as const),
    p: fc.constantFrom(-1, 0, 0.001, 0.05, 0.5, 1, 2),
    minKeep,
  }),
  xtc: fc.record({
    kind: fc.constant("xtc" as const),
    probability: fc.constantFrom(-1, 0, 0.5, 1),
    threshold: fc.constantFrom(-1, 0, 0.01, 0.1, 0.3, 0.5, 0.6),
    minKeep,
  }),
  dry: fc.record({
    kind: fc.constant("dry" as const),
    multiplier: fc.constantFrom(0, 0.8, 3, -1),
    base: fc.constantFrom(0.5, 1, 1.0000005, 1.75, 1e30),
    allowedLength: fc.constantFrom(0, 1, 2, 5),
    lastN,
    breakers: fc.option(fc.array(fc.array(fc.constant(0), { minLength: 1, maxLength: 3 }), { maxLength: 3 }), {
      nil: undefined,
    }),
  }),
  temperature: fc.record({
    kind: fc.constant("temperature" as const),
    temperature: fc.constantFrom(-1, 0, 0.2, 0.8, 1, 1.7, 1e-45, 1e-38, 1e38, Number.POSITIVE_INFINITY),
  }),
  mirostat1: fc.record({
    kind: fc.constant("mirostat1" as const),
    tau: fc.constantFrom(0.5, 3, 5),
    eta: fc.constantFrom(0, 0.1, 1),
  }),
  mirostat2: fc.record({
    kind: fc.constant("mirostat2" as const),
    tau: fc.constantFrom(0.5, 3, 5),
    eta: fc.constantFrom(0, 0.1, 1),
  }),
  greedy: fc.constant({ kind: "greedy" as const }),
} satisfies Record<Exclude<SamplerStage["kind"], "custom">, fc.Arbitrary<SamplerStage>>;

const anyStage: fc.Arbitrary<SamplerStage> = fc.oneof(...Object.values(stages));

describe("equals its plain twin", () => {
  for (const [kind, stage] of Object.entries(stages)) {
    test.prop([logits, stage, lastTokens, fc.nat()], { numRuns: 300 })(`${kind}`, (values, options, tokens, seed) => {
      const nVocab = values.length;
      const candidates = createCandidates(nVocab);
      candidates.ids.set(Array.from(values, (_, id) => id));
      candidates.logits.set(values);
      candidates.n = nVocab;
      const rng = createRng(seed);
      prepareStage(options, nVocab)(candidates, {
        logits: Float32Array.from(values),
        lastTokens: tokens,
        rng,
        nVocab,
      });

      const plain = plainState(values);
      const plainRng = createRng(seed);
      plainStage(options, plain, { lastTokens: tokens, rng: plainRng, nVocab });

      expect(candidates.n).toBe(plain.candidates.length);
      expect([...candidates.ids.subarray(0, candidates.n)]).toEqual(plain.candidates.map((c) => c.id));
      expect(Array.from(candidates.logits.subarray(0, candidates.n), orForbidden)).toEqual(
        plain.candidates.map((c) => c.logit),
      );
      // as many random numbers were drawn
      expect(rng.next()).toBe(plainRng.next());
    });
  }
});

describe("equals a chain of plain twins", () => {
  test.prop([logits, fc.array(anyStage, { maxLength: 6 }), lastTokens, fc.nat()], { numRuns: 1000 })(
    "for any stages in any order, five tokens in a row",
    (values, chain, tokens, seed) => {
      const nVocab = values.length;
      const sampler = createSampler({ stages: chain, seed, nVocab });
      const plainRng = createRng(seed);
      const mus = new Map<SamplerStage, number | undefined>();
      const history = [...tokens];
      for (let round = 0; round < 5; round++) {
        const plain = plainState(values);
        for (const stage of chain) {
          plain.mu = mus.get(stage);
          plainStage(stage, plain, { lastTokens: history, rng: plainRng, nVocab });
          mus.set(stage, plain.mu);
        }
        const expected = plainDraw(plain, plainRng).id;
        expect(sampler.sample(Float32Array.from(values), history)).toBe(expected);
        history.push(expected);
      }
      // as many random numbers were drawn
      expect(sampler.rng.next()).toBe(plainRng.next());
    },
  );
});
