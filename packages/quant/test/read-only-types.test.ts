// The types of today's GGUF files that are read and multiplied, not made. Their values were recorded from ggml; their dot
// products have no reference: what they are is held here.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { describeWithTestData, testData } from "../../../tools/test-data.ts";
import {
  BLOCK_TYPES,
  blockInfo,
  checkRows,
  dot,
  dotValues,
  packActivation,
  packRows,
  rowBytes,
  unpackRows,
} from "../src/index.ts";

const READ_ONLY = BLOCK_TYPES.filter((type) => !blockInfo(type).canPack);

describeWithTestData("1,024 recorded weights", () => {
  test.each([...READ_ONLY, "bf16", "q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q2_K", "q3_K", "q4_K", "q5_K", "q6_K"])(
    "%s mean the same to the bit",
    (type) => {
      const bytes = readFileSync(testData(`models/families/blocks/${type}.bin`));
      const expected = readFileSync(testData(`models/families/blocks/${type}.f32`));
      const values = unpackRows(type, bytes);
      expect(values.length).toBe(1024);
      expect(Buffer.from(values.buffer).equals(expected)).toBe(true);
    },
  );
});

/** Blocks with random levels whose scales are powers of two, so that one block's sum is rounded just once. */
const SCALES = new Map<string, (block: Uint8Array) => void>([
  ["mxfp4", (block) => block.fill(127, 0, 1)],
  ["nvfp4", (block) => block.fill(0x38, 0, 4)],
  [
    "iq1_m",
    (block) =>
      [49, 51, 53, 55].forEach((at, word) => {
        block[at] = (block[at]! & 15) | (((0x2c00 >> (4 * word)) & 15) << 4);
      }),
  ],
  ["tq1_0", f16At(52)],
  ["tq2_0", f16At(64)],
]);

function f16At(offset: number): (block: Uint8Array) => void {
  return (block) => block.set([0x00, 0x2c], offset); // 2^-4
}

function randomBlocks(type: string, nBlocks: number): Uint8Array {
  const { blockBytes } = blockInfo(type);
  let state = 1;
  const bytes = Uint8Array.from({ length: nBlocks * blockBytes }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
  for (let o = 0; o < bytes.length; o += blockBytes) {
    (SCALES.get(type) ?? f16At(0))(bytes.subarray(o, o + blockBytes));
  }
  return bytes;
}

describe.each(READ_ONLY)("%s", (type) => {
  const { blockValues, blockBytes, activationType } = blockInfo(type);
  const nBlocks = 6;
  const weights = randomBlocks(type, nBlocks);
  // 127 is the largest magnitude of each 32 values, so that the scales of Q8_0 are 1
  const x = Float32Array.from({ length: nBlocks * blockValues }, (_, i) =>
    i % 32 === 0 ? 127 : ((37 * i) % 250) - 125,
  );

  test("the sum of one block is exact, rounded once, then scaled", () => {
    const activations = packActivation(type, x);
    const unpacked = unpackRows(activationType, activations);
    const vectorBytes = rowBytes(activationType, blockValues);
    for (let b = 0; b < nBlocks; b++) {
      const row = weights.subarray(b * blockBytes, (b + 1) * blockBytes);
      const vector = activations.slice(b * vectorBytes, (b + 1) * vectorBytes);
      const dy = activationType === "q8_K" ? new Float32Array(vector.buffer, 0, 1)[0]! : 1;
      const exact = unpackRows(type, row).reduce((sum, w, i) => sum + w * (unpacked[b * blockValues + i]! / dy), 0);
      expect(dot(type, row, vector)).toBe(Math.fround(dy * Math.fround(exact)));
    }
  });

  test("blocks are added in order", () => {
    const activations = packActivation(type, x);
    const vectorBytes = rowBytes(activationType, blockValues);
    let sum = 0;
    for (let b = 0; b < nBlocks; b++) {
      const row = weights.subarray(b * blockBytes, (b + 1) * blockBytes);
      sum = Math.fround(sum + dot(type, row, activations.subarray(b * vectorBytes, (b + 1) * vectorBytes)));
    }
    const whole = dot(type, weights, activations);
    if (blockValues <= 32 || activationType === "q8_K") expect(whole).toBe(sum);
    else expect(whole).toBeCloseTo(sum, 0); // q8_0 partners: their blocks are added one by one, not each 64 or 128 first
    expect(dotValues(type, weights, x)).toBe(whole);
  });

  test("is not made, says so, and may begin at any byte", () => {
    const error = RangeError(`"type" expected a type that can be packed, got ${type}`);
    expect(() => packRows(type, new Float32Array(blockValues))).toThrow(error);
    const shifted = new Uint8Array(weights.length + 1);
    shifted.set(weights, 1);
    expect(unpackRows(type, shifted.subarray(1))).toEqual(unpackRows(type, weights));
  });
});

test.each([
  ["iq4_nl", 0],
  ["tq1_0", 52],
  ["q1_0", 0],
  ["bf16", 0],
])("checkRows names a block of %s without a finite scale", (type, field) => {
  const { blockBytes } = blockInfo(type);
  const bytes = type === "bf16" ? packRows(type, Float32Array.of(1, 2)) : randomBlocks(type, 2);
  checkRows(type, bytes);
  bytes.set([0x80, 0x7f], blockBytes + field);
  expect(() => checkRows(type, bytes, { tensor: "t" })).toThrow(/block 1 holds (NaN|Infinity)/);
});

test("bf16 is rounded to even, and keeps NaN and infinity", () => {
  const bits = Uint32Array.of(0x3f808000, 0x3f818000, 0x3f808001, 0x7f7fffff, 0xff800000, 0x7f800001);
  const packed = packRows("bf16", new Float32Array(bits.buffer));
  const halves = Array.from({ length: bits.length }, (_, i) => packed[2 * i]! | (packed[2 * i + 1]! << 8));
  expect(halves).toEqual([0x3f80, 0x3f82, 0x3f81, 0x7f80, 0xff80, 0x7fc0]);
});

test("checkRows names a block of iq1_m whose scale, in four parts, is infinite", () => {
  const bytes = randomBlocks("iq1_m", 2);
  checkRows("iq1_m", bytes);
  for (const [word, nibble] of [0x0, 0x0, 0xc, 0x7].entries()) {
    const at = 56 + 49 + 2 * word;
    bytes[at] = (bytes[at]! & 15) | (nibble << 4);
  }
  expect(() => checkRows("iq1_m", bytes)).toThrow(/block 1 holds Infinity/);
});
