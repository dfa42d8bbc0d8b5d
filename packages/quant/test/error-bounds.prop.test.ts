// How far packing moves a value, for every type.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { blockInfo, packRows, unpackRows } from "../src/index.ts";
import { bellShaped, K_TYPES, moderateValues, RUNS } from "./arbitraries.ts";
import { READERS } from "./oracle.ts";

/** Lowest and highest level. */
const LEVEL_RANGE = new Map([
  ["q2_K", [0, 3]],
  ["q3_K", [-4, 3]],
  ["q4_K", [0, 15]],
  ["q5_K", [0, 31]],
  ["q6_K", [-32, 31]],
] as [string, [number, number]][]);

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
    // distance of a value to the nearest one that any level of the type means
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
