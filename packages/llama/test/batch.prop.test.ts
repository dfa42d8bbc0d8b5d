// Sequences of any lengths that join and leave while others go on: each gets the bits that it gets alone, and weights are read once a pass.

import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { createScalarModel, type KvTypes, loadWeights } from "../src/index.ts";
import { logitsInBatches, logitsTogether } from "./support/hand-made.ts";
import { randomGraphs, withRandomModel } from "./support/random-graphs.ts";
import { FAST_KERNELS, loadForTest } from "./team/support/engines.ts";

const runs = fc.record({
  tier: fc.constantFrom(...FAST_KERNELS),
  threads: fc.constantFrom(1, 1, 2, 3),
  sliceTokens: fc.integer({ min: 1, max: 40 }),
  lengths: fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 6 }),
  /** What each sequence takes in each pass, again and again; 0: it is not in it. */
  takes: fc.array(fc.constantFrom(0, 1, 1, 1, 3, 10, 30), { minLength: 1, maxLength: 13 }),
  kvType: fc.constantFrom<KvTypes>("f16", "f32", "q8_0", { k: "q8_0", v: "f16" }),
  arithmetic: fc.constantFrom("build803" as const, "lanes" as const),
});

test.prop([randomGraphs, runs], { numRuns: 16 })(
  "random graphs compute the same bits in batches and alone, in both engines",
  (graph, { tier, threads, sliceTokens, lengths, takes, kvType, arithmetic }) =>
    withRandomModel(graph, async (source, config) => {
      const sequences = lengths.map((length, s) =>
        Array.from({ length }, (_, i) => (graph.seed + s * 11 + i * 37) % graph.nVocab),
      );
      const options = { contextTokens: 51, kvType };
      const scalar = createScalarModel(await loadWeights(source, config), { arithmetic });
      const expected: Float32Array[] = [];
      for (const tokens of sequences) expected.push(await logitsInBatches(scalar, tokens, tokens.length, options));
      const take = (pass: number, s: number): number => takes[(pass * sequences.length + s) % takes.length]!;
      const fast = await loadForTest(source, config, { kernels: tier, threads, arithmetic }, { sliceTokens });
      for (const [model, most] of [[scalar, 32] as const, [fast, sliceTokens] as const]) {
        const together = await logitsTogether(model, sequences, take, options, (nTokens, nPasses) =>
          expect(nPasses).toBe(Math.ceil(nTokens / most)),
        );
        expect(together).toEqual(expected);
      }
    }),
);
