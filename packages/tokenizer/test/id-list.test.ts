// Ids come out as they went in, however many blocks they fill.

import { expect, test } from "vitest";
import { IdList } from "../src/id-list.ts";

test.each([0, 1, 64, 65, 65_535, 65_536, 65_537, 131_072, 200_000])("%i ids, twice", (length) => {
  const list = new IdList();
  for (const first of [7, 1000]) {
    for (let i = 0; i < length; i++) list.push(first + i);
    expect(list.length).toBe(length);
    const last = length === 0 ? -1 : first + length - 1;
    expect(list.last()).toBe(last);
    expect(list.take()).toEqual(Int32Array.from({ length }, (_, i) => first + i));
    expect([list.length, list.last()]).toEqual([0, last]);
  }
});
