import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { bitsOf, floatsAt, kernelPair, numbers, placer, TIERS } from "./kernel-pair.ts";

describe.each(TIERS)("tier %s", async (tier) => {
  const pair = await kernelPair(tier);
  const pieces = fc.tuple(fc.nat(5), fc.integer({ min: 1, max: 9 }), fc.nat(5));

  test.prop([fc.nat(9), pieces])("pieces of groups", (nGroups, [first, size, rest]) => {
    const group = first + size + rest;
    const [results, expected] = pair.map((kernels) => {
      const place = placer();
      const [x, out] = [place(4 * nGroups * group), place(4 * nGroups * size + 4)];
      floatsAt(kernels, x, nGroups * group).set(numbers(nGroups, nGroups * group));
      kernels.slice(out, x, nGroups, group, first, size);
      return bitsOf(floatsAt(kernels, out, nGroups * size + 1));
    });
    expect(results).toEqual(expected);
  });
});
