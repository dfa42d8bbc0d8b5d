// Arguments and arrays of the row functions; the numbers are in vectors, golden-model, rows.prop and dot.prop.

import { describe, expect, test } from "vitest";
import {
  BLOCK_TYPES,
  blockInfo,
  dot,
  dotValues,
  packActivation,
  packRows,
  rowBytes,
  unpackRows,
} from "../src/index.ts";

const ramp = (count: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => (((37 * i) % 101) - 50) / 64);

const PACKED_TYPES = BLOCK_TYPES.filter((type) => blockInfo(type).canPack);

describe.each(PACKED_TYPES)("%s", (type) => {
  const { blockValues, blockBytes, activationType, isWeightType } = blockInfo(type);
  const values = ramp(2 * blockValues);

  test("fills and returns the array that is given", () => {
    const packed = new Uint8Array(2 * blockBytes);
    expect(packRows(type, values, packed)).toBe(packed);
    expect(packed).toEqual(packRows(type, values));
    const unpacked = new Float32Array(2 * blockValues);
    expect(unpackRows(type, packed, unpacked)).toBe(unpacked);
    expect(unpacked).toEqual(unpackRows(type, packed));
    const activation = new Uint8Array(rowBytes(activationType, values.length));
    expect(packActivation(type, values, activation)).toBe(activation);
    expect(activation).toEqual(packRows(activationType, values));
  });

  test("leaves bytes outside a view alone", () => {
    const all = new Uint8Array(2 * blockBytes + 2).fill(0xaa);
    packRows(type, values, all.subarray(1, 1 + 2 * blockBytes));
    expect([all[0], all.at(-1)]).toEqual([0xaa, 0xaa]);
  });

  test("takes no blocks at all", () => {
    const nothing = packRows(type, new Float32Array(0));
    expect(nothing.length).toBe(0);
    expect(unpackRows(type, nothing).length).toBe(0);
    if (isWeightType) expect(dot(type, nothing, nothing)).toBe(0);
  });

  test("refuses arrays whose length does not fit", () => {
    const packed = packRows(type, values);
    if (blockValues > 1) expect(() => packRows(type, values.subarray(1))).toThrow(RangeError);
    expect(() => packRows(type, values, packed.subarray(1))).toThrow(RangeError);
    expect(() => unpackRows(type, packed.subarray(1))).toThrow(RangeError);
    expect(() => unpackRows(type, packed, values.subarray(1))).toThrow(RangeError);
    expect(() => packActivation(type, values, new Uint8Array(1))).toThrow(RangeError);
    if (isWeightType) {
      const activation = packActivation(type, values);
      expect(() => dot(type, packed.subarray(1), activation)).toThrow(RangeError);
      expect(() => dot(type, packed, activation.subarray(1))).toThrow(RangeError);
      expect(() => dot(type, packed.subarray(blockBytes), activation)).toThrow(RangeError);
    }
  });
});

test.each(["q8_1", "q8_K"])("there are no rows of %s", (type) => {
  const packed = packRows(type, ramp(256));
  expect(() => dot(type, packed, packed)).toThrow(RangeError(`"type" expected a type of weights, got ${type}`));
});

test("an activation type names itself", () => {
  expect(packActivation("q8_K", ramp(256))).toEqual(packActivation("q4_K", ramp(256)));
});

test("dotValues packs the vector and multiplies", () => {
  for (const type of PACKED_TYPES.filter((name) => blockInfo(name).isWeightType)) {
    const row = packRows(type, ramp(512));
    const x = ramp(512).reverse();
    expect(dotValues(type, row, x)).toBe(dot(type, row, packActivation(type, x)));
    expect(dotValues(type, row, x)).not.toBe(0);
  }
});

test("arrays of another kind are refused", () => {
  const doubles = new Float64Array(32) as unknown as Float32Array;
  expect(() => packRows("q4_0", doubles)).toThrow(TypeError('"values" expected a Float32Array, got Float64Array'));
  const numbers = [1, 2] as unknown as Uint8Array;
  expect(() => unpackRows("f16", numbers)).toThrow(TypeError('"bytes" expected a Uint8Array, got Array'));
  const missing = null as unknown as Float32Array;
  expect(() => packActivation("q4_0", missing)).toThrow(TypeError('"values" expected a Float32Array, got null'));
});

test("values that are no numbers give blocks without meaning, not errors", () => {
  for (const type of PACKED_TYPES) {
    const values = ramp(256).fill(Number.NaN, 3, 5).fill(Number.POSITIVE_INFINITY, 40, 41);
    expect(packRows(type, values).length).toBe(rowBytes(type, 256));
  }
});
