import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import type { KvTypes } from "../../src/index.ts";
import type { AttentionShape } from "../../src/kernels/kernels.ts";
import {
  attended,
  bitsOf,
  bytesAt,
  kernelPair,
  numbers,
  type Options,
  placeHead,
  SCALE,
  spreads,
  TIERS_AND_ARITHMETICS,
} from "./kernel-pair.ts";

const seeds = fc.integer({ min: 0, max: 2 ** 31 });
const kvTypes = fc.constantFrom<KvTypes>(
  "f16",
  "f32",
  "q8_0",
  "q8_0",
  { k: "q8_0", v: "f16" },
  { k: "f16", v: "q8_0" },
  { k: "f32", v: "f16" },
);

interface Case {
  readonly shape: AttentionShape;
  readonly nPast: number;
  readonly n: number;
}

/** Heads of 2 … 128 channels shared by 1 … 9 query heads, up to 37 new positions behind up to 100. */
const cases: fc.Arbitrary<Case> = fc
  .record({
    kvType: kvTypes,
    halfDim: fc.oneof(fc.integer({ min: 1, max: 64 }), fc.constantFrom(4, 16, 32, 40, 50, 64)),
    headsPerKvHead: fc.integer({ min: 1, max: 9 }),
    nPast: fc.integer({ min: 0, max: 100 }),
    n: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 37 })),
    spare: fc.integer({ min: 0, max: 40 }),
  })
  .map(({ kvType, halfDim, headsPerKvHead, nPast, n, spare }) => ({
    shape: { kvType, headDim: 2 * halfDim, headsPerKvHead, contextTokens: nPast + n + spare },
    nPast,
    n,
  }));

/** None, or windows that begin within tiles and at their borders, caps and sinks of any size. */
const optionCases: fc.Arbitrary<Options> = fc.oneof(
  fc.constant({}),
  fc.record({
    window: fc.option(fc.oneof(fc.integer({ min: 1, max: 100 }), fc.constantFrom(32, 64)), { nil: undefined }),
    softCap: fc.option(fc.constantFrom(0.5, 3, 50), { nil: undefined }),
    sinks: fc.option(fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 9, maxLength: 9 }), { nil: undefined }),
  }),
);

describe.each(TIERS_AND_ARITHMETICS)("attention of tier %s, %s", async (tier, arithmetic) => {
  const pair = await kernelPair(tier, arithmetic);

  test.prop([cases, optionCases, seeds, spreads, fc.integer({ min: 1, max: 50 })])(
    "equals the scalar engine to the bit",
    ({ shape, nPast, n }, { sinks, ...others }, seed, spread, pieceTokens) => {
      const options = { ...others, sinks: sinks?.slice(0, shape.headsPerKvHead) };
      const keys = numbers(seed, (nPast + n) * shape.headDim, spread); // (nPast + n, headDim)
      const values = numbers(seed + 1, keys.length, spread); // (nPast + n, headDim)
      const queries = numbers(seed + 2, n * shape.headsPerKvHead * shape.headDim, spread); // (n, heads, headDim)
      const [out, expected] = pair.map((kernels) =>
        attended(kernels, placeHead(kernels, shape, keys, values, n, pieceTokens), queries, nPast, options),
      );
      expect(bitsOf(out!)).toEqual(bitsOf(expected!));
    },
  );

  test.prop([cases, seeds, fc.integer({ min: 1, max: 10 })])(
    "does not depend on how positions are cut into calls",
    ({ shape, nPast, n }, seed, callTokens) => {
      const [kernels] = pair;
      const rowValues = shape.headsPerKvHead * shape.headDim;
      const keys = numbers(seed, (nPast + n) * shape.headDim); // (nPast + n, headDim)
      const queries = numbers(seed + 1, n * rowValues); // (n, heads, headDim)
      const placed = placeHead(kernels, shape, keys, keys, n);
      const whole = attended(kernels, placed, queries, nPast);
      for (let first = 0; first < n; first += callTokens) {
        const rows = queries.subarray(first * rowValues, (first + callTokens) * rowValues);
        const part = attended(kernels, placed, rows, nPast + first);
        expect(part).toEqual(whole.subarray(first * rowValues, (first + callTokens) * rowValues));
      }
    },
  );

  test.prop([cases, seeds])("reads rows that are apart and writes nothing but its own", ({ shape, nPast, n }, seed) => {
    const [kernels] = pair;
    const { headDim, headsPerKvHead } = shape;
    const rowValues = headsPerKvHead * headDim;
    const keys = numbers(seed, (nPast + n) * headDim); // (nPast + n, headDim)
    const queries = numbers(seed + 1, n * rowValues); // (n, heads, headDim)
    const placed = placeHead(kernels, shape, keys, keys, n);
    const expected = attended(kernels, placed, queries, nPast);

    // the same once more, with gaps of 3 and 5 values between rows, and everything else set to a pattern
    const { attention, head, work } = placed;
    const qStride = rowValues + 3;
    const outStride = rowValues + 5;
    const workEnd = work + attention.workBytes(n);
    const q = workEnd + 64;
    const out = q + 4 * n * qStride + 64;
    const end = out + 4 * n * outStride + 64;
    bytesAt(kernels, work, end - work).fill(0x5a);
    const floats = new Float32Array(kernels.memory.buffer);
    for (let i = 0; i < n; i++) {
      floats.set(queries.subarray(i * rowValues, (i + 1) * rowValues), q / 4 + i * qStride);
    }
    const before = bytesAt(kernels, 0, end).slice();
    attention.attend(head, q, out, work, nPast, n, qStride, outStride, { scale: SCALE });
    for (let i = 0; i < n; i++) {
      const row = out / 4 + i * outStride;
      expect(floats.slice(row, row + rowValues)).toEqual(expected.subarray(i * rowValues, (i + 1) * rowValues));
      before.set(bytesAt(kernels, 4 * row, 4 * rowValues), 4 * row);
    }
    before.set(bytesAt(kernels, work, workEnd - work), work);
    expect(Buffer.compare(bytesAt(kernels, 0, end), before)).toBe(0);
  });

  describe.each(["f16", "f32"] as const)("%s", (kvType) => {
    const shape: AttentionShape = { kvType, headDim: 12, headsPerKvHead: 3, contextTokens: 80 };
    const { headDim, headsPerKvHead } = shape;
    const nTokens = 70;
    const n = 40;

    /** [kernels, twin] after `change` was applied to keys and values, for the last `n` of `nTokens` positions. */
    function both(
      change: (keys: Float32Array, values: Float32Array, queries: Float32Array) => void,
      options: Options = {},
    ): Float32Array[] {
      const keys = numbers(1, nTokens * headDim); // (nTokens, headDim)
      const values = numbers(2, nTokens * headDim); // (nTokens, headDim)
      const queries = numbers(3, n * headsPerKvHead * headDim); // (n, headsPerKvHead, headDim)
      change(keys, values, queries);
      return pair.map((kernels) =>
        attended(kernels, placeHead(kernels, shape, keys, values, n), queries, nTokens - n, options),
      );
    }

    test("values that overflow are seen by later positions only", () => {
      const [out, expected] = both((_, values) =>
        values.fill(kvType === "f16" ? 1e6 : Number.POSITIVE_INFINITY, 60 * headDim, 60 * headDim + 1),
      );
      expect(bitsOf(out!)).toEqual(bitsOf(expected!));
      const rowValues = headsPerKvHead * headDim;
      expect(out!.subarray(0, 30 * rowValues).every(Number.isFinite)).toBe(true);
      expect(out!.subarray(30 * rowValues).every(Number.isFinite)).toBe(false);
    });

    test("values that overflow are not seen from where they are out of the window", () => {
      const [out, expected] = both((_, values) => values.fill(Number.POSITIVE_INFINITY, 35 * headDim, 36 * headDim), {
        window: 10,
      });
      expect(bitsOf(out!)).toEqual(bitsOf(expected!));
      const firstFree = (35 + 10 - (nTokens - n)) * headsPerKvHead * headDim;
      expect(out!.subarray(firstFree).every(Number.isFinite)).toBe(true);
      expect(out!.subarray(firstFree - headDim, firstFree).some(Number.isFinite)).toBe(false);
    });

    test("keys that overflow are never chosen if their score is -infinity", () => {
      const [out, expected] = both((keys, _, queries) => {
        keys[45 * headDim] = Number.NEGATIVE_INFINITY;
        for (let i = 0; i < queries.length; i += headDim) queries[i] = Math.abs(queries[i]!);
      });
      expect(bitsOf(out!)).toEqual(bitsOf(expected!));
      expect(out!.every(Number.isFinite)).toBe(true);
    });

    test("what is not a number makes the twin's results", () => {
      const [out, expected] = both((keys) => keys.fill(Number.NaN, 50 * headDim, 50 * headDim + 2));
      expect(bitsOf(out!)).toEqual(bitsOf(expected!));
      expect(out!.some(Number.isNaN)).toBe(true);
    });

    test("a head notes that it held an infinity until it is cleared", () => {
      const [kernels] = pair;
      const note = (placed: { head: number }): number => new Uint32Array(kernels.memory.buffer, placed.head, 1)[0]!;
      const keys = numbers(1, nTokens * headDim); // (nTokens, headDim)
      expect(note(placeHead(kernels, shape, keys, keys, n))).toBe(0);
      expect(note(placeHead(kernels, shape, keys, keys.fill(Number.NEGATIVE_INFINITY, 7, 8), n))).not.toBe(0);
      expect(note(placeHead(kernels, shape, keys.fill(0), keys, n))).toBe(0);
    });

    test("queries on both sides of what overflows", () => {
      const [out, expected] = both((_, _values, queries) =>
        queries.set([65519, 65520, -65519.99, -65520, 65536, 7e4], 12),
      );
      expect(bitsOf(out!)).toEqual(bitsOf(expected!));
    });

    test("scores far apart", () => {
      const [out, expected] = both((_, _values, queries) => queries.set(queries.map((x) => 1000 * x)));
      expect(bitsOf(out!)).toEqual(bitsOf(expected!));
    });
  });
});
