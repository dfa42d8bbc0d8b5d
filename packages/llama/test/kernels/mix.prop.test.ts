import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { bitsOf, floatsAt, kernelPair, numbers, placer, spreads, TIERS } from "./kernel-pair.ts";

const sizes = fc.record({
  n: fc.integer({ min: 1, max: 5 }),
  nUsed: fc.integer({ min: 1, max: 5 }),
  width: fc.integer({ min: 1, max: 21 }),
  between: fc.integer({ min: 0, max: 5 }),
});

describe.each(TIERS)("tier %s", async (tier) => {
  const pair = await kernelPair(tier);

  test.prop([sizes, fc.integer({ min: 0, max: 2 ** 31 }), spreads])(
    "weighted sums of rows",
    ({ n, nUsed, width, between }, seed, spread) => {
      const stride = nUsed + between;
      const [results, expected] = pair.map((kernels) => {
        const place = placer();
        const [out, rows, weights] = [place(4 * n * width + 4), place(4 * n * nUsed * width), place(4 * n * stride)];
        floatsAt(kernels, rows, n * nUsed * width).set(numbers(seed, n * nUsed * width, spread));
        floatsAt(kernels, weights, n * stride).set(numbers(seed + 1, n * stride, spread));
        const sums = floatsAt(kernels, out, n * width + 1); // the last one is no sum
        sums.fill(7);
        kernels.mix(out, rows, weights, n, nUsed, width, stride);
        return bitsOf(sums);
      });
      expect(results).toEqual(expected);
    },
  );
});
