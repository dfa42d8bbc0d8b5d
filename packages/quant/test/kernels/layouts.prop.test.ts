// Repacked rows and packed vectors against the byte-by-byte twins of their layouts.

import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import type { Kernels } from "../../src/kernels/index.ts";
import { WASM_LAYOUTS } from "../../src/kernels/wasm-layouts.ts";
import { kernelsOf, matrixCases, PLACES, WASM_TIERS } from "./kernel-cases.ts";
import { activationsTwin, repackTwin } from "./layout-twins.ts";

const TYPES = [...WASM_LAYOUTS.keys()];

describe.each(WASM_TIERS)("%s", (tier) => {
  let kernels: Kernels;
  beforeAll(async () => {
    kernels = await kernelsOf(tier);
  });

  test.each(TYPES)("%s rows go where the twin puts them", (type) => {
    const { blockValues } = WASM_LAYOUTS.get(type)!;
    fc.assert(
      fc.property(matrixCases(type), ({ nRows, nBlocks, rows }) => {
        const { buffer } = kernels.memory;
        const matrix = kernels.matrix(type);
        const nBytes = matrix.weightBytes(nRows, nBlocks * blockValues);
        new Uint8Array(buffer, PLACES.rows, rows.length).set(rows);
        const target = new Uint8Array(buffer, PLACES.weights, nBytes + 64).fill(0xa5);
        matrix.repack(PLACES.rows, PLACES.weights, nRows, nBlocks * blockValues);
        expect(target.subarray(0, nBytes)).toEqual(repackTwin(type, rows, nRows, nBlocks));
        expect(target.subarray(nBytes).every((byte) => byte === 0xa5)).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  test.each(TYPES)("%s vectors go where the twin puts them", (type) => {
    fc.assert(
      fc.property(matrixCases(type), ({ nVectors, x }) => {
        const { buffer } = kernels.memory;
        const matrix = kernels.matrix(type);
        const rowValues = x.length / nVectors;
        const nBytes = matrix.activationBytes(nVectors, rowValues);
        new Float32Array(buffer, PLACES.vectors, x.length).set(x);
        const target = new Uint8Array(buffer, PLACES.activations, nBytes + 64).fill(0xa5);
        matrix.packActivations(PLACES.vectors, PLACES.activations, nVectors, rowValues);
        expect(target.subarray(0, nBytes)).toEqual(activationsTwin(type, x, nVectors));
        expect(target.subarray(nBytes).every((byte) => byte === 0xa5)).toBe(true);
      }),
      { numRuns: 25 },
    );
  });
});
