// The WebAssembly quantisers against `packRows`, byte for byte, for values that no weight should have as well, and their
// histograms against `toolHistogram`.

import { decodeBf16 } from "@ll/bytes";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { blockInfo, decodeF16, encodeF16, f16ToF32, packRows, toolHistogram } from "../../src/index.ts";
import type { Kernels, PackSource } from "../../src/kernels/index.ts";
import { WASM_COUNTED_TYPES } from "../../src/kernels/wasm-layouts.ts";
import { WEIGHT_TYPES } from "../arbitraries.ts";
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
  // around the size at which x² vanishes, and with it the fit of q3_K and q6_K
  "squares that vanish": (random) => (random() - 0.5) * 2 ** (-55 - 40 * random()),
  "near the largest": (random) => (random() - 0.5) * 2 ** 128,
  "one sign": (random) => random() + 0.1,
  "few large ones": (random) => (random() < 0.05 ? 1e4 : 1) * (random() - 0.5),
  "not numbers": (random) =>
    [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1, -2][Math.floor(5 * random())]!,
  "few infinities": (random) => (random() < 0.02 ? Number.POSITIVE_INFINITY : random() - 0.5),
};

describe.each(WASM_TIERS)("%s", (tier) => {
  let kernels: Kernels;
  beforeAll(async () => {
    kernels = await kernelsOf(tier);
  });

  describe.each(WEIGHT_TYPES)("%s", (type) => {
    const { blockValues } = blockInfo(type);

    test.each(Object.keys(STYLES))("%s", (style) => {
      fc.assert(
        fc.property(
          fc.integer(),
          fc.integer({ min: 1, max: blockValues === 256 ? 3 : 9 }),
          fc.constantFrom("f16", "f32", "bf16"),
          (seed, nBlocks, source) => {
            const random = mulberry32(seed);
            const values = Float32Array.from({ length: blockValues * nBlocks }, () => STYLES[style]!(random));
            const packed = pack(kernels, type, source, values);
            expect(packed).toEqual(packRows(type, values));
            expect(counted(kernels, type, packed.length)).toEqual(toolHistogram(type, packed));
          },
        ),
        { numRuns: 25 },
      );
    });

    test("blocks of one value, and a group of one value among others", () => {
      for (const value of [0, -0, 1, -0.37, 2 ** -24, 65504, -(2 ** -130)]) {
        for (const source of ["f16", "f32", "bf16"] as const) {
          const random = mulberry32(803);
          const constant = new Float32Array(2 * blockValues).fill(value);
          expect(pack(kernels, type, source, constant)).toEqual(packRows(type, constant));
          const mixed = Float32Array.from(constant, (_, i) => (i % 48 < 32 ? value : random() - 0.5));
          expect(pack(kernels, type, source, mixed)).toEqual(packRows(type, mixed));
        }
      }
    });
  });

  test.each(["f16", "f32"])("%s: all binary16 numbers and what lies between them", (type) => {
    const numbers = Float32Array.from({ length: 65536 }, (_, bits) => f16ToF32(bits)).filter(
      (value) => !Number.isNaN(value),
    );
    const middles = numbers.map((value, i) => (value + (numbers[i + 1] ?? 0)) / 2);
    for (const values of [numbers, middles, middles.map((value) => value * (1 + 2 ** -23))]) {
      expect(pack(kernels, type, "f32", values)).toEqual(packRows(type, values));
    }
    const bits = Uint16Array.from({ length: 65536 }, (_, i) => i); // NaN as well
    new Uint16Array(kernels.memory.buffer, PLACES.vectors, bits.length).set(bits);
    kernels.packer(type)!("f16", PLACES.vectors, PLACES.rows, bits.length);
    const expected = type === "f16" ? bits : decodeF16(bits, new Float32Array(bits.length));
    const bytes = new Uint8Array(kernels.memory.buffer, PLACES.rows, expected.byteLength);
    expect(bytes.slice()).toEqual(new Uint8Array(expected.buffer));
  });

  test("a type without kernels has none", () => {
    expect(kernels.packer("q8_K")).toBeUndefined();
    expect(kernels.packer("constructor")).toBeUndefined();
    expect(kernels.counter("q6_K")).toBeUndefined();
  });
});

/** The histogram of the `nBytes` bytes that were packed last; zeros for a type without one. */
function counted(kernels: Kernels, type: string, nBytes: number): Float64Array {
  const counts = new Uint32Array(kernels.memory.buffer, PLACES.out, 16).fill(0); // (16)
  const count = kernels.counter(type);
  expect(count !== undefined).toBe(WASM_COUNTED_TYPES.includes(type));
  count?.(PLACES.rows, PLACES.out, nBytes / blockInfo(type).blockBytes);
  return Float64Array.from(counts);
}

/** Packs `values`, which are first rounded in place if `source` is not f32. */
function pack(kernels: Kernels, type: string, source: PackSource, values: Float32Array): Uint8Array {
  const { buffer } = kernels.memory;
  if (source === "f16") {
    const bits = encodeF16(values, new Uint16Array(buffer, PLACES.vectors, values.length));
    for (let i = 0; i < values.length; i++) values[i] = f16ToF32(bits[i]!);
  } else if (source === "bf16") {
    const upper = new Uint16Array(values.buffer, values.byteOffset, 2 * values.length).filter((_, i) => i % 2 === 1);
    new Uint16Array(buffer, PLACES.vectors, values.length).set(upper);
    decodeBf16(upper, values);
  } else {
    new Float32Array(buffer, PLACES.vectors, values.length).set(values);
  }
  const size = packRows(type, values).length;
  kernels.packer(type)!(source, PLACES.vectors, PLACES.rows, values.length);
  return new Uint8Array(buffer, PLACES.rows, size).slice();
}
