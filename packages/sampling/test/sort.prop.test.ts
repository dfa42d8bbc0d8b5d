import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { selectDescending, sortDescending } from "../src/sort.ts";
import { stdPartialSort, stdSort } from "./twin/std-algorithms.ts";

// few distinct keys, so that nearly everything is a tie; both zeros, which compare equal
const key = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constant(-0), fc.constant(Number.NEGATIVE_INFINITY));
const keys = fc.array(key, { minLength: 1, maxLength: 600, size: "max" });

interface Element {
  id: number;
  key: number;
}
const before = (a: Element, b: Element) => a.key > b.key;

describe("equals the literal algorithm", () => {
  test.prop([keys])("sortDescending and std::sort", (values) => {
    const elements = values.map((value, id) => ({ id, key: value }));
    stdSort(elements, before);
    const sortedKeys = Float32Array.from(values);
    const ids = Int32Array.from(values, (_, i) => i);
    sortDescending(sortedKeys, ids, values.length);
    expect([...ids]).toEqual(elements.map((e) => e.id));
    expect([...sortedKeys]).toEqual(elements.map((e) => e.key));
  });

  test.prop([keys, fc.nat()])("selectDescending and std::partial_sort", (values, pick) => {
    const k = 1 + (pick % values.length);
    const elements = values.map((value, id) => ({ id, key: value }));
    stdPartialSort(elements, 0, k, elements.length, before);
    const selectedKeys = Float32Array.from(values);
    const ids = Int32Array.from(values, (_, i) => i);
    selectDescending(selectedKeys, ids, k, values.length);
    expect([...ids.subarray(0, k)]).toEqual(elements.slice(0, k).map((e) => e.id));
    expect([...selectedKeys.subarray(0, k)]).toEqual(elements.slice(0, k).map((e) => e.key));
  });

  test.prop([keys, fc.nat()])("sorts only the first n", (values, pick) => {
    const n = pick % (values.length + 1);
    const sortedKeys = Float32Array.from(values);
    const ids = Int32Array.from(values, (_, i) => i);
    sortDescending(sortedKeys, ids, n);
    expect([...sortedKeys.subarray(n)]).toEqual(values.slice(n));
    expect([...ids.subarray(n)]).toEqual([...values.keys()].slice(n));
  });
});
