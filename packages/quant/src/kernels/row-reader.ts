// Rows of a file out of repacked groups, so that a matrix whose rows are both looked up and multiplied is in memory once.
//
// Repacking moves bits, turns some of them over (a scale that is stored less 32) and fills up with constants, and loses none. So the
// layouts need no second description here: where each bit goes is learnt from `repack`, by repacking eight rows in which every bit is
// set whose number has a certain binary digit, for one digit after the other.

import { rowBytes } from "../block-types.ts";
import { GROUP_ROWS, type Kernels } from "./kernels.ts";

/** Row `row` of the repacked matrix at `matrix`, as it is in a file; the same array in every call. */
export type RowReader = (matrix: number, row: number) => Uint8Array;

/** Bytes of working memory that `createRowReader` wants. */
export function rowReaderBytes(type: string, columns: number, groupBytes: number): number {
  return sourceBytes(type, columns) + groupBytes;
}

/** Of eight rows in a file, and up to where a group may begin. */
function sourceBytes(type: string, columns: number): number {
  return 64 * Math.ceil((GROUP_ROWS * rowBytes(type, columns)) / 64);
}

/**
 * Reads rows of `columns` values out of groups that `kernels` have repacked.
 * @param work `rowReaderBytes`, a multiple of 64, for as long as this function runs
 */
export function createRowReader(kernels: Kernels, type: string, columns: number, work: number): RowReader {
  const matrix = kernels.matrix(type);
  const nRowBytes = rowBytes(type, columns);
  const nBits = 8 * GROUP_ROWS * nRowBytes;
  const packedAt = work + sourceBytes(type, columns);
  const packedBytes = matrix.weightBytes(GROUP_ROWS, columns);

  /** The group, a copy, if the byte at `i` of the rows is `byteAt(i)`. */
  const repacked = (byteAt: (i: number) => number): Uint8Array => {
    const rows = new Uint8Array(kernels.memory.buffer, work, GROUP_ROWS * nRowBytes); // (8, nRowBytes)
    for (let i = 0; i < rows.length; i++) rows[i] = byteAt(i);
    matrix.repack(work, packedAt, GROUP_ROWS, columns);
    return new Uint8Array(kernels.memory.buffer, packedAt, packedBytes).slice();
  };
  const resting = repacked(() => 0); // what is constant, and bits that are turned over
  const numbers = new Int32Array(8 * packedBytes); // of the bit of the rows that is here, counted from 1; 0: none
  for (let digit = 0; 2 ** digit <= nBits; digit++) {
    const packed = repacked((i) => {
      let byte = 0;
      for (let bit = 0; bit < 8; bit++) byte |= (((8 * i + bit + 1) >>> digit) & 1) << bit;
      return byte;
    });
    for (let i = 0; i < packedBytes; i++) {
      const changed = packed[i]! ^ resting[i]!;
      for (let bit = 0; changed >> bit !== 0; bit++) numbers[8 * i + bit]! |= ((changed >> bit) & 1) << digit;
    }
  }
  const places = new Int32Array(nBits); // (8, nRowBytes, 8): which bit of a group is this one
  for (const [place, number] of numbers.entries()) if (number > 0) places[number - 1] = place;

  const out = new Uint8Array(nRowBytes);
  return (address, row) => {
    const groupAt = address + Math.floor(row / GROUP_ROWS) * packedBytes;
    const group = new Uint8Array(kernels.memory.buffer, groupAt, packedBytes);
    let next = 8 * (row % GROUP_ROWS) * nRowBytes;
    for (let i = 0; i < nRowBytes; i++) {
      let byte = 0;
      for (let bit = 0; bit < 8; bit++) {
        const place = places[next++]!;
        const at = place >> 3;
        byte |= (((group[at]! ^ resting[at]!) >> (place & 7)) & 1) << bit;
      }
      out[i] = byte;
    }
    return out;
  };
}
