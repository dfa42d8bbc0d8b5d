import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { bitsOf, floatsAt, kernelPair, numbers, placer, SCALE, spreads, TIERS } from "./kernel-pair.ts";

const seeds = fc.integer({ min: 0, max: 2 ** 31 });
const counts = fc.integer({ min: 1, max: 4 });
const sizes = fc.integer({ min: 1, max: 40 });

describe.each(TIERS)("tier %s", async (tier) => {
  const pair = await kernelPair(tier);

  test.prop([counts, counts, sizes, seeds, spreads, fc.boolean()])(
    "delta net",
    (n, nHeads, headDim, seed, spread, isSame) => {
      const [results, expected] = pair.map((kernels) => {
        const place = placer();
        const put = (length: number, more = 0): number => {
          const at = place(4 * (length + more));
          floatsAt(kernels, at, length + more).set(numbers(seed + at, length + more, spread));
          return at;
        };
        const [size, nState] = [n * nHeads * headDim, nHeads * headDim * headDim];
        const [q, k, v] = [put(size), put(size), put(size)];
        const [decays, rates] = [put(n * nHeads), put(n * nHeads)];
        const out = put(size, 1); // one more, which must be left alone
        const before = put(nState, 1);
        const after = isSame ? before : put(nState, 1);
        kernels.deltaNet(out, q, k, v, decays, rates, before, after, n, nHeads, headDim, SCALE);
        return [bitsOf(floatsAt(kernels, out, size + 1)), bitsOf(floatsAt(kernels, after, nState + 1))];
      });
      expect(results).toEqual(expected);
    },
  );

  test.prop([counts, sizes, seeds, spreads, fc.constantFrom(1e-6, 0.5, 3)])(
    "heads of length 1",
    (nRows, n, seed, spread, eps) => {
      const [results, expected] = pair.map((kernels) => {
        const x = placer()(4 * nRows * n + 4);
        floatsAt(kernels, x, nRows * n + 1).set(numbers(seed, nRows * n + 1, spread));
        kernels.l2Norm(x, nRows, n, eps);
        return bitsOf(floatsAt(kernels, x, nRows * n + 1));
      });
      expect(results).toEqual(expected);
    },
  );
});
