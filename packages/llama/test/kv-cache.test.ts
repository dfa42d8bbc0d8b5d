import { f16ToF32, f32ToF16 } from "@ll/bytes";
import { describe, expect, test } from "vitest";
import { toLevels } from "../src/arithmetic/levels.ts";
import { type KvTypes, kvCacheBytes } from "../src/index.ts";
import { createKvCache } from "../src/scalar/kv-cache.ts";
import { randomValues, smallConfig } from "./support/hand-made.ts";

const config = smallConfig({ nKvHeads: 2 }); // kvDim 32, 2 layers
const HEADS = { nHeads: 2, headDim: 16 };
const CONTEXT_TOKENS = 12;

function filled(kvType: KvTypes, nTokens: number): ReturnType<typeof createKvCache> {
  const cache = createKvCache([HEADS, HEADS], CONTEXT_TOKENS, kvType);
  for (let layer = 0; layer < 2; layer++) {
    for (let t = 0; t < nTokens; t++) {
      cache.store(layer, t, randomValues(100 * layer + t, 32), randomValues(100 * layer + t + 50, 32));
    }
  }
  return cache;
}

describe.each(["f16", "f32"] as const)("%s", (kvType) => {
  const round = kvType === "f16" ? (x: number) => f16ToF32(f32ToF16(x)) : (x: number) => x;

  test("keys and values come back rounded to the type", () => {
    const head = filled(kvType, 4).head(1, 1);
    const key = new Float32Array(16);
    head.readKey(3, key);
    expect(key).toEqual(randomValues(103, 32).slice(16).map(round)); // layer 1, position 3
    const values = new Float32Array(2);
    head.readValues(9, 1, values);
    expect([...values]).toEqual([151, 152].map((seed) => round(randomValues(seed, 32)[16 + 9]!)));
    const x = randomValues(7, 16);
    const rounded = x.map(round);
    head.round(x);
    expect(x).toEqual(rounded);
  });

  test("is read as keys by position, then values by channel", () => {
    const bytes = filled(kvType, 3).read(1, 3);
    expect(bytes.byteLength).toBe(kvCacheBytes(config, 3, kvType) / 2);
    const raw = kvType === "f16" ? new Uint16Array(bytes.buffer) : new Float32Array(bytes.buffer);
    const at = (index: number): number => (kvType === "f16" ? f16ToF32(raw[index]!) : raw[index]!);
    // key of layer 1, position 2, channel 5; value of layer 1, channel 5, position 2
    expect(at(2 * 32 + 5)).toBe(round(randomValues(102, 32)[5]!));
    expect(at(3 * 32 + 5 * 3 + 2)).toBe(round(randomValues(152, 32)[5]!));
  });

  test("takes back what was read, into a cache of another length as well", () => {
    const bytes = filled(kvType, 5).read(0, 5);
    const other = createKvCache([HEADS, HEADS], 40, kvType);
    other.write(1, 5, bytes);
    expect(other.read(1, 5)).toEqual(bytes);
  });
});

describe("q8_0", () => {
  const numbers = randomValues(5, 70).map((x) => 3 * x);

  test("blocks of 32 and one of what remains, each within half a level", () => {
    const blocks = toLevels(numbers);
    expect(blocks.map(({ levels }) => levels.length)).toEqual([32, 32, 6]);
    for (const [i, x] of numbers.entries()) {
      const { scale, levels } = blocks[Math.floor(i / 32)]!;
      expect(Math.abs(levels[i % 32]! * scale - x)).toBeLessThanOrEqual(0.5001 * scale);
    }
    for (const { levels } of blocks) expect(Math.max(...levels.map(Math.abs))).toBe(127);
  });

  test.each([
    ["zeros", 0, 0, 0],
    ["what is too small for a scale", 1e-7, 0, 0],
    ["an infinity, which is held", Number.POSITIVE_INFINITY, 65504, 127],
    ["what is not a number, which is 0", Number.NaN, f16ToF32(f32ToF16(1 / 127)), 0],
  ])("%s", (_, x, scale, level) => {
    const block = toLevels(Float32Array.of(x, Number.isNaN(x) ? 1 : 0))[0]!;
    expect(block.scale).toBe(scale);
    expect(block.levels[0]).toBe(level);
  });

  test("is read as rows of blocks: keys by position, values by head", () => {
    const cache = filled("q8_0", 3);
    const bytes = cache.read(1, 3);
    expect(bytes.byteLength).toBe(kvCacheBytes(config, 3, "q8_0") / 2);
    const row = 2 + 16; // a scale, and a block of 16 channels
    const blockOf = (values: Float32Array, head: number): number[] => {
      const { scale, levels } = toLevels(values.subarray(16 * head, 16 * head + 16))[0]!;
      return [...new Uint8Array(Uint16Array.of(f32ToF16(scale)).buffer), ...new Uint8Array(levels.buffer)];
    };
    // key of layer 1, position 2, head 1; value of layer 1, head 1, position 2
    const key = (2 * 2 + 1) * row;
    const value = (3 * 2 + 1 * 3 + 2) * row;
    expect([...bytes.subarray(key, key + row)]).toEqual(blockOf(randomValues(102, 32), 1));
    expect([...bytes.subarray(value, value + row)]).toEqual(blockOf(randomValues(152, 32), 1));
  });

  test("takes back what was read, into a cache of another length as well", () => {
    for (const kvType of ["q8_0", { k: "q8_0", v: "f16" }, { k: "f32", v: "q8_0" }] as const) {
      const bytes = filled(kvType, 5).read(0, 5);
      expect(bytes.byteLength).toBe(kvCacheBytes(config, 5, kvType) / 2);
      const other = createKvCache([HEADS, HEADS], 40, kvType);
      other.write(0, 5, bytes);
      expect(other.read(0, 5)).toEqual(bytes);
    }
  });
});

test("a cache that no memory can hold is an IoError", () => {
  expect(() => createKvCache([HEADS, HEADS], 2 ** 50, "f32")).toThrow(
    expect.objectContaining({ name: "IoError", code: "E_NOMEM" }),
  );
});
