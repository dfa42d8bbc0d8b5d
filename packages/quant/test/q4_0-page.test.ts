// The numbers of docs/q4_0.md are those of the code.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { blockInfo, checkRows, dot, f16ToF32, packActivation, packRows, packStats, unpackRows } from "../src/index.ts";

const page = readFileSync(join(import.meta.dirname, "../../../docs/q4_0.md"), "utf8");

const x = Float32Array.from({ length: 32 }, (_, i) => (((37 * i) % 101) - 50) / 64);
const packed = packRows("q4_0", x);
const unpacked = unpackRows("q4_0", packed);
const levels = Array.from({ length: 32 }, (_, i) => (i < 16 ? packed[2 + i]! & 15 : packed[i - 14]! >> 4));

/** The numbers of the table, row by row. */
const rows = page
  .split("\n")
  .filter((line) => /^\|\s+\d/.test(line))
  .map((line) => line.split("|").slice(1, -1).map(Number));

/** The first group of the first match. */
function found(pattern: RegExp): string {
  const match = pattern.exec(page);
  if (match === null) throw new Error(`the page does not hold ${pattern}`);
  return match[1]!;
}

describe("docs/q4_0.md", () => {
  test("the table", () => {
    expect(rows.length).toBe(11);
    for (const [i, value, scaled, shifted, level, means, offBy] of rows) {
      expect(x[i!]).toBe(value);
      // quotients of two decimals, which no binary number holds exactly
      expect(scaled).toBeCloseTo(x[i!]! / 0.09765625, 10);
      expect(shifted).toBeCloseTo(scaled! + 8.5, 10);
      expect(Math.min(15, Math.floor(shifted!))).toBe(level);
      expect(levels[i!]).toBe(level);
      expect(unpacked[i!]! === means).toBe(true); // 0 and -0 are equal here
      expect(unpacked[i!]! - x[i!]!).toBe(offBy);
    }
  });

  test("the scale, the bytes and the errors", () => {
    expect(f16ToF32(Number(found(/exactly \((0x[0-9a-f]+)\)/)))).toBe(Number(found(/\/ −8 = ([\d.]+)/)));
    expect(Buffer.from(packed).toString("hex")).toBe(found(/^(40 2e .*)$/m).replaceAll(" ", ""));
    expect(packed[2]).toBe(Number.parseInt(found(/0 and 14, so `(..)`/), 16));
    expect(packed[3]).toBe(Number.parseInt(found(/6 and 4, so `(..)`/), 16));

    const halfStep = Number(found(/half a step,\s([\d.]*\d)/));
    const errors = Array.from(x, (value, i) => Math.abs(value - unpacked[i]!));
    expect(halfStep).toBe(0.09765625 / 2);
    expect(x[19]).toBe(Number(found(/x\[19\] =\s([\d.]*\d)/)));
    expect(errors[19]).toBe(Number(found(/it is off by ([\d.]*\d)/)));
    expect(errors.flatMap((error, i) => (error > halfStep ? [i] : []))).toEqual([19, 30]);
    expect(packStats("q4_0", x, packed).rmse.toFixed(6)).toBe(found(/error of this block is ([\d.]*\d)/));
  });

  test("the sizes", () => {
    const { blockValues, blockBytes } = blockInfo("q4_0");
    expect(found(/blocks of (\d+) values/)).toBe(String(blockValues));
    expect(found(/A block is (\d+) bytes/)).toBe(String(blockBytes));
    expect(found(/costs ([\d.]+) bits/)).toBe(String((8 * blockBytes) / blockValues));
  });

  test("the corners", () => {
    const zeros = packRows("q4_0", new Float32Array(32));
    expect(Buffer.from(zeros).toString("hex")).toBe(found(/bytes are `(.. ..)`/).replace(" ", "") + "88".repeat(16));
    const tiny = packRows(
      "q4_0",
      x.map((value) => value * 1e-8),
    );
    expect(packed.subarray(2)).toEqual(tiny.subarray(2));
    expect(unpackRows("q4_0", tiny).every((value) => value === 0)).toBe(true);
    const from = Number(found(/scale from (\d+) up/));
    const huge = packRows("q4_0", new Float32Array(32).fill(-8 * from));
    expect(() => checkRows("q4_0", huge)).toThrow("Infinity");
    expect(() => checkRows("q4_0", packRows("q4_0", new Float32Array(32).fill(-8 * (from - 1))))).not.toThrow();
  });

  test("the dot product", () => {
    const activation = packActivation("q4_0", x);
    const dy = Number(found(/dy = ([\d.]*\d)/));
    expect(activation[0]! | (activation[1]! << 8)).toBe(Number(found(/dy = [\d.]* \((0x[0-9a-f]+)\)/)));
    expect(f16ToF32(activation[0]! | (activation[1]! << 8))).toBe(dy);
    const sum = levels.reduce((total, level, i) => total + (level - 8) * new Int8Array(activation.buffer)[2 + i]!, 0);
    expect(sum).toBe(Number(found(/levels = (\d+)/)));
    const result = Number(found(/rounds to ([\d.]*\d)/));
    expect(Math.fround(Math.fround(sum * 0.09765625) * dy)).toBe(result);
    expect(dot("q4_0", packed, activation)).toBe(result);
    expect(x.reduce((total, value) => total + value * value, 0)).toBe(Number(found(/Σ x² is ([\d.]*\d)/)));
  });
});
