// The largest values that may be packed, and the kernels' quick look for larger ones.

import { f32ToF16 } from "@ll/bytes";
import { describe, expect, test } from "vitest";
import {
  bindKernels,
  checkRows,
  LOWEST_POINTER,
  loadKernels,
  packRows,
  SCRATCH_BYTES,
  valueLimit,
} from "../src/index.ts";

test("f16 rounds its limit to a number, and what comes after it to infinity", () => {
  const limit = Float32Array.of(valueLimit("f16"));
  expect(f32ToF16(limit[0]!)).toBe(0x7bff);
  const next = new Uint32Array(limit.buffer)[0]! + 1;
  expect(f32ToF16(new Float32Array(Uint32Array.of(next).buffer)[0]!)).toBe(0x7c00);
});

test.each(["q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q2_K", "q3_K", "q4_K", "q5_K", "q6_K"])(
  "%s: values below its limit that are too large give an infinite scale",
  (type) => {
    const values = Float32Array.from({ length: 256 }, (_, i) => Math.sin(i));
    values[77] = valueLimit(type);
    expect(() => checkRows(type, packRows(type, values))).toThrow("where a finite number belongs");
  },
);

test("f32 and bf16 hold every number", () => {
  for (const type of ["f32", "bf16"]) expect(Math.fround(valueLimit(type))).toBe(valueLimit(type));
  expect(() => valueLimit("q9_9" as string)).toThrow(RangeError);
});

describe.each(["scalar", "simd", "relaxed"] as const)("exceeds, tier %s", (tier) => {
  const LIMIT = valueLimit("f16");
  const SOURCES = [
    ["f32", 4, [65520, -65520, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN]],
    ["f16", 2, [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN]],
    ["bf16", 2, [65536, -65536, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN]],
  ] as const;

  test.each(SOURCES)("sees one value of %s, wherever it is", async (source, size, bad) => {
    const memory = new WebAssembly.Memory({ initial: 2 });
    const kernels = bindKernels(await loadKernels(tier), memory);
    const at = LOWEST_POINTER + SCRATCH_BYTES;
    for (const n of [1, 3, 8, 13, 40]) {
      const bytes = new Uint8Array(memory.buffer, at, n * size);
      const largest = source === "bf16" ? 65280 : 65504;
      bytes.set(packRows(source, new Float32Array(n).fill(-largest)));
      expect(kernels.exceeds(source, at, n, LIMIT)).toBe(false);
      for (let i = 0; i < n; i++) {
        for (const value of bad) {
          const kept = bytes.slice();
          bytes.set(packRows(source, Float32Array.of(value)), i * size);
          expect(kernels.exceeds(source, at, n, LIMIT), `${value} at ${i} of ${n}`).toBe(true);
          bytes.set(kept);
        }
      }
    }
  });
});
