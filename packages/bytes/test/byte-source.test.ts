import { describe, expect, test } from "vitest";
import { assertSpan, type ByteSource, blobSource, memorySource } from "../src/index.ts";

const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);

const sources: [string, ByteSource][] = [
  ["a Uint8Array", memorySource(bytes, "x")],
  ["an ArrayBuffer", memorySource(bytes.slice().buffer, "x")],
  ["a part of a buffer", memorySource(Uint8Array.from([...Array(7), ...bytes, 1, 2]).subarray(7, 107), "x")],
  ["a Blob", blobSource(new Blob([bytes]), "x")],
];

describe.each(sources)("%s as a source", (_name, source) => {
  test("reads spans inside it", async () => {
    expect([source.name, source.byteLength]).toEqual(["x", 100]);
    for (const [offset, length] of [
      [0, 100],
      [17, 20],
      [100, 0],
      [99, 1],
    ] as const) {
      const target = new Uint8Array(length);
      await source.read(offset, target);
      expect(target).toEqual(bytes.subarray(offset, offset + length));
    }
  });

  test.each([
    [-1, 1],
    [100, 1],
    [0, 101],
    [0.5, 1],
    [Number.NaN, 1],
    [2 ** 53, 1],
  ])("refuses %d + %d", async (offset, length) => {
    const target = new Uint8Array(length).fill(7);
    await expect(source.read(offset, target)).rejects.toThrow(RangeError);
    expect(target.every((byte) => byte === 7)).toBe(true);
  });
});

test("a blob that cannot be read is E_IO, one that shrank E_CHANGED", async () => {
  const failing = { size: 4, slice: () => ({ arrayBuffer: () => Promise.reject(new Error("NotReadable")) }) };
  await expect(blobSource(failing as unknown as Blob, "b").read(0, new Uint8Array(4))).rejects.toMatchObject({
    code: "E_IO",
    file: "b",
  });
  const shrunk = { size: 4, slice: () => new Blob(["ab"]) };
  await expect(blobSource(shrunk as unknown as Blob, "b").read(0, new Uint8Array(4))).rejects.toMatchObject({
    code: "E_CHANGED",
    file: "b",
  });
});

test("assertSpan takes exactly the spans inside", () => {
  expect(() => assertSpan(3, 7, 10)).not.toThrow();
  expect(() => assertSpan(3, 8, 10)).toThrow('"offset" expected a span inside 10 bytes, got 3 + 8');
  expect(() => assertSpan(2 ** 53 - 1, 1, 2 ** 53 - 1)).toThrow(RangeError);
});
