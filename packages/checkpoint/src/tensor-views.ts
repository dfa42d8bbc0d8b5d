// Matrices made of other matrices while they are read: parts put together, rows taken out or reordered.

import { allocate, assertSpan, type SourceTensor } from "@ll/bytes";
import { spanTensor } from "./source-tensor.ts";
import { unitTensor } from "./unit-tensor.ts";

/** Parts one below the other, (Σ rows, columns): their bytes in order. All have the same type and columns. */
export function concatRows(name: string, parts: readonly SourceTensor[]): SourceTensor {
  const [first] = parts as [SourceTensor];
  const rows = parts.reduce((sum, part) => sum + (part.shape[0] as number), 0);
  const byteLength = parts.reduce((sum, part) => sum + part.byteLength, 0);
  return {
    name,
    type: first.type,
    shape: [rows, ...first.shape.slice(1)],
    byteLength,
    async read(offset, target) {
      assertSpan(offset, target.byteLength, byteLength);
      let partStart = 0;
      let done = 0;
      for (const part of parts) {
        const start = offset + done - partStart;
        const length = Math.min(part.byteLength - start, target.byteLength - done);
        if (length > 0) {
          await part.read(start, target.subarray(done, done + length));
          done += length;
        }
        partStart += part.byteLength;
      }
    },
  };
}

/** Parts side by side, (rows, Σ columns). All are matrices of the same type and number of rows. */
export function concatColumns(name: string, parts: readonly SourceTensor[]): SourceTensor {
  const [first] = parts as [SourceTensor];
  const rows = first.shape[0] as number;
  const partRowBytes = parts.map((part) => part.byteLength / rows);
  const rowBytes = partRowBytes.reduce((sum, n) => sum + n, 0);
  return unitTensor({
    name,
    type: first.type,
    shape: [rows, parts.reduce((sum, part) => sum + (part.shape[1] as number), 0)],
    byteLength: rows * rowBytes,
    unitBytes: rowBytes,
    async produce(firstRow, nRows, target) {
      let columnStart = 0; // of the part, in bytes
      for (const [p, part] of parts.entries()) {
        const width = partRowBytes[p] as number;
        const block = allocate(name, () => new Uint8Array(nRows * width)); // rows of one part are one span of it
        await part.read(firstRow * width, block);
        for (let r = 0; r < nRows; r++) {
          target.set(block.subarray(r * width, (r + 1) * width), r * rowBytes + columnStart);
        }
        columnStart += width;
      }
    },
  });
}

/** Rows `firstRow … firstRow + nRows` of a matrix. */
export function sliceRows(name: string, matrix: SourceTensor, firstRow: number, nRows: number): SourceTensor {
  const [rows, columns] = matrix.shape as [number, number];
  const rowBytes = matrix.byteLength / rows;
  return spanTensor(name, matrix.type, [nRows, columns], matrix, firstRow * rowBytes, nRows * rowBytes);
}

/**
 * Undoes the row order of Hugging Face's q and k matrices, whose rotary pairs lie half a head apart: in each of `nHeads`
 * blocks of hd rows, new row 2·i + j is old row j·hd/2 + i (convert.py of llama.cpp build 803). Rows must divide by 2·nHeads.
 */
export function interleaveHeadRows(name: string, matrix: SourceTensor, nHeads: number): SourceTensor {
  const rows = matrix.shape[0] as number;
  const rowBytes = matrix.byteLength / rows;
  const headRows = rows / nHeads;
  const half = headRows / 2;
  return unitTensor({
    name,
    type: matrix.type,
    shape: matrix.shape,
    byteLength: matrix.byteLength,
    unitBytes: rowBytes,
    async produce(firstRow, nRows, target) {
      for (let done = 0; done < nRows; ) {
        const row = firstRow + done;
        const start = row % headRows;
        const count = Math.min(headRows - start, nRows - done);
        // rows start … start + count of a head come from pairs firstPair … endPair: one span in each half of it
        const firstPair = Math.floor(start / 2);
        const endPair = Math.ceil((start + count) / 2);
        const head = row - start;
        const rows = (): Uint8Array => new Uint8Array((endPair - firstPair) * rowBytes);
        const halves = [allocate(name, rows), allocate(name, rows)];
        for (const [j, bytes] of halves.entries()) await matrix.read((head + j * half + firstPair) * rowBytes, bytes);
        for (let r = 0; r < count; r++) {
          const from = (Math.floor((start + r) / 2) - firstPair) * rowBytes;
          const bytes = halves[(start + r) % 2] as Uint8Array;
          target.set(bytes.subarray(from, from + rowBytes), (done + r) * rowBytes);
        }
        done += count;
      }
    },
  });
}
