import { describe, expect, test } from "vitest";
import {
  type BoundedReader,
  type ByteSource,
  createBudget,
  createReader,
  FormatError,
  headerBudget,
  memorySource,
} from "../src/index.ts";

const bytes = Uint8Array.from({ length: 64 }, (_, i) => i + 1);
const view = new DataView(bytes.buffer);
const source = memorySource(bytes, "some.bin");

async function failureOf(work: () => unknown): Promise<FormatError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof FormatError) return error;
    throw error;
  }
  return expect.unreachable("nothing was thrown");
}

describe("numbers", () => {
  test.each([1, 2, 3, 7, 8, 64, 1000])("are little-endian whatever the chunk: %i bytes", async (chunkBytes) => {
    const reader = createReader(source, { chunkBytes });
    expect(await reader.u8("a")).toBe(1);
    expect(await reader.u16("b")).toBe(view.getUint16(1, true));
    expect(await reader.u32("c")).toBe(view.getUint32(3, true));
    expect(await reader.i32("d")).toBe(view.getInt32(7, true));
    expect(await reader.f32("e")).toBe(view.getFloat32(11, true));
    expect(await reader.bytes(5, "f")).toEqual(bytes.subarray(15, 20));
    reader.seek(32, "g");
    expect(await reader.u32("h")).toBe(view.getUint32(32, true));
    reader.seek(4, "back");
    expect(await reader.u32("i")).toBe(view.getUint32(4, true));
    expect(await reader.bytes(56, "rest")).toEqual(bytes.subarray(8));
    expect([reader.offset, reader.remaining]).toEqual([64, 0]);
  });

  test("have their signs", async () => {
    const reader = createReader(memorySource(new Uint8Array(9).fill(0xff)));
    expect(await reader.u8("a")).toBe(255);
    expect(await reader.u32("b")).toBe(0xffffffff);
    expect(await reader.i32("c")).toBe(-1);
  });

  test("of 64 bits are refused above 2^53 - 1", async () => {
    const data = new Uint8Array(16);
    new DataView(data.buffer).setBigUint64(0, 2n ** 53n - 1n, true);
    new DataView(data.buffer).setBigUint64(8, 2n ** 53n, true);
    const reader = createReader(memorySource(data, "big.bin"));
    expect(await reader.u64("a")).toBe(Number.MAX_SAFE_INTEGER);
    expect(await failureOf(() => reader.u64("b"))).toMatchObject({
      code: "E_OVERFLOW",
      file: "big.bin",
      offset: 8,
      field: "b",
      expected: "at most 2^53 - 1",
      got: "9007199254740992",
    });
  });
});

describe("the end", () => {
  const cases: [string, (reader: BoundedReader) => Promise<unknown>, number][] = [
    ["u8", (reader) => reader.u8("x"), 1],
    ["u16", (reader) => reader.u16("x"), 2],
    ["u32", (reader) => reader.u32("x"), 4],
    ["i32", (reader) => reader.i32("x"), 4],
    ["f32", (reader) => reader.f32("x"), 4],
    ["u64", (reader) => reader.u64("x"), 8],
    ["bytes", (reader) => reader.bytes(40, "x"), 40],
  ];
  test.each(cases)("%s", async (_name, read, need) => {
    for (const chunkBytes of [1, 1000]) {
      const reader = createReader(source, { start: 10, end: 10 + need - 1, chunkBytes });
      expect(await failureOf(() => read(reader))).toMatchObject({
        code: "E_TRUNC",
        file: "some.bin",
        offset: 10,
        field: "x",
        expected: `${need} bytes`,
        got: `${need - 1} bytes`,
      });
      expect(reader.offset).toBe(10);
    }
  });

  test("may be anywhere inside the source", async () => {
    const reader = createReader(source, { start: 60, end: 63 });
    expect(reader.remaining).toBe(3);
    expect(await reader.bytes(3, "x")).toEqual(bytes.subarray(60, 63));
    expect(await reader.bytes(0, "nothing")).toEqual(new Uint8Array(0));
  });

  test.each([
    { start: -1 },
    { start: 65 },
    { end: 65 },
    { start: 5, end: 4 },
    { start: 0.5 },
    { chunkBytes: 0 },
    { chunkBytes: Number.NaN },
    { chunkBytes: 8, maxChunkBytes: 7 },
  ])("options are checked: %j", (options) => {
    expect(() => createReader(source, options)).toThrow(RangeError);
  });
});

describe("declared numbers", () => {
  const at = (start: number) => createReader(source, { start });

  test("lengths over the limit, negative or not a number are E_LENGTH", async () => {
    for (const length of [11, -1, Number.NaN]) {
      expect(await failureOf(() => at(4).bytes(length, "len", 10))).toMatchObject({
        code: "E_LENGTH",
        offset: 4,
        field: "len",
        expected: "at most 10",
        got: length,
      });
    }
  });

  test("lengths over what is left are E_TRUNC", async () => {
    expect(await failureOf(() => at(4).assertLength(61, "len"))).toMatchObject({ code: "E_TRUNC", got: "60 bytes" });
    expect(() => at(4).assertLength(60, "len")).not.toThrow();
    expect(await failureOf(() => at(4).assertLength(2 ** 53, "len"))).toMatchObject({ code: "E_LENGTH" });
  });

  test("counts are compared with the bytes left, without overflow", async () => {
    expect(() => at(4).assertCount(20, 3, "n")).not.toThrow();
    expect(await failureOf(() => at(4).assertCount(21, 3, "n"))).toMatchObject({
      code: "E_TRUNC",
      expected: "63 bytes",
    });
    expect(await failureOf(() => at(4).assertCount(2 ** 52, 4096, "n"))).toMatchObject({
      code: "E_TRUNC",
      expected: `${2n ** 64n} bytes`,
    });
    for (const count of [21, -1]) {
      expect(await failureOf(() => at(4).assertCount(count, 1, "n", 20))).toMatchObject({
        code: "E_LIMIT",
        field: "n",
        expected: "at most 20",
        got: count,
      });
    }
  });

  test("nothing is allocated or read for what is refused", async () => {
    const none = { name: "none", byteLength: 2 ** 40, read: () => expect.unreachable("read") };
    const reader = createReader(none);
    await failureOf(() => reader.bytes(2 ** 39, "x", 1000));
    await failureOf(() => reader.bytes(2 ** 41, "x"));
  });

  test("seeking past the end is E_TRUNC, elsewhere a mistake", async () => {
    expect(await failureOf(() => at(4).seek(65, "data"))).toMatchObject({
      code: "E_TRUNC",
      offset: 4,
      expected: "61 bytes",
    });
    for (const offset of [-1, 0.5, Number.NaN]) expect(() => at(4).seek(offset, "data")).toThrow(RangeError);
    const reader = at(4);
    reader.seek(64, "data");
    expect(reader.remaining).toBe(0);
  });

  test("byte arrays and what was fetched last are charged to the budget, before they are read", async () => {
    const budget = createBudget({ bytes: 10 + 8, items: 0, steps: 100 }, "some.bin");
    const reader = createReader(source, { budget, chunkBytes: 8 });
    await reader.bytes(6, "a");
    reader.enter("list", 3);
    expect(await failureOf(() => reader.bytes(5, "b"))).toMatchObject({
      code: "E_LIMIT",
      file: "some.bin",
      offset: 6,
      field: "list[3].b",
      expected: "at most 18 bytes",
      got: 19,
    });
    expect([budget.usedBytes, reader.offset]).toEqual([6 + 8, 6]);
    await reader.bytes(4, "c");
    expect(budget.peakBytes).toBe(18);
  });

  test("each number and array is a step of the budget", async () => {
    const budget = createBudget({ bytes: 100, items: 0, steps: 3 }, "some.bin");
    const reader = createReader(source, { budget, chunkBytes: 8 });
    await reader.u32("a");
    await reader.u8("b");
    await reader.bytes(20, "c");
    expect(budget.usedSteps).toBe(3);
    expect(await failureOf(() => reader.u16("d"))).toMatchObject({
      code: "E_LIMIT",
      offset: 25,
      expected: "at most 3 steps",
    });
  });

  test("without a budget of its own, a reader has that of its source", () => {
    const { limits } = createReader(source).budget;
    expect(limits).toEqual(headerBudget(source.byteLength).limits);
  });
});

test("errors carry the path of open levels, and the reader's class", async () => {
  class OwnError extends FormatError {
    override readonly name = "OwnError";
  }
  const reader = createReader(source, { ErrorClass: OwnError, start: 7 });
  reader.enter("tensors", 2);
  reader.enter("shape");
  const error = reader.error({ code: "E_RANGE", field: "rows", message: "no rows" });
  expect(error).toBeInstanceOf(OwnError);
  expect(error.message).toBe("some.bin: no rows (field tensors[2].shape.rows, byte 7)");
  reader.leave();
  reader.leave();
  expect(reader.error({ code: "E_RANGE", field: "rows", offset: 0, message: "no rows" })).toMatchObject({
    field: "rows",
    offset: 0,
  });
});

test("bytes are copies", async () => {
  const own = bytes.slice();
  const reader = createReader(memorySource(own));
  const copy = await reader.bytes(4, "x");
  copy.fill(0);
  reader.seek(0, "start");
  expect(await reader.bytes(4, "x")).toEqual(bytes.subarray(0, 4));
});

test("neighbouring fields share a read", async () => {
  let calls = 0;
  const counting = {
    ...source,
    read(offset: number, target: Uint8Array) {
      calls++;
      return source.read(offset, target);
    },
  };
  const reader = createReader(counting, { chunkBytes: 32 });
  for (let i = 0; i < 16; i++) await reader.u32("x");
  expect(calls).toBe(2);
});

test("chunks grow while reading goes on, and stay as they are after a leap", async () => {
  const fetched: [offset: number, length: number][] = [];
  const recording: ByteSource = {
    name: "r",
    byteLength: 1000,
    read: async (offset, target) => void fetched.push([offset, target.length]),
  };
  const reader = createReader(recording, { chunkBytes: 8, maxChunkBytes: 40 });
  for (let i = 0; i < 25; i++) await reader.u32("n");
  reader.seek(500, "far");
  await reader.u32("n");
  reader.seek(0, "back");
  await reader.u32("n");
  expect(fetched).toEqual([
    [0, 8],
    [8, 16],
    [24, 32],
    [56, 40],
    [96, 40],
    [500, 40],
    [0, 40],
  ]);
});
