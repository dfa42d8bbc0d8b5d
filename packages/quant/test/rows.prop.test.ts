// What packing promises for every type: how far values move, and what stays the same when it is repeated, split, scaled or
// negated.

import { isFormatError } from "@ll/bytes";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BLOCK_TYPES, blockInfo, checkRows, packRows, unpackRows } from "../src/index.ts";
import { anyBlocks, finiteValues, K_TYPES, moderateValues, QUANTIZED_TYPES, WEIGHT_TYPES } from "./arbitraries.ts";
import { blocksOf, READERS } from "./oracle.ts";

const BLOCKED_TYPES = BLOCK_TYPES.filter((type) => blockInfo(type).isQuantized);

/** Enough for many shapes of a block while the K types take some 10 µs per block. */
const RUNS = { numRuns: 60 };

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

describe("error bounds", () => {
  /** Room for a handful of binary32 roundings of numbers of the size of `magnitude`. */
  const roundings = (magnitude: number): number => 8 * magnitude * 2 ** -24;

  // levels -n … n-1: half a step, one whole step for a second value of the largest magnitude but of other sign
  test.each([
    ["q4_0", 8],
    ["q5_0", 16],
    ["q8_K", 128],
  ])("%s: half a step, and the loss of its rounded scale", (type, nLevels) => {
    const { blockValues } = blockInfo(type);
    fc.assert(
      fc.property(moderateValues(blockValues), (values) => {
        const packed = packRows(type, values);
        const unpacked = unpackRows(type, packed);
        const largest = Math.max(...values.map(Math.abs));
        fc.pre(largest > 0);
        const step = largest / nLevels;
        const scaleLoss = Math.abs(step - Math.abs(READERS.get(type)!.d(packed)));
        for (const [i, value] of values.entries()) {
          const overTop = Math.max(0.5, Math.abs(value) / step - (nLevels - 1));
          const bound = overTop * step + nLevels * scaleLoss + roundings(largest);
          expect(Math.abs(value - unpacked[i]!)).toBeLessThanOrEqual(bound);
        }
      }),
      RUNS,
    );
  });

  test.each(["q8_0", "q8_1"])("%s: half a step, and the loss of its rounded scale", (type) => {
    fc.assert(
      fc.property(moderateValues(32), (values) => {
        const packed = packRows(type, values);
        const unpacked = unpackRows(type, packed);
        const largest = Math.max(...values.map(Math.abs));
        const scaleLoss = Math.abs(largest / 127 - READERS.get(type)!.d(packed));
        const bound = largest / 254 + 127 * scaleLoss + roundings(largest);
        for (const [i, value] of values.entries()) expect(Math.abs(value - unpacked[i]!)).toBeLessThanOrEqual(bound);
      }),
      RUNS,
    );
  });

  test.each([
    ["q4_1", 15],
    ["q5_1", 31],
  ])("%s: half a step, and the loss of its rounded scale and minimum", (type, maxLevel) => {
    fc.assert(
      fc.property(moderateValues(32), (values) => {
        const packed = packRows(type, values);
        const unpacked = unpackRows(type, packed);
        const min = Math.min(...values);
        const step = (Math.max(...values) - min) / maxLevel;
        const { d, dmin } = READERS.get(type)!;
        const loss = maxLevel * Math.abs(step - d(packed)) + Math.abs(min + dmin(packed));
        const bound = step / 2 + loss + roundings(maxLevel * step + Math.abs(min));
        for (const [i, value] of values.entries()) expect(Math.abs(value - unpacked[i]!)).toBeLessThanOrEqual(bound);
      }),
      RUNS,
    );
  });

  test.each(K_TYPES)("%s: each value goes to the nearest that its group can express", (type) => {
    const { level, scale, min, d, dmin } = READERS.get(type)!;
    // all levels that the type has, found in a block of random bytes
    const nearest = (value: number, step: number, offset: number): number => {
      const [low, high] = LEVEL_RANGE.get(type)!;
      let best = Number.POSITIVE_INFINITY;
      for (let l = low; l <= high; l++) best = Math.min(best, Math.abs(step * l - offset - value));
      return best;
    };
    fc.assert(
      fc.property(moderateValues(256), (values) => {
        const packed = packRows(type, values);
        const unpacked = unpackRows(type, packed);
        for (const [i, value] of values.entries()) {
          const step = d(packed) * scale(packed, i);
          if (step === 0) continue;
          const offset = dmin(packed) * min(packed, i);
          const room = roundings(Math.abs(value) + Math.abs(offset) + Math.abs(step * level(packed, i)));
          expect(Math.abs(value - unpacked[i]!)).toBeLessThanOrEqual(nearest(value, step, offset) + room);
        }
      }),
      { numRuns: 25 },
    );
  });

  test("f16 keeps 11 bits", () => {
    fc.assert(
      fc.property(moderateValues(32), (values) => {
        const unpacked = unpackRows("f16", packRows("f16", values));
        for (const [i, value] of values.entries()) {
          const bound = Math.max(Math.abs(value) * 2 ** -11, 2 ** -25);
          expect(Math.abs(value - unpacked[i]!)).toBeLessThanOrEqual(bound);
        }
      }),
    );
  });

  test("more bits lose less", () => {
    const values = bellShaped(64 * 256);
    const rmse = (type: string): number => {
      const unpacked = unpackRows(type, packRows(type, values));
      return Math.sqrt(values.reduce((sum, value, i) => sum + (value - unpacked[i]!) ** 2, 0) / values.length);
    };
    const losses = ["q2_K", "q3_K", "q4_0", "q4_K", "q5_0", "q5_K", "q6_K", "q8_0", "f16", "f32"].map(rmse);
    expect(losses).toEqual(losses.toSorted((a, b) => b - a));
    expect(losses[0]).toBeLessThan(0.35); // of a standard deviation of 1; the mean of all values would lose 1
    expect(losses.at(-1)).toBe(0);
  });
});

describe("packing again what was unpacked", () => {
  test.each(["f32", "f16", "q8_K"])("%s: changes nothing", (type) => {
    fc.assert(
      fc.property(moderateValues(256), (values) => {
        const packed = packRows(type, values);
        expect(packRows(type, unpackRows(type, packed))).toEqual(packed);
      }),
      RUNS,
    );
  });

  // the scale comes back because the value of largest magnitude has a level whose product with a binary16 number is exact
  test.each(["q4_0", "q5_0", "q8_0"])("%s: changes nothing unless the scale was lost", (type) => {
    fc.assert(
      fc.property(moderateValues(32), (values) => {
        const packed = packRows(type, values);
        fc.pre(READERS.get(type)!.d(packed) !== 0 || values.every((value) => value === 0));
        expect(packRows(type, unpackRows(type, packed))).toEqual(packed);
      }),
      RUNS,
    );
  });

  test("q8_1: changes nothing, with a scale of binary32", () => {
    fc.assert(
      fc.property(moderateValues(32), (values) => {
        fc.pre(Math.max(...values.map(Math.abs)) > 1e-30 || values.every((value) => value === 0));
        const packed = packRows("q8_1", values);
        expect(packRows("q8_1", unpackRows("q8_1", packed))).toEqual(packed);
      }),
      RUNS,
    );
  });

  test.each(["q4_1", "q5_1"])("%s: changes nothing while the minimum is not large beside the scale", (type) => {
    const { d, dmin } = READERS.get(type)!;
    fc.assert(
      fc.property(moderateValues(32), (values) => {
        const packed = packRows(type, values);
        // value = level · d + m rounds to the digits of m; they must reach well below those of d
        fc.pre(d(packed) > 0 && Math.abs(dmin(packed)) <= 4096 * d(packed));
        expect(packRows(type, unpackRows(type, packed))).toEqual(packed);
      }),
      RUNS,
    );
  });

  test("q4_1 can change otherwise", () => {
    // one unit in the last place below 1024; the minimum becomes 1024 itself, where units are twice as large
    const values = Float32Array.from({ length: 32 }, (_, i) => 1024 - (1 + (i % 2)) * 2 ** -14);
    const packed = packRows("q4_1", values);
    expect(packRows("q4_1", unpackRows("q4_1", packed))).not.toEqual(packed);
  });

  test("a minimum of -0 comes back without its sign, for 0 · d + -0 is 0", () => {
    const packed = packRows(
      "q4_1",
      Float32Array.from({ length: 32 }, (_, i) => (i === 0 ? -1e-9 : 1)),
    );
    const again = packRows("q4_1", unpackRows("q4_1", packed));
    expect(packed[3]).toBe(0x80);
    packed[3] = 0;
    expect(again).toEqual(packed);
  });

  test.each(K_TYPES)("%s can change: its search for a scale sees other values", (type) => {
    const values = bellShaped(1000 * 256);
    const packed = packRows(type, values);
    const again = packRows(type, unpackRows(type, packed));
    const changed = countChanged(type, packed, again);
    expect(changed).toBeGreaterThan(0);
    expect(changed).toBeLessThan(1000);
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

/** Lowest and highest level. */
const LEVEL_RANGE = new Map([
  ["q2_K", [0, 3]],
  ["q3_K", [-4, 3]],
  ["q4_K", [0, 15]],
  ["q5_K", [0, 31]],
  ["q6_K", [-32, 31]],
] as [string, [number, number]][]);

/** True if every scale and minimum is zero or a number that binary16 holds with all its digits. */
function hasNormalScales(type: string, packed: Uint8Array): boolean {
  const { d, dmin } = READERS.get(type)!;
  const smallest = type === "q8_1" || type === "q8_K" ? 2 ** -126 : 2 ** -14;
  return blocksOf(type, packed).every((block) =>
    [d(block), dmin(block)].every((number) => number === 0 || Math.abs(number) >= smallest),
  );
}

function countChanged(type: string, before: Uint8Array, after: Uint8Array): number {
  const blocks = blocksOf(type, after);
  return blocksOf(type, before).filter((block, n) => Buffer.compare(block, blocks[n]!) !== 0).length;
}

/** Numbers with mean 0 and standard deviation 1, the same on every run. */
function bellShaped(count: number): Float32Array {
  let state = 7;
  const uniform = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return ((state >>> 8) + 0.5) / 2 ** 24;
  };
  return Float32Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
}
