import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { ropeAngles } from "../../src/ops/angles.ts";
import { bitsOf, floatsAt, kernelPair, numbers, placer, spreads, TIERS_AND_ARITHMETICS } from "./kernel-pair.ts";

const seeds = fc.integer({ min: 0, max: 2 ** 31 });

describe.each(TIERS_AND_ARITHMETICS)("tier %s, %s", async (tier, arithmetic) => {
  const pair = await kernelPair(tier, arithmetic);

  test.prop([
    fc.integer({ min: 1, max: 11 }),
    fc.integer({ min: 1, max: 70 }),
    seeds,
    spreads,
    fc.constantFrom(1e-6, 1e-5, 0.5),
    fc.constantFrom(1, 1e-20, 1e18, 1e20), // squares that vanish, are large, overflow
    fc.boolean(),
  ])("rmsNorm of rows", (nRows, n, seed, spread, eps, magnitude, isInPlace) => {
    const x = numbers(seed, nRows * n, spread).map((value) => value * magnitude); // (nRows, n)
    const [out, expected] = pair.map((kernels) => {
      const place = placer();
      const from = place(x.byteLength);
      const weight = place(4 * n);
      const to = isInPlace ? from : place(x.byteLength + 4);
      floatsAt(kernels, from, x.length).set(x);
      floatsAt(kernels, weight, n).set(numbers(seed + 1, n));
      if (!isInPlace) floatsAt(kernels, to, x.length + 1).fill(8);
      kernels.rmsNorm(to, from, weight, nRows, n, eps);
      return floatsAt(kernels, to, x.length + (isInPlace ? 0 : 1)).slice();
    });
    expect(bitsOf(out!)).toEqual(bitsOf(expected!));
  });

  test.prop([
    fc.integer({ min: 1, max: 5 }),
    fc.integer({ min: 1, max: 5 }),
    fc.integer({ min: 1, max: 64 }),
    fc.integer({ min: 0, max: 7 }),
    fc.integer({ min: 0, max: 5000 }),
    fc.constantFrom("adjacent" as const, "halves" as const),
    seeds,
    spreads,
  ])("rope of rows that may be apart", (nRows, nHeads, nPairs, gap, position, pairing, seed, spread) => {
    const nRot = 2 * nPairs;
    const headDim = nRot + (seed % 3) * gap; // some channels may not be rotated
    const rowStride = nHeads * headDim + gap;
    const x = numbers(seed, nRows * rowStride, spread); // (nRows, rowStride)
    const [out, expected] = pair.map((kernels) => {
      const place = placer();
      const at = place(x.byteLength);
      const angles = place(4 * nRows * nRot);
      floatsAt(kernels, at, x.length).set(x);
      for (let i = 0; i < nRows; i++) {
        const row = floatsAt(kernels, angles + 4 * i * nRot, nRot);
        ropeAngles(row, position + i, { nRot, base: 10000, scale: 1 });
      }
      kernels.rope(pairing, at, angles, nRows, nHeads, headDim, nRot, rowStride);
      return floatsAt(kernels, at, x.length).slice();
    });
    expect(bitsOf(out!)).toEqual(bitsOf(expected!));
  });
});
