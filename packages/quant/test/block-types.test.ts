import { isFormatError } from "@ll/bytes";
import { describe, expect, test } from "vitest";
import { BLOCK_TYPES, blockInfo, rowBytes, WeightError } from "../src/index.ts";

test("the types, in the order of their ids", () => {
  const table = BLOCK_TYPES.map((type) => {
    const { blockValues, blockBytes, activationType, isWeightType, isQuantized } = blockInfo(type);
    const use = isWeightType ? "weights" : "activations";
    return `${type} ${blockValues} ${blockBytes} ${activationType} ${use} ${isQuantized ? "quantised" : "plain"}`;
  });
  expect(table).toEqual([
    "f32 1 4 f32 weights plain",
    "f16 1 2 f16 weights plain",
    "q4_0 32 18 q8_0 weights quantised",
    "q4_1 32 20 q8_1 weights quantised",
    "q5_0 32 22 q8_0 weights quantised",
    "q5_1 32 24 q8_1 weights quantised",
    "q8_0 32 34 q8_0 weights quantised",
    "q8_1 32 40 q8_1 activations quantised",
    "q2_K 256 84 q8_K weights quantised",
    "q3_K 256 110 q8_K weights quantised",
    "q4_K 256 144 q8_K weights quantised",
    "q5_K 256 176 q8_K weights quantised",
    "q6_K 256 210 q8_K weights quantised",
    "q8_K 256 292 q8_K activations quantised",
  ]);
});

test("activations have blocks of as many values as their weights", () => {
  for (const type of BLOCK_TYPES) {
    const { blockValues, activationType } = blockInfo(type);
    expect(blockInfo(activationType).blockValues).toBe(blockValues);
  }
});

describe("rowBytes", () => {
  test.each([
    ["f32", 5, 20],
    ["f16", 5, 10],
    ["q4_0", 4096, 2304],
    ["q6_K", 4096, 3360],
    ["q4_0", 0, 0],
    // beyond 32 bits: a count of values, 2^33
    ["q4_0", 8589934592, 4831838208],
  ])("%s of %d values", (type, nValues, bytes) => {
    expect(rowBytes(type, nValues)).toBe(bytes);
  });

  test.each([
    ["q4_0", 33],
    ["q6_K", 4128],
  ])("%s refuses %d values as a fault of the file", (type, nValues) => {
    expect(() => rowBytes(type, nValues)).toThrow(WeightError);
    try {
      rowBytes(type, nValues);
    } catch (error) {
      expect(isFormatError(error, "E_BLOCK")).toBe(true);
      expect(error).toMatchObject({
        got: nValues,
        expected: `a multiple of ${blockInfo(type).blockValues}`,
        message: `${nValues} values do not fill ${type} blocks of ${blockInfo(type).blockValues}`,
      });
    }
  });

  test.each([-32, 1.5, Number.NaN, 2 ** 53])("refuses a count of %d", (nValues) => {
    expect(() => rowBytes("q4_0", nValues)).toThrow(RangeError(`"nValues" expected an integer >= 0, got ${nValues}`));
  });

  test.each(["q4_2", "Q4_0", "", "__proto__", "constructor"])("refuses the type '%s'", (type) => {
    expect(() => rowBytes(type, 32)).toThrow(RangeError);
    expect(() => blockInfo(type)).toThrow(/^"type" expected one of f32 f16 q4_0 .*, got/);
  });
});
