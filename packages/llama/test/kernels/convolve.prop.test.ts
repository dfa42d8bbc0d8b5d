import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { bitsOf, floatsAt, kernelPair, numbers, placer, spreads, TIERS } from "./kernel-pair.ts";

const seeds = fc.integer({ min: 0, max: 2 ** 31 });

describe.each(TIERS)("tier %s", async (tier) => {
  const pair = await kernelPair(tier);
  const counts = [
    fc.integer({ min: 1, max: 9 }),
    fc.integer({ min: 1, max: 13 }),
    fc.integer({ min: 1, max: 5 }),
  ] as const;

  test.prop([...counts, seeds, spreads, fc.boolean(), fc.boolean()])(
    "convolution",
    (n, width, nTaps, seed, spread, silu, isSame) => {
      const nState = (nTaps - 1) * width;
      const [results, expected] = pair.map((kernels) => {
        const place = placer();
        const x = place(4 * n * width);
        const out = place(4 * n * width + 4); // one more, which must be left alone
        const weight = place(4 * width * nTaps);
        const before = place(4 * nState + 4);
        const after = isSame ? before : place(4 * nState + 4);
        floatsAt(kernels, x, n * width).set(numbers(seed, n * width, spread));
        floatsAt(kernels, weight, width * nTaps).set(numbers(seed + 1, width * nTaps, spread));
        floatsAt(kernels, before, nState + 1).set(numbers(seed + 2, nState + 1, spread));
        kernels.convolve(out, x, weight, before, after, n, width, nTaps, silu);
        return [bitsOf(floatsAt(kernels, out, n * width + 1)), bitsOf(floatsAt(kernels, after, nState + 1))];
      });
      expect(results).toEqual(expected);
    },
  );
});
