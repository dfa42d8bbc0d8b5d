// Blocks recorded from build 803, in fixtures/blocks.json.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { blockInfo, packRows, packStats, toolHistogram, unpackRows } from "../src/index.ts";
import { kernelsOf, PLACES, WASM_TIERS } from "./kernels/kernel-cases.ts";

interface Case {
  readonly type: string;
  readonly input: string;
  readonly bytes: string;
  readonly histogram?: number[];
  readonly knownDivergence?: string;
}

const { cases } = JSON.parse(readFileSync(join(import.meta.dirname, "fixtures/blocks.json"), "utf8")) as {
  cases: Case[];
};

const TIES = [-8, 8, 0.5, -0.5, 1.5, -1.5, 7.5, -7.5, 7.49];

/** First values of each input; zeros follow. */
const INPUTS = new Map<string, (i: number) => number | undefined>([
  ["ramp", (i) => (((37 * i) % 101) - 50) / 64],
  ["zeros", () => 0],
  ["ties", (i) => TIES[i]],
  ["ties2", (i) => TIES[i < 2 ? 1 - i : i]],
  ["big", (i) => [1e6, 1][i]],
  ["tiny", (i) => [1e-7, 5e-8][i]],
  ["halves", (i) => (i === 0 ? 127 : (i - 16) / 2)],
]);

function valuesOf({ type, input }: Case): Float32Array {
  const value = INPUTS.get(input)!;
  return Float32Array.from({ length: blockInfo(type).blockValues }, (_, i) => value(i) ?? 0);
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

describe("recorded blocks", () => {
  test("all of them are there", () => {
    expect(cases.length).toBe(21);
    expect(cases.filter(({ histogram }) => histogram !== undefined).length).toBe(5);
  });

  test.each(cases)("$type of $input $knownDivergence", (recorded) => {
    const packed = hex(packRows(recorded.type, valuesOf(recorded)));
    if (recorded.knownDivergence === undefined) expect(packed).toBe(recorded.bytes);
    else expect(packed).not.toBe(recorded.bytes);
  });

  test.each(cases.filter(({ histogram }) => histogram !== undefined))("printed histogram of $type", (recorded) => {
    expect(Array.from(toolHistogram(recorded.type, Buffer.from(recorded.bytes, "hex")))).toEqual(recorded.histogram);
  });
});

test.each(WASM_TIERS)("recorded blocks by the %s kernels", async (tier) => {
  const kernels = await kernelsOf(tier);
  for (const recorded of cases) {
    const values = valuesOf(recorded);
    const pack = kernels.packer(recorded.type);
    if (pack === undefined) continue; // activations
    new Float32Array(kernels.memory.buffer, PLACES.vectors).set(values);
    pack("f32", PLACES.vectors, PLACES.rows, values.length);
    const packed = hex(new Uint8Array(kernels.memory.buffer, PLACES.rows, recorded.bytes.length / 2));
    if (recorded.knownDivergence === undefined) expect(packed).toBe(recorded.bytes);
    else expect(packed).not.toBe(recorded.bytes);
  }
});

describe("quirks of build 803", () => {
  test("a block of zeros has the scale -0, and level 0 is the middle one", () => {
    const packed = packRows("q4_0", new Float32Array(32));
    expect(hex(packed.subarray(0, 2))).toBe("0080");
    expect(new Set(packed.subarray(2))).toEqual(new Set([0x88]));
    expect(unpackRows("q4_0", packed).every((value) => value === 0)).toBe(true);
  });

  test("a scale that binary16 cannot hold is stored as zero, though the levels were chosen with it", () => {
    const packed = packRows(
      "q4_0",
      Float32Array.from({ length: 32 }, (_, i) => (i === 0 ? 1e-7 : 0)),
    );
    expect(hex(packed.subarray(0, 3))).toBe("008080"); // nibble 0, the largest level
    expect(unpackRows("q4_0", packed)[0]).toBe(0);
  });

  test.each([
    [65519.99 * 8, "ff7b"], // 65504, the largest number of binary16
    [65520 * 8, "007c"], // infinity
  ])("the scale of a block with %d", (value, scale) => {
    const packed = packRows(
      "q4_0",
      Float32Array.from({ length: 32 }, (_, i) => (i === 0 ? -value : 0)),
    );
    expect(hex(packed.subarray(0, 2))).toBe(scale);
  });

  test("the printed histogram of 5-bit types is wrong, the one of packStats is right", () => {
    const values = Float32Array.from({ length: 32 }, (_, i) => (((37 * i) % 101) - 50) / 64);
    const packed = packRows("q5_0", values);
    const levels = Array.from(unpackRows("q5_0", packed), (value) => Math.round((value * 16 * 64) / 50) + 16);
    const bins = new Array<number>(16).fill(0);
    for (const level of levels) bins[level >> 1]! += 1;
    expect(Array.from(packStats("q5_0", values, packed).histogram)).toEqual(bins);
    expect(Array.from(toolHistogram("q5_0", packed))).not.toEqual(bins);
  });
});
