import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { bitsOf, floatsAt, kernelPair, numbers, placer, SCALE, spreads, TIERS_AND_ARITHMETICS } from "./kernel-pair.ts";

const seeds = fc.integer({ min: 0, max: 2 ** 31 });
const lengths = fc.integer({ min: 0, max: 40 });
const floats = fc.float({ noDefaultInfinity: false });

describe.each(TIERS_AND_ARITHMETICS)("tier %s, %s", async (tier, arithmetic) => {
  const pair = await kernelPair(tier, arithmetic);

  test.prop([
    fc.constantFrom(0.01, 1, 30),
    fc.constantFrom("silu" as const, "gelu" as const, "clamped swiglu" as const, "sigmoid" as const, "none" as const),
    lengths,
    seeds,
    spreads,
    fc.array(fc.tuple(floats, floats), { maxLength: 8 }),
  ])("gates, factors, addition and caps", (cap, activation, n, seed, spread, extremes) => {
    const [results, expected] = pair.map((kernels) => {
      const place = placer();
      const [x, y, sum] = [place(4 * n + 4), place(4 * n + 4), place(4 * n + 4)];
      const gate = floatsAt(kernels, x, n + 1);
      const up = floatsAt(kernels, y, n + 1);
      gate.set(numbers(seed, n + 1, spread));
      up.set(numbers(seed + 1, n + 1, spread));
      for (const [i, [a, b]] of extremes.slice(0, n).entries()) [gate[i], up[i]] = [a, b];
      floatsAt(kernels, sum, n + 1).set(gate);
      kernels.gate(activation, x, y, n);
      kernels.addInto(sum, y, n);
      kernels.scale(sum, n, SCALE / 3);
      const factored = bitsOf(floatsAt(kernels, sum, n + 1));
      kernels.cap(sum, n, cap);
      return [bitsOf(gate), factored, bitsOf(floatsAt(kernels, sum, n + 1))];
    });
    expect(results).toEqual(expected);
  });
});
