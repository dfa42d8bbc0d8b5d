// How near a cache in q8_0 is to one in f16, and what it takes.

import { expect, test } from "vitest";
import { build803 } from "../src/arithmetic/build803.ts";
import { lanes } from "../src/arithmetic/lanes.ts";
import { type KvTypes, kvCacheBytes } from "../src/index.ts";
import { attendTo } from "../src/ops/attend.ts";
import { createKvCache } from "../src/scalar/kv-cache.ts";
import { logitsInBatches, randomTensors, randomValues, smallConfig, sourceOf } from "./support/hand-made.ts";
import { loadForTest } from "./team/support/engines.ts";

const TOKENS = Array.from({ length: 150 }, (_, i) => (37 * i + 11 * (i % 7)) % 96);
const CONTEXT = { contextTokens: TOKENS.length };

/** Heads of 128 channels, with weights that let positions differ and none win alone. */
const config = { ...smallConfig(), nEmbd: 256, nHeads: 2, nKvHeads: 2, headDim: 128, nRot: 128, nFf: 256 };
const tensors = new Map(
  [...randomTensors(config)].map(([name, values]) => [name, name.includes("norm") ? values : values.map((x) => x / 5)]),
);
const source = sourceOf(config, tensors, "f16");

/** Root of the mean square. */
function rms(x: Float32Array): number {
  return Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / x.length);
}

test.each<["build803" | "lanes", KvTypes]>([
  ["lanes", "q8_0"],
  ["lanes", { k: "q8_0", v: "f16" }],
  ["lanes", { k: "f16", v: "q8_0" }],
  ["build803", "q8_0"],
])("%s, %j: logits are within 1 % of those of f16, root mean square", async (arithmetic, kvType) => {
  const model = await loadForTest(source, config, { threads: 2, arithmetic });
  expect(model.kernels).not.toBe("scalar");
  const near = await logitsInBatches(model, TOKENS, 40, CONTEXT);
  const got = await logitsInBatches(model, TOKENS, 40, { ...CONTEXT, kvType });
  const error = rms(got.map((x, i) => x - near[i]!)) / rms(near);
  expect(error).toBeGreaterThan(1e-5);
  expect(error).toBeLessThan(0.01);
});

test.each<KvTypes>(["q8_0", { k: "f32", v: "q8_0" }, { k: "f32", v: "f16" }])(
  "%j: both arithmetics have one attention over it",
  (kvType) => {
    const [headDim, nTokens] = [40, 70];
    const cache = createKvCache([{ nHeads: 1, headDim }], nTokens, kvType);
    for (let t = 0; t < nTokens; t++) cache.store(0, t, randomValues(t, headDim), randomValues(100 + t, headDim));
    const queries = randomValues(7, headDim);
    const [a, b] = [build803, lanes].map((arithmetic) => {
      const out = new Float32Array(headDim);
      attendTo(
        out,
        { queries, first: 0, step: 1 },
        cache,
        0,
        nTokens - 1,
        { headDim, headsPerKvHead: 1, scale: 1 },
        { arithmetic },
      );
      return out;
    });
    expect(a).toEqual(b);
    expect(new Set(a).size).toBeGreaterThan(30);
  },
);

test("it takes half of f16, and scales", () => {
  const [f16, q8] = (["f16", "q8_0"] as const).map((kvType) => kvCacheBytes(config, 100, kvType));
  expect(q8! / f16!).toBe(34 / 64);
});
