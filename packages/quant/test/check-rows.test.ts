import { isFormatError } from "@ll/bytes";
import { describe, expect, test } from "vitest";
import { blockInfo, checkRows, packRows, WeightError } from "../src/index.ts";
import { PACKED_TYPES } from "./arbitraries.ts";

/** Offsets of the floating-point fields of a block, from the byte diagrams. */
const FIELDS = new Map<string, { f16?: number[]; f32?: number[]; bf16?: number[] }>([
  ["f32", { f32: [0] }],
  ["f16", { f16: [0] }],
  ["q4_0", { f16: [0] }],
  ["q4_1", { f16: [0, 2] }],
  ["q5_0", { f16: [0] }],
  ["q5_1", { f16: [0, 2] }],
  ["q8_0", { f16: [0] }],
  ["q8_1", { f32: [0, 4] }],
  ["q2_K", { f16: [80, 82] }],
  ["q3_K", { f16: [108] }],
  ["q4_K", { f16: [0, 2] }],
  ["q5_K", { f16: [0, 2] }],
  ["q6_K", { f16: [208] }],
  ["q8_K", { f32: [0] }],
  ["bf16", { bf16: [0] }],
]);

const caught = (work: () => void): unknown => {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
};

describe.each(PACKED_TYPES)("%s", (type) => {
  const { blockValues, blockBytes } = blockInfo(type);
  const good = packRows(
    type,
    Float32Array.from({ length: 3 * blockValues }, (_, i) => Math.sin(i)),
  );

  test("packed blocks pass", () => {
    expect(caught(() => checkRows(type, good))).toBeUndefined();
  });

  test.each(["NaN", "Infinity", "-Infinity"])("%s in any field is found, and its block is named", (name) => {
    const { f16 = [], f32 = [], bf16 = [] } = FIELDS.get(type)!;
    for (const offset of [...f16, ...f32, ...bf16]) {
      const bad = good.slice();
      const view = new DataView(bad.buffer);
      const at = 2 * blockBytes + offset;
      if (f16.includes(offset)) view.setFloat16(at, Number(name), true);
      else if (f32.includes(offset)) view.setFloat32(at, Number(name), true);
      else bad.set(packRows("bf16", Float32Array.of(Number(name))), at);
      const error = caught(() => checkRows(type, bad, { tensor: "wq", file: "m.bin", firstBlock: 10 }));
      expect(error).toBeInstanceOf(WeightError);
      expect(isFormatError(error, "E_NUMBER")).toBe(true);
      expect(error).toMatchObject({
        file: "m.bin",
        field: "wq.block[12]",
        offset: 10 * blockBytes + at,
        expected: "a finite number",
        got: name,
      });
    }
  });
});

test("the largest finite scale and bytes of ones elsewhere pass", () => {
  const block = new Uint8Array(18).fill(0xff);
  block.set([0xff, 0x7b]); // 65504
  expect(caught(() => checkRows("q4_0", block))).toBeUndefined();
});

test("the message says what was found where", () => {
  const block = new Uint8Array(18);
  block.set([0x00, 0x7c]);
  expect(caught(() => checkRows("q4_0", block))).toMatchObject({
    message: "q4_0 block 0 holds Infinity where a finite number belongs (field tensor.block[0], byte 0)",
  });
});

test("a length that is no whole number of blocks is the caller's mistake", () => {
  expect(() => checkRows("q4_0", new Uint8Array(19))).toThrow(RangeError);
});
