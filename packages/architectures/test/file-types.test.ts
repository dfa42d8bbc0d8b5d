import { describe, expect, test } from "vitest";
import { FILE_TYPES, fileTypeLabel, fileTypeOf } from "../src/index.ts";

describe("file types", () => {
  test.each([
    [0, "all F32"],
    [1, "mostly F16"],
    [2, "mostly Q4_0"],
    [3, "mostly Q4_1"],
    [4, "mostly Q4_1, some F16"],
    [5, "unknown, may not work"],
    [6, "unknown, may not work"],
    [7, "mostly Q8_0"],
    [8, "mostly Q5_0"],
    [9, "mostly Q5_1"],
    [10, "mostly Q2_K"],
    [11, "mostly Q3_K - Small"],
    [12, "mostly Q3_K - Medium"],
    [13, "mostly Q3_K - Large"],
    [14, "mostly Q4_K - Small"],
    [15, "mostly Q4_K - Medium"],
    [16, "mostly Q5_K - Small"],
    [17, "mostly Q5_K - Medium"],
    [18, "mostly Q6_K"],
    [19, "mostly IQ2_XXS"],
    [33, "unknown, may not work"],
  ])("file type %i is %s", (ftype, label) => {
    expect(fileTypeLabel(ftype)).toBe(label);
  });

  test("have ids and names of their own", () => {
    expect(new Set(FILE_TYPES.map(({ id }) => id)).size).toBe(FILE_TYPES.length);
    expect(new Set(FILE_TYPES.map(({ name }) => name)).size).toBe(FILE_TYPES.length);
  });

  test.each([
    ["f32", 0],
    ["q4_1", 3],
    ["q3_K", 12],
    ["q4_K", 15],
    ["q2_K", 10],
    ["iq2_xs", 20],
    ["iq2_s", 28],
    ["iq3_s", 26],
    ["iq1_m", 31],
    ["mxfp4", 38],
    ["bf16", 32],
    ["i8", undefined],
  ])("a file of %s is of type %s", (type, id) => {
    expect(fileTypeOf(type)).toBe(id);
  });
});
