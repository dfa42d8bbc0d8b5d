// Dot products and unpacked values, to the bit, against the oracle.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { blockInfo, dot, dotValues, packActivation, packRows, unpackRows } from "../src/index.ts";
import { anyBlocks, finiteValues, moderateValues, QUANTIZED_TYPES } from "./arbitraries.ts";
import { oracleDot, oracleValues, READERS } from "./oracle.ts";

const N_BLOCKS = 3;

describe.each(QUANTIZED_TYPES)("%s", (type) => {
  const nValues = N_BLOCKS * blockInfo(type).blockValues;

  test("blocks of any bytes mean what the oracle reads in them", () => {
    fc.assert(
      fc.property(anyBlocks(type, N_BLOCKS), (bytes) => {
        expect(Array.from(unpackRows(type, bytes))).toEqual(oracleValues(type, bytes));
      }),
      { numRuns: 40 },
    );
  });

  test("dot is the oracle's, for any bytes and any vector", () => {
    fc.assert(
      fc.property(
        anyBlocks(type, N_BLOCKS),
        fc.oneof(moderateValues(nValues), finiteValues(nValues).map(withinF16)),
        (weights, x) => {
          const activations = packActivation(type, x);
          expect(dot(type, weights, activations)).toBe(oracleDot(type, weights, activations));
        },
      ),
      { numRuns: 40 },
    );
  });

  test("dot of packed weights is the oracle's", () => {
    fc.assert(
      fc.property(moderateValues(nValues), moderateValues(nValues), (values, x) => {
        const weights = packRows(type, values);
        expect(dotValues(type, weights, x)).toBe(oracleDot(type, weights, packActivation(type, x)));
      }),
      { numRuns: 40 },
    );
  });

  test.each([0x00, 0x7f, 0x80, 0xff])("integer sums stay exact at their largest: weights of %d", (byte) => {
    const { blockBytes, blockValues } = blockInfo(type);
    // a scale of 1 + 2^-10 in every field that can be one, levels and scales all equal
    const weights = new Uint8Array(N_BLOCKS * blockBytes).fill(byte);
    for (const offset of [0, 2, 80, 82, 108, 208]) {
      for (let n = 0; n < N_BLOCKS && offset < blockBytes; n++) weights.set([0x01, 0x3c], n * blockBytes + offset);
    }
    const x = Float32Array.from(
      { length: nValues },
      (_, i) => (i % blockValues === 0 ? -1 : 1) * (i < blockValues ? 1 : -1),
    );
    const activations = packActivation(type, x);
    expect(dot(type, weights, activations)).toBe(oracleDot(type, weights, activations));
  });
});

describe("the order of the two scales, which shows only in large sums", () => {
  // 32 levels near the lowest, one of them odd, and activations of -127
  test.each([
    ["q4_0", 0, 2, 1, "one after the other"],
    ["q5_0", 0, 6, 1, "their product"],
    ["q8_0", 0x81, 2, 0x82, "their product"],
  ])("%s", (type, levelBytes, oddOffset, oddByte, order) => {
    const { level, d } = READERS.get(type)!;
    const activations = packActivation(type, new Float32Array(32).fill(-1));
    const dy = READERS.get("q8_0")!.d(activations);
    let differing = 0;
    for (let scaleBits = 0x3c00; scaleBits < 0x4000; scaleBits++) {
      const weights = new Uint8Array(blockInfo(type).blockBytes).fill(levelBytes);
      weights[oddOffset] = oddByte;
      new DataView(weights.buffer).setUint16(0, scaleBits, true);
      const dx = d(weights);
      let sum = 0;
      for (let i = 0; i < 32; i++) sum += -127 * level(weights, i);
      const inTurn = Math.fround(Math.fround(sum * dx) * dy);
      const byProduct = Math.fround(sum * Math.fround(dx * dy));
      expect(dot(type, weights, activations)).toBe(order === "their product" ? byProduct : inTurn);
      if (inTurn !== byProduct) differing++;
    }
    expect(differing).toBeGreaterThan(100);
  });
});

/** Large numbers divided until their block scale cannot overflow binary16. */
function withinF16(values: Float32Array): Float32Array {
  return values.map((value) => (Math.abs(value) > 1e6 ? value / 1e33 : value));
}

describe("f16", () => {
  test("sums products in double, in order, and rounds once", () => {
    fc.assert(
      fc.property(moderateValues(77), moderateValues(77), (values, x) => {
        let sum = 0;
        for (const [i, value] of values.entries()) sum += Math.fround(Math.f16round(value) * Math.f16round(x[i]!));
        expect(dotValues("f16", packRows("f16", values), x)).toBe(Math.fround(sum));
      }),
    );
  });

  test("the product of two binary16 numbers needs no rounding", () => {
    const bits = fc.integer({ min: 0, max: 0x7bff });
    fc.assert(
      fc.property(bits, bits, (a, b) => {
        const [x, y] = unpackRows("f16", new Uint8Array(Uint16Array.of(a, b).buffer));
        expect(Math.fround(x! * y!)).toBe(x! * y!);
      }),
    );
  });
});

test("f32 rounds each product to binary32 and sums in double, in order", () => {
  fc.assert(
    fc.property(moderateValues(77), moderateValues(77), (values, x) => {
      let sum = 0;
      for (const [i, value] of values.entries()) sum += Math.fround(value * x[i]!);
      expect(dotValues("f32", packRows("f32", values), x)).toBe(Math.fround(sum));
    }),
  );
});
