import { fc, test } from "@fast-check/vitest";
import { memorySource, type SourceTensor } from "@ll/bytes";
import { describe, expect, it } from "vitest";
import { ROW_BYTES } from "../src/limits.ts";
import { spanTensor } from "../src/source-tensor.ts";
import { concatColumns, concatRows, interleaveHeadRows, sliceRows } from "../src/tensor-views.ts";
import { unitTensor } from "../src/unit-tensor.ts";
import { bytesOf } from "./support/bytes.ts";
import { readAll } from "./support/files.ts";
import { countingSource } from "./support/sources.ts";

/** A matrix of 16-bit numbers that tell where they are: `first`, `first + 1`, … */
function matrix(rows: number, columns: number, first = 0): SourceTensor {
  const bytes = bytesOf(Uint16Array.from({ length: rows * columns }, (_, i) => first + i));
  return spanTensor("m", "f16", [rows, columns], memorySource(bytes), 0, bytes.length);
}

async function values(tensor: SourceTensor, pieceBytes?: number): Promise<number[]> {
  return [...new Uint16Array((await readAll(tensor, pieceBytes)).buffer)];
}

const sizes = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 });
const small = fc.integer({ min: 1, max: 6 });
const piece = fc.integer({ min: 1, max: 50 });

describe("concatRows", () => {
  test.prop([sizes, small, piece])("puts parts one below the other", async (heights, columns, pieceBytes) => {
    const parts = heights.map((rows, p) => matrix(rows, columns, 1000 * p));
    const joined = concatRows("j", parts);
    expect(joined.shape).toEqual([heights.reduce((sum, n) => sum + n, 0), columns]);
    expect(await values(joined, pieceBytes)).toEqual((await Promise.all(parts.map((part) => values(part)))).flat());
  });

  it("reads nothing outside its parts", async () => {
    await expect(concatRows("j", [matrix(1, 1), matrix(1, 1)]).read(3, new Uint8Array(2))).rejects.toThrow(RangeError);
  });
});

describe("concatColumns", () => {
  test.prop([sizes, small, piece])("puts parts side by side", async (widths, rows, pieceBytes) => {
    const parts = widths.map((columns, p) => matrix(rows, columns, 1000 * p));
    const joined = concatColumns("j", parts);
    const expected: number[] = [];
    for (let r = 0; r < rows; r++) {
      for (const [p, columns] of widths.entries()) {
        for (let c = 0; c < columns; c++) expected.push(1000 * p + r * columns + c);
      }
    }
    expect(joined.shape).toEqual([rows, widths.reduce((sum, n) => sum + n, 0)]);
    expect(await values(joined, pieceBytes)).toEqual(expected);
  });

  it("reads many rows of a part at once", async () => {
    const sources = [countingSource(new Uint8Array(256 * 1024)), countingSource(new Uint8Array(256 * 1024))];
    const parts = sources.map((source) => spanTensor("m", "f16", [1024, 128], source, 0, source.byteLength));
    await readAll(concatColumns("j", parts), 512 * 1024);
    expect(sources.map((source) => source.reads)).toEqual([1, 1]);
  });
});

describe("sliceRows", () => {
  test.prop([small, small, small])("takes rows out of the middle", async (before, rows, columns) => {
    const slice = sliceRows("s", matrix(before + rows + 2, columns), before, rows);
    expect(slice.shape).toEqual([rows, columns]);
    expect(await values(slice)).toEqual(Array.from({ length: rows * columns }, (_, i) => before * columns + i));
  });
});

describe("interleaveHeadRows", () => {
  test.prop([fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 5 }), small, piece])(
    "takes row j·hd/2 + i of each head for its row 2·i + j",
    async (nHeads, half, columns, pieceBytes) => {
      const headRows = 2 * half;
      const view = interleaveHeadRows("q", matrix(nHeads * headRows, columns), nHeads);
      const expected: number[] = [];
      for (let h = 0; h < nHeads; h++) {
        for (let i = 0; i < half; i++) {
          for (let j = 0; j < 2; j++) {
            for (let c = 0; c < columns; c++) expected.push((h * headRows + j * half + i) * columns + c);
          }
        }
      }
      expect(await values(view, pieceBytes)).toEqual(expected);
    },
  );

  it("needs two reads per head of a request", async () => {
    const source = countingSource(new Uint8Array(512 * 512));
    const rows = spanTensor("m", "f16", [512, 256], source, 0, source.byteLength);
    await readAll(interleaveHeadRows("q", rows, 4));
    expect(source).toMatchObject({ reads: 8, bytesRead: 512 * 512 });
  });
});

describe("unitTensor", () => {
  it("refuses a row that does not fit in memory", () => {
    const rows = spanTensor("m", "u8", [2, ROW_BYTES + 2], { read: async () => undefined }, 0, 2 * ROW_BYTES + 4);
    expect(() => interleaveHeadRows("q", rows, 1)).toThrow(expect.objectContaining({ code: "E_LIMIT" }));
  });

  it("asks for at most a piece at a time", async () => {
    const asked: number[] = [];
    const tensor = unitTensor({
      name: "u",
      type: "u8",
      shape: [100],
      byteLength: 100,
      unitBytes: 4,
      pieceBytes: 14,
      produce: async (_, nUnits) => void asked.push(nUnits),
    });
    await tensor.read(2, new Uint8Array(40));
    expect(asked).toEqual([1, 3, 3, 3, 1]);
  });
});
