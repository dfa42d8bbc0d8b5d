// Arguments of another realm, which are as good as any, and what is none at all.

import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import {
  assertSource,
  blobSource,
  createReader,
  IoError,
  isBytes,
  isError,
  isIoError,
  isTypedArray,
  kindOf,
  memorySource,
} from "../src/index.ts";

const elsewhere = (code: string): never => runInNewContext(code) as never;

describe("another realm", () => {
  test("its arrays are arrays", async () => {
    expect(elsewhere("new Uint8Array(1)") as unknown).not.toBeInstanceOf(Uint8Array);
    expect([isBytes(elsewhere("new Uint8Array(1)")), isBytes(Buffer.from("a")), isBytes(new Uint8Array(1))]).toEqual([
      true,
      true,
      true,
    ]);
    expect(isTypedArray(elsewhere("new Float32Array(1)"), "Float32Array")).toBe(true);
    for (const code of ["new Uint8Array([1, 2, 3])", "new Uint8Array([1, 2, 3]).buffer"]) {
      const target = new Uint8Array(2);
      await memorySource(elsewhere(code)).read(1, target);
      expect([...target]).toEqual([2, 3]);
    }
  });

  test("its errors are errors", () => {
    expect(isError(elsewhere("new RangeError('x')"))).toBe(true);
    expect(isError(elsewhere("({ message: 'x' })"))).toBe(false);
    const error = new IoError({ code: "E_IO", message: "x" });
    Object.setPrototypeOf(error, elsewhere("Error.prototype"));
    expect(isIoError(error, "E_IO")).toBe(true);
  });

  test.each([
    "new Uint8ClampedArray(1)",
    "new DataView(new ArrayBuffer(1))",
    "[1]",
    "({ [Symbol.toStringTag]: 'Uint8Array' })",
  ])("%s is no array of bytes", (code) => {
    expect(isBytes(elsewhere(code))).toBe(false);
  });
});

test.each<[unknown, string]>([
  [undefined, "undefined"],
  [null, "null"],
  ["a path", "a string"],
  [3, "number 3"],
  [() => 0, "a function"],
  [Promise.resolve(), "a promise (await it)"],
  [new Blob([]), "Blob"],
  [new Uint8Array(0), "Uint8Array"],
  [new Map(), "Map"],
  [{}, "Object"],
  [Object.create(null), "an object"],
])("%o is %s", (value, kind) => {
  expect(kindOf(value)).toBe(kind);
});

test.each<[unknown, string]>([
  ["model.bin", '"source" expected a ByteSource, got a string; make one by openFileSource(path)'],
  [Promise.resolve(), "got a promise (await it)"],
  [new Uint8Array(3), "got Uint8Array; make one by memorySource(bytes)"],
  [new Blob([]), "got Blob; make one by openFileSource(path) of @ll/bytes/node, or blobSource(blob)"],
  [undefined, "got undefined"],
])("%o is no source, and the error says what is", (value, message) => {
  expect(() => assertSource(value as never)).toThrow(TypeError);
  expect(() => createReader(value as never)).toThrow(message);
});

test.each([Promise.resolve(), "text", new Float32Array(1), [1], undefined])(
  "memorySource refuses %o instead of reading nothing of it",
  (value) => {
    expect(() => memorySource(value as never)).toThrow('"bytes" expected a Uint8Array or ArrayBuffer, got ');
  },
);

test.each([Promise.resolve(), "text", new Uint8Array(1)])("blobSource refuses %o", (value) => {
  expect(() => blobSource(value as never)).toThrow('"blob" expected a Blob or File, got ');
});
