import { fc, test } from "@fast-check/vitest";
import { memorySource } from "@ll/bytes";
import { describe, expect, it } from "vitest";
import { stridedTensor, transposed } from "../src/strided-tensor.ts";
import { bytesOf } from "./support/bytes.ts";
import { readAll } from "./support/files.ts";
import { countingSource } from "./support/sources.ts";

/** Plain twin: one element at a time, by the definition of strides. */
function reference(
  storage: Uint16Array,
  index: number,
  shape: readonly number[],
  strides: readonly number[],
): number[] {
  if (shape.length === 0) return [storage[index] as number];
  const [size, ...rest] = shape as [number, ...number[]];
  const [stride, ...others] = strides as [number, ...number[]];
  return Array.from({ length: size }, (_, i) => reference(storage, index + i * stride, rest, others)).flat();
}

const STORAGE = Uint16Array.from({ length: 4096 }, (_, i) => i);

const view = fc
  .array(fc.record({ size: fc.integer({ min: 0, max: 5 }), stride: fc.integer({ min: 0, max: 40 }) }), { maxLength: 4 })
  .chain((dimensions) =>
    fc.record({
      shape: fc.constant(dimensions.map((dimension) => dimension.size)),
      strides: fc.constant(dimensions.map((dimension) => dimension.stride)),
      elementIndex: fc.integer({ min: 0, max: 3000 }),
      pieceBytes: fc.integer({ min: 1, max: 64 }),
      windowBytes: fc.constantFrom(1, 8, 30, 100, 1 << 20),
      gapBytes: fc.constantFrom(1, 20, 100, 1 << 14),
    }),
  );

describe("stridedTensor", () => {
  test.prop([view], { numRuns: 1000 })(
    "gives the elements of any view, read in any pieces",
    async ({ pieceBytes, windowBytes, gapBytes, ...fields }) => {
      const source = memorySource(bytesOf(STORAGE));
      const tensor = stridedTensor({ name: "t", type: "f16", ...fields }, source, { windowBytes, gapBytes });
      const expected = reference(STORAGE, fields.elementIndex, fields.shape, fields.strides);
      expect([...new Uint16Array((await readAll(tensor, pieceBytes)).buffer)]).toEqual(expected);
    },
  );

  test.prop([fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 }), fc.constantFrom(1, 2, 4, 8)])(
    "transposes matrices of every element size",
    async (rows, columns, bytes) => {
      const type = { 1: "u8", 2: "f16", 4: "f32", 8: "f64" }[bytes] as string;
      const data = Uint8Array.from({ length: rows * columns * bytes }, (_, i) => i);
      const matrix = stridedTensor(
        { name: "m", type, shape: [rows, columns], strides: [columns, 1], elementIndex: 0 },
        memorySource(data),
      );
      const twice = transposed(transposed(matrix));
      expect(transposed(matrix).shape).toEqual([columns, rows]);
      expect(await readAll(twice, 5)).toEqual(data);
    },
  );

  it("reads a contiguous tensor straight, one read per request", async () => {
    const source = countingSource(bytesOf(STORAGE));
    const shape = [4, 1, 8, 128];
    const tensor = stridedTensor(
      { name: "t", type: "f16", shape, strides: [1024, 7, 128, 1], elementIndex: 0 },
      source,
    );
    expect(await readAll(tensor)).toEqual(bytesOf(STORAGE));
    expect(source).toMatchObject({ reads: 1, bytesRead: 8192 });
  });

  it("reads a transposed matrix through windows of a mebibyte, not element by element", async () => {
    const size = 1024;
    const matrix = bytesOf(Uint16Array.from({ length: size * size }, (_, i) => i));
    const source = countingSource(matrix);
    const tensor = stridedTensor(
      { name: "t", type: "f16", shape: [size, size], strides: [1, size], elementIndex: 0 },
      source,
    );
    const bytes = new Uint16Array((await readAll(tensor, 1 << 19)).buffer);
    expect(bytes[1]).toBe(size);
    expect(bytes[size]).toBe(1);
    // four requests of 512 KiB, each of which looks through the 2 MiB of the storage
    expect(source.reads).toBeLessThanOrEqual(4 * 3);
    expect(source.largestRead).toBeLessThanOrEqual(1 << 20);
  });

  it("skips wide gaps instead of reading through them", async () => {
    const source = countingSource(new Uint8Array(64 * 100_000));
    const fields = { name: "t", type: "f16", shape: [64, 10], strides: [50_000, 1], elementIndex: 0 };
    await readAll(stridedTensor(fields, source));
    expect(source).toMatchObject({ reads: 64, bytesRead: 64 * 20 });
  });
});
