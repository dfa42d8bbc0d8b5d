// The WebAssembly quantisers against `packRows`, byte for byte, for values that no weight should have as well.

import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { encodeF16, f16ToF32, packRows } from "../../src/index.ts";
import type { Kernels } from "../../src/kernels/index.ts";
import { WASM_PACKED_TYPES } from "../../src/kernels/wasm-layouts.ts";
import { kernelsOf, mulberry32, PLACES, WASM_TIERS } from "./kernel-cases.ts";

/** What values can be like; each makes another corner of the quantisers decide. */
const STYLES: Readonly<Record<string, (random: () => number) => number>> = {
  weights: (random) => random() - 0.5,
  "any size": (random) => (random() - 0.5) * 2 ** (277 * random() - 149),
  "zeros of both signs": (random) => (random() < 0.5 ? 0 : -0),
  "zeros and a few values": (random) => (random() < 0.9 ? (random() < 0.5 ? 0 : -0) : random()),
  "whole and half numbers": (random) => Math.floor(33 * random() - 16) / 2,
  subnormal: (random) => (random() - 0.5) * 2 ** -140,
  "scales without an inverse": (random) => (random() - 0.5) * 2 ** -126,
  "not numbers": (random) =>
    [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1, -2][Math.floor(5 * random())]!,
  "few infinities": (random) => (random() < 0.02 ? Number.POSITIVE_INFINITY : random() - 0.5),
};

describe.each(WASM_TIERS)("%s", (tier) => {
  let kernels: Kernels;
  beforeAll(async () => {
    kernels = await kernelsOf(tier);
  });

  describe.each(WASM_PACKED_TYPES)("%s", (type) => {
    test.each(Object.keys(STYLES))("%s", (style) => {
      fc.assert(
        fc.property(
          fc.integer(),
          fc.integer({ min: 1, max: 9 }),
          fc.constantFrom("f16", "f32"),
          (seed, nBlocks, source) => {
            const random = mulberry32(seed);
            const values = Float32Array.from({ length: 32 * nBlocks }, () => STYLES[style]!(random));
            const packed = pack(kernels, type, source, values);
            expect(packed).toEqual(packRows(type, values));
          },
        ),
        { numRuns: 25 },
      );
    });
  });

  test("a type without a quantiser has none", () => {
    expect(kernels.packer("q6_K")).toBeUndefined();
    expect(kernels.packer("constructor")).toBeUndefined();
  });
});

/** Packs `values`, which are rounded to binary16 in place if `source` is f16. */
function pack(kernels: Kernels, type: string, source: "f16" | "f32", values: Float32Array): Uint8Array {
  const { buffer } = kernels.memory;
  if (source === "f16") {
    const bits = encodeF16(values, new Uint16Array(buffer, PLACES.vectors, values.length));
    for (let i = 0; i < values.length; i++) values[i] = f16ToF32(bits[i]!);
  } else {
    new Float32Array(buffer, PLACES.vectors, values.length).set(values);
  }
  const size = packRows(type, values).length;
  kernels.packer(type)!(source, PLACES.vectors, PLACES.rows, values.length);
  return new Uint8Array(buffer, PLACES.rows, size).slice();
}
