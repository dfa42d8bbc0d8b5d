// Families against llama.cpp of August 2026. The arithmetic lanes differs from its only in the order of sums and in how functions are
// approximated: the tolerances are those that the recordings come with, a few times what two builds of llama.cpp differ by. Build 803's: it computes exponentials without tables
// of binary16 and packs activations for K types to other scales. So build 803's differs by what those two roundings make: up to 2 % of a
// logit with plain weights; with quantised ones, where activations fall into other steps, 10 % of the logits' root mean square. A rule
// of a family that is left out or applied wrongly moves logits by more than 1. Between the two engines there is no tolerance.

import { describe, expect, test } from "vitest";
import { describeWithTestData } from "../../../../tools/test-data.ts";
import { createScalarModel, loadWeights } from "../../src/index.ts";
import { familyLogits, familyRuns, familyTokens, openFamilyModel } from "../support/family-models.ts";
import { argMax, logitsInBatches, logitsTogether } from "../support/hand-made.ts";
import { loadForTest } from "../team/support/engines.ts";

/**
 * What build 803's roundings make of logits: in the layers of qwen35 a product of several gates and a state that lives on carry them
 * further, and llama.cpp's own builds already differ by 3 times as much. gemma4 gates each layer once more.
 */
function roundingsOf(name: string): { readonly plain: number; readonly mixed: number; readonly otherChoices: number } {
  if (name.startsWith("qwen35")) return { plain: 0.15, mixed: 0.2, otherChoices: 6 };
  return { plain: name === "gemma4" ? 0.1 : 0.02, mixed: 0.1, otherChoices: 4 };
}

/**
 * Factors on the tolerances of lanes: llama.cpp looks gelu up in a table of binary16, which lanes does not, and gemma4 has a second gelu in
 * each layer. That is all: with the table in place of lanes' gelu, the largest difference falls from 4.4e-2 to 5.0e-4 (0.12 to 1.9e-6
 * with quantised weights).
 */
function geluFactors(name: string): { readonly plain: number; readonly mixed: number } {
  return name === "gemma4" ? { plain: 3, mixed: 1.5 } : { plain: 1, mixed: 1 };
}

function rootMeanSquare(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
}

/** The id with the largest logit of each row. */
function choices(logits: Float32Array, nVocab: number): number[] {
  return Array.from({ length: logits.length / nVocab }, (_, i) =>
    argMax.sample(logits.subarray(i * nVocab, (i + 1) * nVocab)),
  );
}

describeWithTestData("recorded logits", () => {
  describe.each(familyRuns())("%s %s", (name, model, run) => {
    const tokens = familyTokens(name);
    const options = { contextTokens: run.nCtx, kvType: "f32" as const };
    const expected = familyLogits(name, run);

    test("the scalar engine computes them, but for build 803's roundings", async () => {
      const { source, config } = await openFamilyModel(name, model);
      const scalar = createScalarModel(await loadWeights(source, config), { arithmetic: "build803" });
      const logits = await logitsInBatches(scalar, tokens, tokens.length, options);
      const differences = logits.map((x, i) => x - expected[i]!);
      if (model === "model-mix.gguf") {
        expect(rootMeanSquare(differences)).toBeLessThan(roundingsOf(name).mixed * rootMeanSquare(expected));
      } else {
        expect(Math.max(...differences.map(Math.abs))).toBeLessThan(roundingsOf(name).plain);
      }
      const wanted = choices(expected, run.nVocab);
      const same = choices(logits, run.nVocab).filter((id, i) => id === wanted[i]).length;
      expect(same).toBeGreaterThanOrEqual(tokens.length - roundingsOf(name).otherChoices);
    });

    test("the scalar engine computes them in lanes, and the same greedy text", async () => {
      const { source, config } = await openFamilyModel(name, model);
      const scalar = createScalarModel(await loadWeights(source, config), { arithmetic: "lanes" });
      expect(config.arithmetic).toBe("lanes");
      const context = await scalar.createContext(options);
      const logits = await context.evaluate(tokens, 0, { logits: "all" });
      const differences = logits.map((x, i) => x - expected[i]!);
      const isNear =
        Math.max(...differences.map(Math.abs)) < geluFactors(name).plain * run.tolerance ||
        // an activation that falls on another level of its blocks moves all that follows
        (model === "model-mix.gguf" &&
          rootMeanSquare(differences) < geluFactors(name).mixed * run.rmsTolerance * rootMeanSquare(expected));
      expect(isNear).toBe(true);
      expect(choices(logits, run.nVocab)).toEqual(choices(expected, run.nVocab));
      const text = choices(logits.subarray(-run.nVocab), run.nVocab);
      while (text.length < run.greedy.length) {
        const next = await context.evaluate(text.slice(-1), tokens.length + text.length - 1);
        text.push(argMax.sample(next));
      }
      expect(text).toEqual(run.greedy);
    });

    test.each([
      { arithmetic: "build803" as const, threads: 1 },
      { arithmetic: "lanes" as const, threads: 2 },
    ])("the fast engine computes the scalar one's bits: $arithmetic, $threads thread(s)", async (engine) => {
      const { source, config } = await openFamilyModel(name, model);
      const scalar = createScalarModel(await loadWeights(source, config), engine);
      const bits = await logitsInBatches(scalar, tokens, tokens.length, options);
      const fast = await loadForTest(source, config, engine);
      expect(fast.kernels).not.toBe("scalar");
      expect(await logitsInBatches(fast, tokens, 7, options)).toEqual(bits);
      const rows = (n: number): Float32Array => bits.subarray(0, n * run.nVocab);
      const lengths = [tokens.length, 3, Math.min(11, tokens.length)];
      const sequences = lengths.map((n) => tokens.slice(0, n));
      const take = (pass: number, s: number): number => (pass === 0 ? 5 * s : pass + 6 * s);
      expect(await logitsTogether(fast, sequences, take, options)).toEqual(lengths.map(rows));
    });
  });
});
