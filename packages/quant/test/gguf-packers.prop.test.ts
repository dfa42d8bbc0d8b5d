// The packers of GGUF files give the bytes of `packGgufRows`, whatever the values that a type can hold.

import { fc, test } from "@fast-check/vitest";
import { describe, expect, test as plainTest } from "vitest";
import {
  BLOCK_TYPES,
  bindGgufPackers,
  blockInfo,
  canPackGguf,
  type GgufPackers,
  knowsImportance,
  LOWEST_POINTER,
  loadGgufPackers,
  PACKER_SCRATCH_BYTES,
  packGgufRows,
  valueLimit,
} from "../src/index.ts";

const PAGES = 8;
const SCRATCH = LOWEST_POINTER;
const SRC = SCRATCH + PACKER_SCRATCH_BYTES;
/** Most values of a test. */
const MOST = 9 * 256;
const IMPORTANCE = SRC + 4 * MOST;
const DST = IMPORTANCE + 4 * MOST;

const memory = new WebAssembly.Memory({ initial: PAGES });
const simd = bindGgufPackers(await loadGgufPackers("simd"), memory, SCRATCH);
const wide = bindGgufPackers(await loadGgufPackers("wide"), memory, SCRATCH); // as simd where there is no such tier

const K_TYPES = ["q2_K", "q3_K", "q4_K", "q5_K", "q6_K"];
const PLAIN = [...K_TYPES, "iq4_nl", "iq4_xs", "mxfp4"];
const WEIGHTED = ["q4_0", "q4_1", "q5_0", "q5_1", ...K_TYPES, "iq4_nl", "iq4_xs"];

/** Numbers of a 32-bit linear congruential generator, from 0 to below 1. */
function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) / 2 ** 24;
  };
}

type Draw = (random: () => number, i: number) => number;
const symmetric = (random: () => number): number => random() + random() + random() - 1.5;

/** Kinds of values, of magnitude 1 or so unless they say otherwise. */
const KINDS: Readonly<Record<string, Draw>> = {
  uniform: symmetric,
  "above zero": (random) => random(),
  "below zero": (random) => -1 - random(),
  "all equal": () => -1.5,
  zeros: () => 0,
  "zeros of both signs": (random) => (random() < 0.5 ? -0 : 0),
  "one of two": (random) => (random() < 0.5 ? 1 : -1),
  "whole numbers": (random) => Math.round(8 * symmetric(random)),
  "mostly zeros": (random) => (random() < 0.05 ? symmetric(random) : 0),
  "groups of zeros": (random, i) => ((i >> 4) % 3 === 0 ? 0 : symmetric(random)),
  "far apart, below zero": (random) => -(10 ** (6 * random() - 3)),
  "of all magnitudes": (random, i) => symmetric(random) * 10 ** (((i >> 4) % 43) - 40),
  "one outlier in a block": (random, i) => symmetric(random) * (i % 256 === 77 ? 3e4 : 1e-3),
  "about the bound of nothing": (random) => 2e-15 * symmetric(random),
  "below powers of two": (random) => (1 - 2 ** -24 * Math.floor(40 * random())) * 2 ** Math.floor(240 * random() - 230),
};

const SCALES = { normal: 1, small: 0.02, denormal: 1e-41, tiny: 1e-30, huge: Number.NaN };

const IMPORTANCES: Readonly<Record<string, Draw>> = {
  uniform: (random) => random(),
  "some zeros": (random) => (random() < 0.3 ? 0 : random()),
  zeros: () => 0,
  "of one in 32 values": (_, i) => (i % 32 === 5 ? 1 : 0),
  "of all magnitudes": (random) => 10 ** (60 * random() - 40),
};

const cases = fc.record({
  kind: fc.constantFrom(...Object.keys(KINDS)),
  scale: fc.constantFrom(...Object.keys(SCALES)) as fc.Arbitrary<keyof typeof SCALES>,
  importance: fc.constantFrom(...Object.keys(IMPORTANCES)),
  /** Blocks of a row, and rows. */
  nBlocks: fc.integer({ min: 1, max: 9 }),
  nRows: fc.integer({ min: 1, max: 3 }),
  seed: fc.nat(),
});
type Case = typeof cases extends fc.Arbitrary<infer One> ? One : never;

function expectSameBytes(type: string, isWeighted: boolean, one: Case): void {
  const random = uniform(one.seed);
  const { blockValues } = blockInfo(type);
  const rowValues = blockValues * one.nBlocks;
  const nValues = rowValues * Math.max(1, Math.min(one.nRows, Math.floor(MOST / rowValues)));
  // the largest that a type holds, of values of magnitude 1.5 at most
  const scale = one.scale === "huge" ? Math.min(1e38, valueLimit(type)) / 3e4 : SCALES[one.scale];
  const values = Float32Array.from({ length: nValues }, (_, i) => scale * (KINDS[one.kind] as Draw)(random, i));
  const importance = Float32Array.from({ length: rowValues }, (_, i) =>
    (IMPORTANCES[one.importance] as Draw)(random, i),
  );
  const expected = packGgufRows(type, values, undefined, isWeighted ? importance : undefined);

  new Float32Array(memory.buffer, SRC, nValues).set(values);
  new Float32Array(memory.buffer, IMPORTANCE, rowValues).set(importance);
  for (const [tier, packers] of Object.entries({ simd, wide })) {
    const around = new Uint8Array(memory.buffer, DST, expected.length + 1).fill(0xa5);
    packers.packer(type, isWeighted)?.(SRC, DST, nValues, isWeighted ? { pointer: IMPORTANCE, rowValues } : undefined);
    expect(Buffer.from(around.subarray(0, -1)), tier).toEqual(Buffer.from(expected));
    expect(around.at(-1), `${tier}: one byte further`).toBe(0xa5);
  }
  expect([...new Float32Array(memory.buffer, SRC, nValues)]).toEqual([...values]);
}

describe.each(PLAIN)("%s", (type) => {
  test.prop([cases], { numRuns: 60 })("without importance", (one) => expectSameBytes(type, false, one));
});

describe.each(WEIGHTED)("%s", (type) => {
  test.prop([cases], { numRuns: 60 })("with importance", (one) => expectSameBytes(type, true, one));
});

describe.each(PLAIN)("%s, every kind of values", (type) => {
  plainTest.each(Object.keys(KINDS))("%s", (kind) => {
    for (const scale of Object.keys(SCALES) as (keyof typeof SCALES)[]) {
      const one = { kind, scale, importance: "uniform", nBlocks: 9, nRows: 1, seed: 803 };
      expectSameBytes(type, false, one);
      if (!WEIGHTED.includes(type)) continue;
      for (const importance of Object.keys(IMPORTANCES)) expectSameBytes(type, true, { ...one, importance });
    }
  });
});

plainTest("there are packers for every type whose search takes long", () => {
  const has = (isWeighted: boolean): string[] =>
    BLOCK_TYPES.filter((type) => simd.packer(type, isWeighted) !== undefined);
  expect(has(false).sort()).toEqual([...PLAIN].sort());
  const known = BLOCK_TYPES.filter((type) => canPackGguf(type) && knowsImportance(type));
  expect(
    has(true)
      .filter((type) => knowsImportance(type))
      .sort(),
  ).toEqual(known.sort());
});

plainTest("without WebAssembly there are none", async () => {
  const none: GgufPackers = bindGgufPackers(await loadGgufPackers("scalar"), memory, SCRATCH);
  for (const type of BLOCK_TYPES) expect(none.packer(type, true)).toBeUndefined();
});

plainTest("the same call gives the same packers", async () => {
  expect(loadGgufPackers("simd")).toBe(loadGgufPackers("relaxed"));
  expect(loadGgufPackers("simd", ["q6_K", "q4_K"])).toBe(loadGgufPackers("simd", ["q4_K", "q6_K", "f32"]));
  expect((await loadGgufPackers("simd")).module).toBeDefined();
});

plainTest("there are no others than what was asked for", async () => {
  const some = bindGgufPackers(await loadGgufPackers("simd", ["q6_K", "q5_0", "q8_0"]), memory, SCRATCH);
  expect(BLOCK_TYPES.filter((type) => some.packer(type, true) !== undefined).sort()).toEqual(["q5_0", "q6_K"]);
  expect(BLOCK_TYPES.filter((type) => some.packer(type, false) !== undefined)).toEqual(["q6_K"]);
  expect((await loadGgufPackers("simd", ["q8_0"])).module).toBeUndefined();
});

plainTest("scratch space that does not fit is refused", async () => {
  const set = await loadGgufPackers();
  for (const scratch of [0, LOWEST_POINTER + 4, PAGES * 65536 - 32]) {
    expect(() => bindGgufPackers(set, memory, scratch), String(scratch)).toThrow(RangeError);
  }
});
