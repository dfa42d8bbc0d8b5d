// Logits that no sound model gives, and settings at the edge: what is chosen is defined, the same on every machine, and an id.

import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import {
  createGrammarStage,
  createSampler,
  parseGrammar,
  type SamplerStage,
  type SamplingOptions,
  samplingChain,
} from "../src/index.ts";

const ANY = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0, 1e-45, 3.4e38, -3.4e38, 1, -7.5];

/** Few values at many ids: so few that most logits are equal, so many that not all are sorted. */
const hostile = fc
  .record({
    n: fc.oneof(fc.constantFrom(1, 2, 3, 40, 256, 257, 1000), fc.integer({ min: 1, max: 400 })),
    values: fc.array(fc.oneof(fc.constantFrom(...ANY), fc.float()), { minLength: 1, maxLength: 4 }),
    factor: fc.integer({ min: 1, max: 1000 }),
  })
  .map(({ n, values, factor }) => Float32Array.from({ length: n }, (_, i) => values[(i * factor) % values.length]!));

const amount = fc.constantFrom(-1, 0, 1e-45, 0.05, 0.5, 0.95, 1, 3e38, Number.POSITIVE_INFINITY);
const options: fc.Arbitrary<SamplingOptions> = fc.record(
  {
    topK: fc.constantFrom(0, 1, 40, 300, 2 ** 31 - 1),
    topP: amount,
    tfsZ: amount,
    typicalP: amount,
    minP: amount,
    minKeep: fc.constantFrom(1, 5, 2 ** 31 - 1),
    temperature: fc.constantFrom(0, 1e-45, 1e-38, 1e-3, 0.8, 1, 1e38, Number.POSITIVE_INFINITY),
    mirostat: fc.constantFrom(0, 1, 2),
    mirostatTau: amount,
    mirostatEta: amount,
    repeatPenalty: amount,
    frequencyPenalty: amount,
    presencePenalty: amount,
    dryMultiplier: amount,
    dryBase: amount,
    xtcProbability: amount,
    xtcThreshold: amount,
    repeatLastN: fc.constantFrom(-1, 0, 64),
  },
  { requiredKeys: [] },
);
const HISTORY = [0, 1, 2, 0, 1, 2, -5, 1e9, Number.NaN];

function idsOf(stages: readonly SamplerStage[], logits: Float32Array, seed: number): number[] {
  const sampler = createSampler({ stages, seed, nVocab: logits.length });
  return Array.from({ length: 4 }, () => sampler.sample(logits, HISTORY));
}

describe("hostile logits and settings", () => {
  test.prop([hostile, options, fc.nat()], { numRuns: 1000 })(
    "the ids are ids, and NaN counts as −∞",
    (logits, of, seed) => {
      const ids = idsOf(samplingChain(of), logits, seed);
      for (const id of ids) expect(Number.isInteger(id) && id >= 0 && id < logits.length).toBe(true);
      const forbidden = logits.map((logit) => (Number.isNaN(logit) ? Number.NEGATIVE_INFINITY : logit));
      expect(idsOf(samplingChain(of), forbidden, seed)).toEqual(ids);
      // processors differ in the bits of a NaN that they compute
      const bits = new Int32Array(logits.slice().buffer);
      logits.forEach((logit, i) => {
        if (Number.isNaN(logit)) bits[i] = i % 2 === 0 ? 0x7fc00000 : -0x400000 + i;
      });
      expect(idsOf(samplingChain(of), new Float32Array(bits.buffer), seed)).toEqual(ids);
    },
  );

  const filters = fc.record(
    {
      topK: fc.constantFrom(0, 1, 40, 300),
      topP: fc.constantFrom(0.05, 0.5, 0.95, 1),
      tfsZ: fc.constantFrom(0.05, 0.5, 0.95, 1),
      typicalP: fc.constantFrom(0.05, 0.5, 0.95, 1),
      minP: fc.constantFrom(0, 0.05, 1),
      temperature: fc.constantFrom(0, 1e-45, 1e-38, 1e-3, 0.8, 1, 1e38, Number.POSITIVE_INFINITY),
      mirostat: fc.constantFrom(0, 1, 2),
      repeatPenalty: fc.constantFrom(-1, 0, 0.5, 1.1, Number.POSITIVE_INFINITY),
    },
    { requiredKeys: [] },
  );

  test.prop([hostile, filters, fc.nat()], { numRuns: 1000 })("what is forbidden never comes", (logits, of, seed) => {
    fc.pre(logits.some((logit) => Number.isFinite(logit)));
    const permitted = logits.map((logit) => (Math.abs(logit) < 1e30 ? logit : Number.NEGATIVE_INFINITY));
    fc.pre(permitted.some((logit) => Number.isFinite(logit)));
    for (const id of idsOf(samplingChain(of), permitted, seed)) expect(permitted[id]).toBeGreaterThan(-1e30);
  });

  test.prop([hostile, filters, fc.nat()], { numRuns: 1000 })("+∞ leaves nothing to the others", (logits, of, seed) => {
    fc.pre(logits.some((logit) => logit === Number.POSITIVE_INFINITY));
    const stages = samplingChain({ ...of, repeatPenalty: 1 });
    for (const id of idsOf(stages, logits, seed)) expect(logits[id]).toBe(Number.POSITIVE_INFINITY);
  });

  test.prop([fc.array(fc.float({ min: -30, max: 30, noNaN: true }), { minLength: 1, maxLength: 400 }), filters])(
    "the coldest temperatures are greedy",
    (values, of) => {
      const logits = Float32Array.from(values, (value) => value + Math.sign(value)); // none but 0 is near 0
      const largest = Math.max(...logits);
      for (const temperature of [1e-45, 1e-38]) {
        const stages = samplingChain({ ...of, temperature, typicalP: 1, repeatPenalty: 1 });
        for (const id of idsOf(stages, logits, 1)) expect(logits[id]).toBe(largest);
      }
    },
  );

  test.prop([hostile, filters, fc.nat()])("a grammar permits what it permits", (logits, of, seed) => {
    const nVocab = logits.length;
    const tokenBytes = (id: number) => new TextEncoder().encode(id % 3 === 0 ? "a" : "b");
    const grammar = createGrammarStage({ grammar: parseGrammar('root ::= "a"+'), nVocab, tokenBytes, endIds: [] });
    const finite = logits.map((logit, id) => (Number.isFinite(logit) ? logit : id % 5));
    for (const id of idsOf(samplingChain({ ...of, grammar }), finite, seed)) expect(id % 3).toBe(0);
  });

  test.prop([fc.constantFrom<1 | 2>(1, 2), fc.constantFrom(...ANY)])(
    "mirostat forgets a row of nothing but one value",
    (mirostat, value) => {
      const nVocab = 400;
      const sampler = createSampler({ stages: samplingChain({ mirostat, mirostatEta: 0 }), seed: 1, nVocab });
      const twin = createSampler({ stages: samplingChain({ mirostat, mirostatEta: 0 }), seed: 1, nVocab });
      sampler.sample(new Float32Array(nVocab).fill(value));
      twin.rng.importState(sampler.rng.exportState());
      const logits = Float32Array.from({ length: nVocab }, (_, id) => 8 * Math.sin(id * 0.7));
      for (let i = 0; i < 20; i++) expect(sampler.sample(logits)).toBe(twin.sample(logits));
    },
  );
});
