// Every tier against `dot`, to the bit.

import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { formatOf } from "../../src/block-types.ts";
import { type ArithmeticName, blockInfo, dot, packActivation, rowBytes } from "../../src/index.ts";
import type { Kernels } from "../../src/kernels/index.ts";
import {
  KERNEL_TYPES,
  kernelsOf,
  LANE_TYPES,
  type MatrixCase,
  matrixCases,
  matrixOf,
  ownTypes,
  PLACES,
  WASM_KERNELS,
} from "./kernel-cases.ts";

/** Fills `out` before kernels write to it: a quiet NaN that no sum is. */
const UNTOUCHED = 0x7fc0_dead;

const NAMES = ["scalar", ...WASM_KERNELS] as const;

describe.each([
  ...NAMES.map((name) => [name, "build803", ownTypes(name, KERNEL_TYPES)] as const),
  ...NAMES.map((name) => [name, "lanes", ownTypes(name, LANE_TYPES)] as const),
])("%s, %s", (name, arithmetic, types) => {
  let kernels: Kernels;
  beforeAll(async () => {
    kernels = await kernelsOf(name, arithmetic);
  });

  test.each(types)("%s rows times vectors are the sums of dot", (type) => {
    fc.assert(
      fc.property(matrixCases(type), fc.integer({ min: 0, max: 5 }), (matrix, gap) => {
        const outStride = matrix.nRows + gap;
        const sums = multiply(kernels, type, matrix, 0, matrix.nRows, outStride);
        expect(sums).toEqual(expectedSums(arithmetic, type, matrix, outStride));
      }),
      { numRuns: name === "scalar" ? 5 : 40 },
    );
  });

  test.each(types)("%s: any range of rows gives the same sums as all rows", (type) => {
    fc.assert(
      fc.property(matrixCases(type), fc.double({ min: 0, max: 1, noNaN: true }), (matrix, part) => {
        const middle = 8 * Math.floor((part * matrix.nRows) / 8);
        const upper = multiply(kernels, type, matrix, 0, middle, matrix.nRows);
        const lower = multiply(kernels, type, matrix, middle, matrix.nRows, matrix.nRows);
        const all = multiply(kernels, type, matrix, 0, matrix.nRows, matrix.nRows);
        const joined = all.map((_, i) => (i % matrix.nRows < middle ? upper[i]! : lower[i]!));
        expect(joined).toEqual(all);
        expect(upper.filter((_, i) => i % matrix.nRows >= middle).every((bits) => bits === UNTOUCHED)).toBe(true);
      }),
      { numRuns: 5 },
    );
  });

  test.each(types)("%s: groups of rows that take turns give the same sums", (type) => {
    // more than the kernels take for cached, in more groups than take turns at a time, the last of them ragged
    const { blockValues } = blockInfo(type);
    const rowValues = Math.max(2048, 8 * blockValues);
    const nRows = 8 * Math.ceil(400_000 / (8 * rowBytes(type, rowValues))) + 13;
    for (const nVectors of name === "scalar" ? [1] : [1, 3]) {
      const matrix = matrixOf(type, { seed: 1, nRows, nBlocks: rowValues / blockValues, nVectors });
      expect(multiply(kernels, type, matrix, 0, nRows, nRows)).toEqual(expectedSums(arithmetic, type, matrix, nRows));
    }
  });

  test.each(types)("%s: sums are exact at the ends of the ranges", (type) => {
    const { blockBytes, blockValues } = blockInfo(type);
    const nBlocks = blockValues === 1 ? 64 : 3;
    const nRows = 9;
    for (const byte of [0x00, 0x0f, 0x7f, 0x80, 0xf0, 0xff]) {
      const rows = new Uint8Array(nRows * nBlocks * blockBytes).fill(blockValues === 1 ? byte & 0x3f : byte);
      const { floatFields } = formatOf(type);
      for (let o = 0; blockValues > 1 && o < rows.length; o += blockBytes) {
        for (const field of floatFields.f16) rows.set([0x01, 0x3c], o + field); // 1 + 2^-10
        if (type === "iq1_m") rows[o + 55]! &= 0xbf; // finite
      }
      const x = Float32Array.from({ length: 3 * nBlocks * blockValues }, (_, i) =>
        i % 97 === 0 ? -1 : i % 2 === 0 ? 1 : -1,
      );
      x.fill(-1, nBlocks * blockValues, 2 * nBlocks * blockValues);
      const matrix = { nRows, nBlocks, nVectors: 3, rows, x };
      expect(multiply(kernels, type, matrix, 0, nRows, nRows)).toEqual(expectedSums(arithmetic, type, matrix, nRows));
    }
  });
});

/** Bits of the sums that kernels give; `UNTOUCHED` where they wrote nothing. */
function multiply(
  kernels: Kernels,
  type: string,
  { nRows, nBlocks, nVectors, rows, x }: MatrixCase,
  rowStart: number,
  rowEnd: number,
  outStride: number,
): Uint32Array {
  const { buffer } = kernels.memory;
  const matrix = kernels.matrix(type);
  const rowValues = x.length / nVectors;
  expect(rowValues).toBe(nBlocks * blockInfo(type).blockValues);
  new Uint8Array(buffer, PLACES.rows, rows.length).set(rows);
  new Float32Array(buffer, PLACES.vectors, x.length).set(x);
  const out = new Uint32Array(buffer, PLACES.out, outStride * nVectors).fill(UNTOUCHED);
  expect(matrix.repack(PLACES.rows, PLACES.weights, nRows, rowValues)).toBe(0);
  matrix.packActivations(PLACES.vectors, PLACES.activations, nVectors, rowValues);
  matrix.multiply(PLACES.weights, PLACES.activations, PLACES.out, rowStart, rowEnd, rowValues, nVectors, outStride);
  return out.slice();
}

function expectedSums(
  arithmetic: ArithmeticName,
  type: string,
  { nRows, nVectors, rows, x }: MatrixCase,
  outStride: number,
): Uint32Array {
  const sums = new Float32Array(outStride * nVectors);
  const bits = new Uint32Array(sums.buffer).fill(UNTOUCHED);
  const rowValues = x.length / nVectors;
  const nBytes = rows.length / nRows;
  for (let v = 0; v < nVectors; v++) {
    const vector = packActivation(type, x.subarray(v * rowValues, (v + 1) * rowValues), undefined, arithmetic);
    for (let row = 0; row < nRows; row++) {
      sums[v * outStride + row] = dot(type, rows.subarray(row * nBytes, (row + 1) * nBytes), vector, arithmetic);
    }
  }
  return bits;
}
