// Repacked rows and packed vectors against the byte-by-byte twins of their layouts.

import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { rowBytes } from "../../src/index.ts";
import { createRowReader, type Kernels } from "../../src/kernels/index.ts";
import { LANE_LAYOUTS, WASM_LAYOUTS } from "../../src/kernels/wasm-layouts.ts";
import { KERNEL_TYPES, kernelsOf, LANE_TYPES, matrixCases, PLACES, WASM_TIERS } from "./kernel-cases.ts";
import { activationsTwin, laneActivationsTwin, laneRepackTwin, repackTwin } from "./layout-twins.ts";

describe.each([
  ...WASM_TIERS.map((tier) => [tier, "build803", KERNEL_TYPES] as const),
  ...WASM_TIERS.map((tier) => [tier, "lanes", LANE_TYPES] as const),
])("%s, %s", (tier, arithmetic, types) => {
  let kernels: Kernels;
  beforeAll(async () => {
    kernels = await kernelsOf(tier, arithmetic);
  });
  const hasOwnLayout = (type: string): boolean => arithmetic === "lanes" && LANE_LAYOUTS.has(type);

  test.each(types)("%s rows go where the twin puts them", (type) => {
    const { blockValues } = WASM_LAYOUTS.get(type)!;
    fc.assert(
      fc.property(matrixCases(type), ({ nRows, nBlocks, rows }) => {
        const { buffer } = kernels.memory;
        const matrix = kernels.matrix(type);
        const nBytes = matrix.weightBytes(nRows, nBlocks * blockValues);
        new Uint8Array(buffer, PLACES.rows, rows.length).set(rows);
        const target = new Uint8Array(buffer, PLACES.weights, nBytes + 64).fill(0xa5);
        matrix.repack(PLACES.rows, PLACES.weights, nRows, nBlocks * blockValues);
        const twin = hasOwnLayout(type) ? laneRepackTwin : repackTwin;
        expect(target.subarray(0, nBytes)).toEqual(twin(type, rows, nRows, nBlocks));
        expect(target.subarray(nBytes).every((byte) => byte === 0xa5)).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  test.each(types)("%s rows come out as they were", (type) => {
    const { blockValues } = WASM_LAYOUTS.get(type)!;
    fc.assert(
      fc.property(matrixCases(type), ({ nRows, nBlocks, rows }) => {
        const columns = nBlocks * blockValues;
        const read = createRowReader(kernels, type, columns, PLACES.vectors);
        const matrix = kernels.matrix(type);
        new Uint8Array(kernels.memory.buffer, PLACES.rows, rows.length).set(rows);
        matrix.repack(PLACES.rows, PLACES.weights, nRows, columns);
        const bytes = rowBytes(type, columns);
        for (let r = 0; r < nRows; r++) {
          expect(read(PLACES.weights, r)).toEqual(rows.subarray(r * bytes, (r + 1) * bytes));
        }
      }),
      { numRuns: 5 },
    );
  });

  test.each(types)("%s vectors go where the twin puts them", (type) => {
    fc.assert(
      fc.property(matrixCases(type), ({ nVectors, x }) => {
        const { buffer } = kernels.memory;
        const matrix = kernels.matrix(type);
        const rowValues = x.length / nVectors;
        const nBytes = matrix.activationBytes(nVectors, rowValues);
        new Float32Array(buffer, PLACES.vectors, x.length).set(x);
        const target = new Uint8Array(buffer, PLACES.activations, nBytes + 64).fill(0xa5);
        matrix.packActivations(PLACES.vectors, PLACES.activations, nVectors, rowValues);
        const isOfFloats = hasOwnLayout(type) && WASM_LAYOUTS.get(type)!.blockValues === 1;
        const twin = isOfFloats ? laneActivationsTwin : activationsTwin;
        // those of q8_0 go where the processor's product of bytes wants them
        const twins = [undefined, 0, 128].map((excess) => twin(type, x, nVectors, arithmetic, excess));
        expect(twins).toContainEqual(target.slice(0, nBytes));
        expect(target.subarray(nBytes).every((byte) => byte === 0xa5)).toBe(true);
      }),
      { numRuns: 25 },
    );
  });
});
