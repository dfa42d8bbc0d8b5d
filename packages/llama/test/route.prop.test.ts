import { fc, test } from "@fast-check/vitest";
import type { Routing } from "@ll/architectures";
import { describe, expect } from "vitest";
import { chooseExperts } from "../src/ops/route.ts";

const SOFTMAX: Routing = { scores: "softmax", nUsed: 2, isNormalised: true };

function chosen(
  logits: readonly number[],
  routing: Partial<Routing> = {},
  bias?: readonly number[],
): { experts: number[]; weights: number[] } {
  const { nUsed } = { ...SOFTMAX, ...routing };
  const out = new Float32Array(2 * nUsed);
  chooseExperts(out, Float32Array.from(logits), { ...SOFTMAX, ...routing }, bias && Float32Array.from(bias));
  return { experts: [...out.subarray(0, nUsed)], weights: [...out.subarray(nUsed)] };
}

const sum = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0);
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const kinds = fc.constantFrom("softmax" as const, "sigmoid" as const, "softmax of chosen" as const);
/** Few different numbers, so that many are equal. */
const logits = fc.array(fc.integer({ min: -6, max: 6 }), { minLength: 1, maxLength: 40 });
const anything = fc.array(fc.float(), { minLength: 1, maxLength: 40 });
const share = fc.double({ min: 0, max: 1, noNaN: true });
const part = (n: number, of: number): number => Math.max(1, Math.round(n * of));

describe("experts of a token", () => {
  test.prop([logits, share, kinds])("are the largest, equal ones by their numbers", (all, used, scores) => {
    const nUsed = part(used, all.length);
    const order = all.map((_, e) => e).sort((a, b) => all[b]! - all[a]! || a - b);
    expect(chosen(all, { scores, nUsed }).experts).toEqual(order.slice(0, nUsed));
  });

  test.prop([logits, share])("have weights that are their share of the softmax", (all, used) => {
    const nUsed = part(used, all.length);
    const { experts, weights } = chosen(all, { nUsed });
    const exps = experts.map((e) => Math.exp(all[e]!));
    for (const [t, weight] of weights.entries()) expect(weight).toBeCloseTo(exps[t]! / sum(exps), 5);
    const ofChosen = chosen(all, { nUsed, scores: "softmax of chosen", isNormalised: false });
    for (const [t, weight] of ofChosen.weights.entries()) expect(weight).toBeCloseTo(weights[t]!, 5);
  });

  test.prop([anything, share, kinds, fc.boolean()])(
    "are as many as wanted, each once, whatever the logits",
    (all, used, scores, isNormalised) => {
      const nUsed = part(used, all.length);
      const { experts } = chosen(all, { scores, nUsed, isNormalised });
      expect(new Set(experts).size).toBe(nUsed);
      expect(experts.every((e) => Number.isInteger(e) && e >= 0 && e < all.length)).toBe(true);
    },
  );

  test("are chosen with a bias that their weights do not have", () => {
    const { experts, weights } = chosen([0, 1, 2, 3], { scores: "sigmoid" }, [5, 0, 0, 0]);
    expect(experts).toEqual([0, 3]);
    expect(weights[0]).toBeCloseTo(sigmoid(0) / (sigmoid(0) + sigmoid(3)), 6);
  });

  test("weigh what their scores are where nothing is normalised", () => {
    const { weights } = chosen([0, 1], { scores: "sigmoid", isNormalised: false });
    expect(weights.map((x) => x.toFixed(6))).toEqual([sigmoid(1), sigmoid(0)].map((x) => x.toFixed(6)));
  });

  test("with hardly any score are not scaled up beyond 2^14", () => {
    const { weights } = chosen([-30, -31], { scores: "sigmoid" });
    expect(weights[0]).toBeCloseTo(sigmoid(-30) * 2 ** 14, 12);
    expect(sum(weights)).toBeLessThan(1e-8);
  });

  test("all of them, one alone, and equal ones", () => {
    expect(chosen([4], { nUsed: 1 })).toEqual({ experts: [0], weights: [1] });
    expect(chosen([7, 7, 7, 7], { nUsed: 4 })).toEqual({ experts: [0, 1, 2, 3], weights: [0.25, 0.25, 0.25, 0.25] });
    expect(sum(chosen([1, 3, 2], { nUsed: 3 }).weights)).toBeCloseTo(1, 6);
  });

  test("of a row of NaN are the first ones", () => {
    expect(chosen([Number.NaN, Number.NaN, Number.NaN]).experts).toEqual([0, 1]);
  });
});
