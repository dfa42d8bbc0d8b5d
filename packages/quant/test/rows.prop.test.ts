// What packing promises for every type: what stays the same when values are split, scaled or negated, and what becomes of
// the very large and the very small. See also error-bounds and packing-again.

import { isFormatError } from "@ll/bytes";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { blockInfo, checkRows, packRows, unpackRows } from "../src/index.ts";
import {
  anyBlocks,
  bellShaped,
  finiteValues,
  moderateValues,
  PACKED_TYPES,
  QUANTIZED_TYPES,
  RUNS,
  WEIGHT_TYPES,
} from "./arbitraries.ts";
import { blocksOf, READERS } from "./oracle.ts";

const BLOCKED_TYPES = PACKED_TYPES.filter((type) => blockInfo(type).isQuantized);

const copyOf = (bytes: Uint8Array, offset: number): Uint8Array => {
  const padded = new Uint8Array(offset + bytes.length);
  padded.set(bytes, offset);
  return padded.subarray(offset);
};

const hasFiniteScales = (type: string, bytes: Uint8Array): boolean => {
  try {
    checkRows(type, bytes);
    return true;
  } catch (error) {
    if (isFormatError(error, "E_NUMBER")) return false;
    throw error;
  }
};

describe.each(BLOCKED_TYPES)("%s", (type) => {
  const { blockValues, blockBytes } = blockInfo(type);

  test("no block depends on its neighbours or on what `out` held", () => {
    fc.assert(
      fc.property(moderateValues(2 * blockValues), fc.nat(255), (values, dirt) => {
        const together = packRows(type, values, new Uint8Array(2 * blockBytes).fill(dirt));
        const first = packRows(type, values.subarray(0, blockValues));
        const second = packRows(type, values.subarray(blockValues));
        expect(together).toEqual(Uint8Array.from([...first, ...second]));
      }),
      RUNS,
    );
  });

  test("bytes may begin anywhere", () => {
    fc.assert(
      fc.property(moderateValues(blockValues), fc.integer({ min: 1, max: 3 }), (values, offset) => {
        const packed = packRows(type, values);
        expect(packRows(type, values, copyOf(packed, offset).fill(0))).toEqual(packed);
        expect(unpackRows(type, copyOf(packed, offset))).toEqual(unpackRows(type, packed));
      }),
      RUNS,
    );
  });

  test("a block of zeros means zeros", () => {
    const unpacked = unpackRows(type, packRows(type, new Float32Array(blockValues)));
    expect(unpacked.every((value) => value === 0)).toBe(true);
  });

  test("multiplying by a power of two changes nothing but the scale", () => {
    fc.assert(
      fc.property(moderateValues(blockValues), fc.integer({ min: -3, max: 3 }), (values, exponent) => {
        const factor = 2 ** exponent;
        const packed = packRows(type, values);
        const scaled = packRows(
          type,
          values.map((value) => value * factor),
        );
        // a scale that binary16 can only hold as a subnormal loses digits
        fc.pre(hasNormalScales(type, packed) && hasNormalScales(type, scaled));
        const expected = unpackRows(type, packed).map((value) => value * factor);
        expect(unpackRows(type, scaled)).toEqual(expected);
      }),
      RUNS,
    );
  });

  test("finite values of any size pack without failing, to finite values unless a scale overflows", () => {
    fc.assert(
      fc.property(finiteValues(blockValues), (values) => {
        const packed = packRows(type, values);
        const unpacked = unpackRows(type, packed);
        // the sum that q8_1 keeps beside its levels can overflow by itself
        if (type !== "q8_1") expect(unpacked.every(Number.isFinite)).toBe(hasFiniteScales(type, packed));
      }),
      RUNS,
    );
  });

  test("values that binary16 can hold never overflow a scale", () => {
    const f16Bits = fc.integer({ min: 0, max: 0x7bff }).chain((bits) => fc.constantFrom(bits, bits | 0x8000));
    const bits = fc.array(f16Bits, { minLength: blockValues, maxLength: blockValues });
    fc.assert(
      fc.property(bits, (patterns) => {
        const values = unpackRows("f16", new Uint8Array(Uint16Array.from(patterns).buffer));
        expect(hasFiniteScales(type, packRows(type, values))).toBe(true);
      }),
      RUNS,
    );
  });
});

describe("negated values", () => {
  test.each(["f32", "f16", "q4_0", "q5_0", "q8_0", "q8_1", "q8_K"])("%s: pack to negated values", (type) => {
    fc.assert(
      fc.property(moderateValues(blockInfo(type).blockValues), (values) => {
        const negated = unpackRows(
          type,
          packRows(
            type,
            values.map((value) => -value),
          ),
        );
        const expected = unpackRows(type, packRows(type, values));
        expect(negated.every((value, i) => value === -expected[i]!)).toBe(true); // 0 and -0 are equal here
      }),
      RUNS,
    );
  });

  test.each(["q3_K", "q6_K"])("%s: need not, for only groups with a negative largest value are refined", (type) => {
    const values = bellShaped(256);
    const negated = unpackRows(
      type,
      packRows(
        type,
        values.map((value) => -value),
      ),
    );
    const expected = unpackRows(type, packRows(type, values));
    expect(negated.every((value, i) => value === -expected[i]!)).toBe(false);
  });
});

test("weights of any bytes stay finite when their scales are", () => {
  for (const type of QUANTIZED_TYPES) {
    fc.assert(
      fc.property(anyBlocks(type, 1), (bytes) => {
        checkRows(type, bytes);
        expect(unpackRows(type, bytes).every(Number.isFinite)).toBe(true);
      }),
      RUNS,
    );
  }
  expect(WEIGHT_TYPES.length).toBe(QUANTIZED_TYPES.length + 2);
});

/** True if every scale and minimum is zero or a number that binary16 holds with all its digits. */
function hasNormalScales(type: string, packed: Uint8Array): boolean {
  const { d, dmin } = READERS.get(type)!;
  const smallest = type === "q8_1" || type === "q8_K" ? 2 ** -126 : 2 ** -14;
  return blocksOf(type, packed).every((block) =>
    [d(block), dmin(block)].every((number) => number === 0 || Math.abs(number) >= smallest),
  );
}
