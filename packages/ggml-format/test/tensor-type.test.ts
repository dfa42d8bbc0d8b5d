import { describe, expect, test } from "vitest";
import { tensorBytes, tensorType, tensorTypeById } from "../src/index.ts";
import { dataBytes } from "./ggml-bytes.ts";

// ids, names and sizes of build 803
const TABLE = [
  [0, "f32", 1, 4],
  [1, "f16", 1, 2],
  [2, "q4_0", 32, 18],
  [3, "q4_1", 32, 20],
  [6, "q5_0", 32, 22],
  [7, "q5_1", 32, 24],
  [8, "q8_0", 32, 34],
  [10, "q2_K", 256, 84],
  [11, "q3_K", 256, 110],
  [12, "q4_K", 256, 144],
  [13, "q5_K", 256, 176],
  [14, "q6_K", 256, 210],
] as const;

describe("tensor types", () => {
  test.each(TABLE)("%i is %s", (id, name, blockValues, blockBytes) => {
    expect(tensorTypeById(id)).toEqual({ id, name, blockValues, blockBytes, quantized: id > 1 });
    expect(tensorType(name)).toBe(tensorTypeById(id));
    expect(tensorBytes(tensorType(name), [3, 2 * blockValues])).toBe(6 * blockBytes);
    expect(tensorBytes(tensorType(name), [2 * blockValues, 3 * blockValues])).toBe(
      dataBytes(id, [3 * blockValues, 2 * blockValues]),
    );
  });

  test("no other id is a type", () => {
    const known = new Set<number>(TABLE.map(([id]) => id));
    for (const id of [...Array(40).keys(), -1, 0.5, 2 ** 31 - 1, 2 ** 32 - 1]) {
      expect(tensorTypeById(id) !== undefined, `${id}`).toBe(known.has(id));
    }
  });

  test("old blocks have names of their own", () => {
    expect(tensorType("q4_0_v1")).toMatchObject({ id: 2, blockValues: 32, blockBytes: 20 });
    expect(tensorType("q4_1_v1")).toMatchObject({ id: 3, blockValues: 32, blockBytes: 24 });
    expect(tensorTypeById(2)?.name).toBe("q4_0");
  });
});

describe("tensorBytes", () => {
  test("is exact up to 2^53 - 1 and refuses more", () => {
    expect(tensorBytes(tensorType("f16"), [2 ** 31, 2 ** 20])).toBe(2 ** 52);
    // 18 × 2^27 blocks a row: times 2^24 rows the product with 32 values passes 2^53, the size itself does not
    expect(tensorBytes(tensorType("q4_0"), [2 ** 21 + 1, 2 ** 32])).toBe(18 * 2 ** 27 * (2 ** 21 + 1));
    expect(() => tensorBytes(tensorType("f32"), [2 ** 31, 2 ** 20])).toThrow("under 2^53 bytes, got 9007199254740992");
  });

  test.each([[[0]], [[4, 0]], [[-1]], [[1.5]], [[Number.NaN]], [[]], [[2 ** 53]]])("refuses the shape %j", (shape) => {
    expect(() => tensorBytes(tensorType("f32"), shape)).toThrow(RangeError);
  });

  test("refuses rows that are no whole blocks, whatever the total", () => {
    expect(() => tensorBytes(tensorType("q4_0"), [32, 16])).toThrow("rows of a multiple of 32 for q4_0, got 16");
    expect(() => tensorBytes(tensorType("q6_K"), [2, 128])).toThrow(RangeError);
  });
});
