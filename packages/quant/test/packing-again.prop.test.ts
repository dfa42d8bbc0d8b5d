// When packing what was unpacked gives the same bytes again, and when it does not.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { packRows, unpackRows } from "../src/index.ts";
import { bellShaped, K_TYPES, moderateValues, RUNS } from "./arbitraries.ts";
import { blocksOf, READERS } from "./oracle.ts";

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

function countChanged(type: string, before: Uint8Array, after: Uint8Array): number {
  const blocks = blocksOf(type, after);
  return blocksOf(type, before).filter((block, n) => Buffer.compare(block, blocks[n]!) !== 0).length;
}
