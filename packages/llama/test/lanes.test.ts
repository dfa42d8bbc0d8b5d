// The arithmetic `lanes`: its functions against the runtime's in double, its sums against other ways to write them.

import { laneSum, packRows } from "@ll/quant";
import { describe, expect, test } from "vitest";
import { expf, gelu, lanes, logf, rmsNorm, sigmoid, silu, softplus, TILE, tanhf } from "../src/arithmetic/lanes.ts";
import { createScalarModel } from "../src/index.ts";
import { createKvCache } from "../src/scalar/kv-cache.ts";
import { logitsInBatches, randomValues } from "./support/hand-made.ts";
import { goldenModel, goldenWeights, sha256 } from "./support/model-files.ts";

const f = Math.fround;

/** Distance in units of the last place of binary32. */
function ulps(got: number, exact: number): number {
  const unit = 2 ** Math.max(-149, Math.floor(Math.log2(Math.abs(f(exact)))) - 23);
  return Math.abs(got - exact) / unit;
}

/** `n` numbers of binary32 from `from` to `to`. */
const between = (from: number, to: number, n = 20_001): number[] =>
  Array.from({ length: n }, (_, i) => f(from + ((to - from) * i) / (n - 1)));

describe("functions, near those of mathematics", () => {
  test("e^x", () => {
    for (const x of between(-87.3, 88.3)) expect(ulps(expf(x), Math.exp(x))).toBeLessThan(2);
    expect([expf(0), expf(-0), expf(-88), expf(Number.NEGATIVE_INFINITY), expf(Number.NaN)]).toEqual([
      1,
      1,
      0,
      0,
      Number.NaN,
    ]);
    expect(expf(Number.POSITIVE_INFINITY)).toBe(expf(89));
    expect(expf(89)).toBeGreaterThan(2e38);
  });

  test("tanh, odd", () => {
    for (const x of between(0.001, 12)) {
      expect(ulps(tanhf(x), Math.tanh(x))).toBeLessThan(3);
      expect(tanhf(-x)).toBe(-tanhf(x));
    }
    expect([tanhf(0), tanhf(50), tanhf(Number.NEGATIVE_INFINITY)]).toEqual([0, 1, -1]);
  });

  test("ln x and softplus", () => {
    for (const x of [...between(2e-38, 1e-3), ...between(0.01, 3), ...between(1, 2e38)]) {
      expect(Math.abs(logf(x) - Math.log(x))).toBeLessThan(2 ** -23 * Math.max(0.25, Math.abs(Math.log(x))));
    }
    expect([logf(1), logf(0), logf(Number.POSITIVE_INFINITY), logf(-1)]).toEqual([
      0,
      Number.NEGATIVE_INFINITY,
      Number.POSITIVE_INFINITY,
      Number.NaN,
    ]);
    for (const x of between(-15, 25)) {
      // what is added to 1 is rounded to its last place
      expect(Math.abs(softplus(x) - Math.log1p(Math.exp(x)))).toBeLessThan(2 ** -23 * Math.max(1, x));
    }
    expect([softplus(-100), softplus(1000), softplus(Number.NaN)]).toEqual([0, 1000, Number.NaN]);
  });

  test("sigmoid, silu and gelu", () => {
    for (const x of between(-20, 20)) {
      const exact = 1 / (1 + Math.exp(-x));
      expect(ulps(sigmoid(x), exact)).toBeLessThan(4);
      expect(ulps(silu(x), x * exact)).toBeLessThan(5);
      const byTanh = 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * x * (1 + 0.044715 * x * x)));
      // for large negative x the exponent's rounding is multiplied by it: near zero in any case
      expect(Math.abs(gelu(x) - byTanh)).toBeLessThan(1e-6);
    }
    expect(
      [silu(0), gelu(0), silu(-1000), gelu(-1000), silu(1000), gelu(1000)].map((y) => (Math.abs(y) < 1e-30 ? 0 : y)),
    ).toEqual([0, 0, 0, 0, 1000, 1000]);
  });
});

test("rmsNorm sums squares in eight lanes", () => {
  const x = randomValues(1, 37);
  const weight = randomValues(2, 37);
  const out = new Float32Array(37);
  rmsNorm(out, x, weight, 1e-5);
  const mean = f(laneSum(x.map((v) => v * v)) / 37);
  const scale = f(1 / f(Math.sqrt(f(mean + f(1e-5)))));
  expect([...out]).toEqual(Array.from(x, (v, i) => f(f(v * scale) * weight[i]!)));
  expect(laneSum(Float32Array.of(1, 2, 4, 8, 16, 32, 64, 128, 256))).toBe(511);
});

test.each([1, TILE - 1, TILE, TILE + 1, 3 * TILE + 5])("attention over %i positions is near softmax in double", (n) => {
  const headDim = 16;
  const cache = createKvCache([{ nHeads: 1, headDim }], n, "f32");
  const keys = Array.from({ length: n }, (_, t) => randomValues(10 + t, headDim));
  const values = Array.from({ length: n }, (_, t) => randomValues(1000 + t, headDim));
  for (let t = 0; t < n; t++) cache.store(0, t, keys[t]!, values[t]!);
  const query = randomValues(7, headDim).map((x) => 4 * x);
  const out = new Float32Array(headDim);
  lanes.attend(out, query, cache.head(0, 0), { first: 0, end: n, scale: 0.25 });

  const scores = keys.map((key) => key.reduce((sum, k, i) => sum + k * query[i]!, 0) * 0.25);
  const largest = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - largest));
  const total = weights.reduce((sum, w) => sum + w, 0);
  for (let i = 0; i < headDim; i++) {
    const exact = weights.reduce((sum, w, t) => sum + w * values[t]![i]!, 0) / total;
    // binary32 sums of about a hundred terms of size one
    expect(Math.abs(out[i]! - exact)).toBeLessThan(2e-6);
  }
});

describe("the scalar engine", () => {
  const tokens = [1, 5, 9, 33, 7, 2, 100, 41, 3];

  test.each([1, 2, 15])("gives the same logits for batches of any size, ftype %i", async (ftype) => {
    const model = createScalarModel(await goldenWeights(ftype), { arithmetic: "lanes" });
    const whole = await logitsInBatches(model, tokens, 512);
    for (const batchTokens of [1, 2, 7])
      expect(sha256(await logitsInBatches(model, tokens, batchTokens))).toBe(sha256(whole));
  });

  test.each([
    // build 803's tables of binary16 move logits by about a thousandth
    [1, 0.01],
    // and an activation that falls on the other side of a level of Q8_0 by more
    [2, 0.05],
    // Q8_K activations have another scale
    [15, 0.1],
  ])("is near build 803, ftype %i", async (ftype, tolerance) => {
    const today = await logitsInBatches(
      createScalarModel(await goldenWeights(ftype), { arithmetic: "lanes" }),
      tokens,
      512,
    );
    const then = await logitsInBatches(await goldenModel(ftype), tokens, 512);
    const rms = (x: ArrayLike<number>): number =>
      Math.sqrt(Array.from(x, (v) => v * v).reduce((a, b) => a + b) / x.length);
    const difference = rms(today.map((x, i) => x - then[i]!)) / rms(then);
    expect(difference).toBeGreaterThan(0);
    expect(difference).toBeLessThan(tolerance);
  });

  test("refuses another name", async () => {
    const weights = await goldenWeights(1);
    expect(() => createScalarModel(weights, { arithmetic: "fast" as "lanes" })).toThrow(
      TypeError('"arithmetic" expected build803 or lanes, got fast'),
    );
  });
});

test("Q8_K activations of today have levels up to 127", () => {
  const x = randomValues(3, 256);
  const largest = x.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a));
  const at = x.indexOf(largest);
  expect(new Int8Array(lanes.pack("q4_K", x).buffer)[4 + at]).toBe(-127);
  expect(new Int8Array(packRows("q8_K", x).buffer)[4 + at]).toBe(-128);
});
