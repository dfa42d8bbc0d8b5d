import { isFormatError } from "@ll/bytes";
import { describe, expect, test } from "vitest";
import { BLOCK_TYPES, blockInfo, rowBytes, WeightError } from "../src/index.ts";

test("the types, in the order of their ids", () => {
  const table = BLOCK_TYPES.map((type) => {
    const { blockValues, blockBytes, activationType, isWeightType, isQuantized, canPack } = blockInfo(type);
    const use = isWeightType ? "weights" : "activations";
    return `${type} ${blockValues} ${blockBytes} ${activationType} ${use} ${isQuantized ? "quantised" : "plain"}${canPack ? "" : ", read only"}`;
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
    "iq2_xxs 256 66 q8_K weights quantised, read only",
    "iq2_xs 256 74 q8_K weights quantised, read only",
    "iq3_xxs 256 98 q8_K weights quantised, read only",
    "iq1_s 256 50 q8_K weights quantised, read only",
    "iq4_nl 32 18 q8_0 weights quantised, read only",
    "iq3_s 256 110 q8_K weights quantised, read only",
    "iq2_s 256 82 q8_K weights quantised, read only",
    "iq4_xs 256 136 q8_K weights quantised, read only",
    "iq1_m 256 56 q8_K weights quantised, read only",
    "bf16 1 2 bf16 weights plain",
    "tq1_0 256 54 q8_K weights quantised, read only",
    "tq2_0 256 66 q8_K weights quantised, read only",
    "mxfp4 32 17 q8_0 weights quantised, read only",
    "nvfp4 64 36 q8_0 weights quantised, read only",
    "q1_0 128 18 q8_0 weights quantised, read only",
    "q2_0 64 18 q8_0 weights quantised, read only",
  ]);
});

test("blocks of activations hold as many values as those of their weights, or a whole part", () => {
  for (const type of BLOCK_TYPES) {
    const { blockValues, activationType } = blockInfo(type);
    expect(blockValues % blockInfo(activationType).blockValues).toBe(0);
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
