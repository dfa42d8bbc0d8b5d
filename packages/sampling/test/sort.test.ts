import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createRng } from "../src/index.ts";
import { selectDescending, sortDescending } from "../src/sort.ts";

interface Orders {
  sorted: number;
  partial: { k: number; front: number }[];
}
const oracle: { orders: (Orders & { n: number; modulus: number })[]; killers: (Orders & { keys: number[] })[] } =
  JSON.parse(readFileSync(join(import.meta.dirname, "oracle/libstdcxx.json"), "utf8"));

function expectOrders(input: Float32Array, { sorted, partial }: Orders): void {
  const keys = input.slice();
  const ids = Int32Array.from(input, (_, i) => i);
  sortDescending(keys, ids, keys.length);
  expect(hashIds(ids)).toBe(sorted);
  expect(keys).toEqual(Float32Array.from(ids, (id) => input[id]!));
  for (const { k, front } of partial) {
    const selectedKeys = input.slice();
    const selected = Int32Array.from(input, (_, i) => i);
    selectDescending(selectedKeys, selected, k, input.length);
    expect(hashIds(selected.subarray(0, k))).toBe(front);
    expect(selectedKeys.slice(0, k)).toEqual(keys.slice(0, k));
  }
}

describe("in the order of libstdc++ 12.2", () => {
  test.each(oracle.orders)("$n keys below $modulus", ({ n, modulus, ...orders }) => {
    const rng = createRng((n + modulus) >>> 0);
    expectOrders(
      Float32Array.from({ length: n }, () => rng.next() % modulus),
      orders,
    );
  });

  test.each(oracle.killers)("an adversary's keys, which reach the depth limit", ({ keys, ...orders }) => {
    expectOrders(Float32Array.from(keys), orders);
  });
});

describe("with NaN keys", () => {
  test.each([17, 40, 400])("%d keys: NaN counts as −∞", (n) => {
    const rng = createRng(n);
    for (let round = 0; round < 200; round++) {
      const nans = rng.next() % n;
      const input = Float32Array.from({ length: n }, () => (rng.next() % n < nans ? Number.NaN : rng.next() % 10));
      const keys = new Float32Array(n + 8).fill(1e9); // what lies behind the n keys must not come in
      keys.set(input);
      const ids = Int32Array.from(keys, (_, i) => i);
      sortDescending(keys, ids, n);
      const forbidden = input.map((key) => (Number.isNaN(key) ? Number.NEGATIVE_INFINITY : key));
      const [expectedKeys, expectedIds] = [forbidden.slice(), Int32Array.from(input, (_, i) => i)];
      sortDescending(expectedKeys, expectedIds, n);
      expect(keys.subarray(0, n)).toEqual(expectedKeys);
      expect(ids.subarray(0, n)).toEqual(expectedIds);
      expect([...ids.subarray(0, n)].sort((a, b) => a - b)).toEqual([...input.keys()]);
      expect(keys.subarray(n).every((key) => key === 1e9)).toBe(true);

      const selected = Int32Array.from(keys, (_, i) => i);
      const selectedKeys = Float32Array.from(keys);
      selectedKeys.set(input);
      selectDescending(selectedKeys, selected, 7, n);
      expect(new Set(selected.subarray(0, 7)).size).toBe(7);
      expect(Math.max(...selected.subarray(0, 7))).toBeLessThan(n);
      expect(Array.from(selected.subarray(0, 7), (id) => forbidden[id])).toEqual([...expectedKeys.subarray(0, 7)]);
    }
  });
});

/** FNV-1a over 32-bit words. */
function hashIds(ids: Int32Array): number {
  let hash = 2166136261;
  for (const id of ids) hash = Math.imul(hash ^ id, 16777619) >>> 0;
  return hash;
}
