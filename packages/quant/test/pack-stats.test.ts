import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { blockInfo, packRows, packStats, toolHistogram, unpackRows } from "../src/index.ts";
import { moderateValues, PACKED_TYPES } from "./arbitraries.ts";
import { blocksOf, READERS } from "./oracle.ts";

/** Bin of a level with its offset taken off, for the types that have a histogram. */
const BIN_OF = new Map<string, (level: number) => number>([
  ["q4_0", (level) => level + 8],
  ["q4_1", (level) => level],
  ["q5_0", (level) => Math.floor((level + 16) / 2)],
  ["q5_1", (level) => Math.floor(level / 2)],
  ["q8_0", (level) => Math.trunc(level / 16) + 8],
]);

function expectedHistogram(type: string, packed: Uint8Array): number[] {
  const bins = new Array<number>(16).fill(0);
  const bin = BIN_OF.get(type);
  if (bin === undefined) return bins;
  const { blockValues, level } = READERS.get(type)!;
  for (const block of blocksOf(type, packed)) {
    for (let i = 0; i < blockValues; i++) bins[bin(level(block, i))]! += 1;
  }
  return bins;
}

describe.each(PACKED_TYPES)("%s", (type) => {
  // more blocks than are unpacked at a time
  const values = Float32Array.from({ length: 131 * blockInfo(type).blockValues }, (_, i) => Math.sin(i * i) * 3);
  const packed = packRows(type, values);

  test("counts every level once", () => {
    expect(Array.from(packStats(type, values, packed).histogram)).toEqual(expectedHistogram(type, packed));
  });

  test("measures the difference to the unpacked values", () => {
    const unpacked = unpackRows(type, packed);
    const errors = Array.from(values, (value, i) => Math.abs(value - unpacked[i]!));
    const { rmse, maxError } = packStats(type, values, packed);
    expect(maxError).toBe(Math.max(...errors));
    // the sum runs in the same order, in double
    expect(rmse).toBe(Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / errors.length));
  });

  test("refuses what does not belong together", () => {
    expect(() => packStats(type, values, packed.subarray(0, packed.length - blockInfo(type).blockBytes))).toThrow(
      RangeError,
    );
  });
});

test("without values there is no error", () => {
  expect(packStats("q4_0", new Float32Array(0), new Uint8Array(0))).toEqual({
    histogram: new Float64Array(16),
    rmse: 0,
    maxError: 0,
  });
});

describe("toolHistogram", () => {
  test.each(["q4_0", "q4_1", "q8_0"])("%s: is the true one", (type) => {
    fc.assert(
      fc.property(moderateValues(96), (values) => {
        const packed = packRows(type, values);
        expect(toolHistogram(type, packed)).toEqual(packStats(type, values, packed).histogram);
      }),
    );
  });

  // for each even j, the nibbles of byte j / 2 meet bits of qh that belong to other values
  test.each([
    ["q5_0", 2],
    ["q5_1", 4],
  ])("%s: pairs levels with the wrong fifth bits", (type, bitsOffset) => {
    fc.assert(
      fc.property(moderateValues(32), (values) => {
        const packed = packRows(type, values);
        const bits = new DataView(packed.buffer).getUint32(bitsOffset, true);
        const bit = (j: number): number => Math.floor(bits / 2 ** j) % 2;
        const bins = new Array<number>(16).fill(0);
        for (let j = 0; j < 32; j += 2) {
          const pair = packed[bitsOffset + 4 + j / 2]!;
          const second = j < 16 ? bit(j + 16) : j === 16 || j === 18 ? 0 : bit(j - 16);
          bins[Math.floor(((pair % 16) + 16 * bit(j)) / 2)]! += 1;
          bins[Math.floor((Math.floor(pair / 16) + 16 * second) / 2)]! += 1;
        }
        expect(Array.from(toolHistogram(type, packed))).toEqual(bins);
      }),
    );
  });

  test("adds to the counts that are given", () => {
    const packed = packRows("q4_0", new Float32Array(64));
    const counts = new Float64Array(16).fill(1);
    expect(toolHistogram("q4_0", packed, counts)).toBe(counts);
    expect(counts[8]).toBe(65);
    expect(counts[7]).toBe(1);
    expect(() => toolHistogram("q4_0", packed, new Float64Array(15))).toThrow(RangeError);
  });

  test.each(["f32", "f16", "q2_K", "q6_K"])("%s: counts nothing", (type) => {
    expect(toolHistogram(type, packRows(type, new Float32Array(256).fill(1)))).toEqual(new Float64Array(16));
  });
});
