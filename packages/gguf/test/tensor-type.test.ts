import { memorySource } from "@ll/bytes";
import { describe, expect, test } from "vitest";
import { openGguf, tensorBytes, tensorType, tensorTypeById } from "../src/index.ts";
import { ggufBytes, pattern } from "./support/gguf-bytes.ts";

const REMOVED = [4, 5, 31, 32, 33, 36, 37, 38];
const IDS = Array.from({ length: 43 }, (_, id) => id).filter((id) => !REMOVED.includes(id));

describe("types", () => {
  test("all that ggml has, and none that it has not", () => {
    expect(IDS.map((id) => tensorTypeById(id)?.id)).toEqual(IDS);
    expect([...REMOVED, 43, -1].map((id) => tensorTypeById(id))).toEqual(Array(10).fill(undefined));
    expect(IDS.map((id) => tensorTypeById(id)?.name).join(" ")).toBe(
      "f32 f16 q4_0 q4_1 q5_0 q5_1 q8_0 q8_1 q2_K q3_K q4_K q5_K q6_K q8_K iq2_xxs iq2_xs iq3_xxs iq1_s iq4_nl iq3_s iq2_s iq4_xs " +
        "i8 i16 i32 i64 f64 iq1_m bf16 tq1_0 tq2_0 mxfp4 nvfp4 q1_0 q2_0",
    );
  });

  test.each(IDS)("TENSORS_SUCCESS: a tensor of type %i is listed and read", async (id) => {
    const type = tensorTypeById(id)!;
    expect(tensorType(type.name)).toBe(type);
    const data = pattern(6 * type.blockBytes, id);
    const ne = [2 * type.blockValues, 3];
    const file = await openGguf(memorySource(ggufBytes({ tensors: [{ name: "x", type: id, ne, data }] })));
    expect(file.tensors).toMatchObject([{ type: type.name, shape: [3, 2 * type.blockValues] }]);
    const bytes = new Uint8Array(file.tensors[0]!.byteLength);
    await file.tensors[0]?.read(0, bytes);
    expect(bytes).toEqual(data);
  });

  test("bits per value", () => {
    const bits = (name: string) => (8 * tensorType(name).blockBytes) / tensorType(name).blockValues;
    expect(["q4_0", "q6_K", "iq2_xxs", "iq1_m", "tq1_0", "mxfp4", "nvfp4", "q1_0", "q2_0"].map(bits)).toEqual([
      4.5, 6.5625, 2.0625, 1.75, 1.6875, 4.25, 4.5, 1.125, 2.25,
    ]);
  });

  test("sizes", () => {
    expect(tensorBytes(tensorType("q4_0"), [4096, 4096])).toBe((4096 * 4096 * 18) / 32);
    expect(tensorBytes(tensorType("f32"), [])).toBe(4);
    expect(tensorBytes(tensorType("f32"), [5, 0])).toBe(0);
    expect(() => tensorBytes(tensorType("q4_0"), [32, 31])).toThrow("rows of a multiple of 32 for q4_0, got 31");
    expect(() => tensorBytes(tensorType("q4_0"), [])).toThrow("rows of a multiple of 32 for q4_0, got 1");
    expect(() => tensorBytes(tensorType("f32"), [1.5])).toThrow("sizes from 0, got 1.5");
    expect(() => tensorType("q4_2")).toThrow('got "q4_2"');
  });
});
