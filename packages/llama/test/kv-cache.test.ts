import { f16ToF32, f32ToF16 } from "@ll/bytes";
import { describe, expect, test } from "vitest";
import { kvCacheBytes } from "../src/index.ts";
import { createKvCache } from "../src/scalar/kv-cache.ts";
import { randomValues, smallConfig } from "./support/hand-made.ts";

const config = smallConfig({ nKvHeads: 2 }); // kvDim 32, 2 layers
const CONTEXT_TOKENS = 12;

function filled(kvType: "f16" | "f32", nTokens: number): ReturnType<typeof createKvCache> {
  const cache = createKvCache([32, 32], CONTEXT_TOKENS, kvType);
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
    const head = filled(kvType, 4).head(1, 16);
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
    const bytes = filled(kvType, 3).read(3);
    expect(bytes.byteLength).toBe(kvCacheBytes(config, 3, kvType));
    const raw = kvType === "f16" ? new Uint16Array(bytes.buffer) : new Float32Array(bytes.buffer);
    const at = (index: number): number => (kvType === "f16" ? f16ToF32(raw[index]!) : raw[index]!);
    // key of layer 1, position 2, channel 5; value of layer 1, channel 5, position 2
    expect(at(1 * 3 * 32 + 2 * 32 + 5)).toBe(round(randomValues(102, 32)[5]!));
    expect(at(2 * 3 * 32 + 1 * 32 * 3 + 5 * 3 + 2)).toBe(round(randomValues(152, 32)[5]!));
  });

  test("takes back what was read, into a cache of another length as well", () => {
    const bytes = filled(kvType, 5).read(5);
    const other = createKvCache([32, 32], 40, kvType);
    other.write(bytes, 5);
    expect(other.read(5)).toEqual(bytes);
    expect(() => other.write(bytes, 4)).toThrow(RangeError);
  });
});

test("a cache that no memory can hold is an IoError", () => {
  expect(() => createKvCache([32, 32], 2 ** 50, "f32")).toThrow(
    expect.objectContaining({ name: "IoError", code: "E_NOMEM" }),
  );
});
