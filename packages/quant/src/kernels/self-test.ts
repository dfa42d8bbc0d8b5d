// What freshly compiled kernels must pass before anyone relies on them: every type against `dot`, on blocks of random bytes.
// It guards against compilers, above all V8's experimental 256-bit code, not against mistakes in the sources: tests do that.

import { decodeBf16, decodeF16 } from "@ll/bytes";
import type { BlockFormat } from "../block-format.ts";
import { formatOf, rowBytes } from "../block-types.ts";
import { valueLimit } from "../check-rows.ts";
import { toolHistogram } from "../pack-stats.ts";
import { dot, packActivation, packRows } from "../rows.ts";
import { type Kernels, LOWEST_POINTER, type PackSource, SCRATCH_BYTES } from "./kernels.ts";
import { WASM_LAYOUTS } from "./wasm-layouts.ts";

/** Pages (64 KiB) of the memory that the test works in. */
export const SELF_TEST_PAGES = 4;
/** Where the tested kernels have their scratch space. */
export const SELF_TEST_SCRATCH: number = LOWEST_POINTER;

const N_ROWS = 11; // a whole group and a ragged one
const N_VECTORS = 5; // for f16 and f32 a tile and a single vector
const N_PACKED = 512; // values for the quantisers: two blocks of the largest
const SEED = 803;

/**
 * Compares `kernels`, over a memory of `SELF_TEST_PAGES`, with `dot`, their quantiser with `packRows` and their histogram with
 * `toolHistogram`, one type in each step.
 */
export function* checkTypes(
  kernels: Kernels,
  types: Iterable<string> = WASM_LAYOUTS.keys(),
): Generator<{ readonly type: string; readonly isRight: boolean }> {
  for (const type of types) {
    const format = formatOf(type);
    const isRight = agrees(kernels, format, 1) && agrees(kernels, format, N_VECTORS) && packsAlike(kernels, format);
    yield { type, isRight };
  }
}

function agrees(kernels: Kernels, format: BlockFormat, nVectors: number): boolean {
  const { type } = format;
  const rowValues = format.blockValues === 1 ? 27 : 2 * format.blockValues;
  const nBytes = rowBytes(type, rowValues);
  const matrix = kernels.matrix(type);
  const values = SELF_TEST_SCRATCH + SCRATCH_BYTES;
  const out = values + 4 * nVectors * rowValues;
  const activations = out + 4 * nVectors * N_ROWS;
  const weights = activations + matrix.activationBytes(nVectors, rowValues);
  const rows = weights + matrix.weightBytes(N_ROWS, rowValues);

  const random = lcg(SEED);
  const rowView = new Uint8Array(kernels.memory.buffer, rows, N_ROWS * nBytes); // (N_ROWS, nBytes)
  fillWithBlocks(rowView, format, random);
  const valueView = new Float32Array(kernels.memory.buffer, values, nVectors * rowValues); // (nVectors, rowValues)
  for (let i = 0; i < valueView.length; i++) valueView[i] = random() / 2 ** 28 - 8;
  matrix.repack(rows, weights, N_ROWS, rowValues);
  matrix.packActivations(values, activations, nVectors, rowValues);
  matrix.multiply(weights, activations, out, 0, N_ROWS, rowValues, nVectors, N_ROWS);

  const outView = new Float32Array(kernels.memory.buffer, out, nVectors * N_ROWS); // (nVectors, N_ROWS)
  return outView.every((sum, i) => {
    const v = Math.floor(i / N_ROWS);
    const row = rowView.subarray((i % N_ROWS) * nBytes, ((i % N_ROWS) + 1) * nBytes);
    const x = valueView.subarray(v * rowValues, (v + 1) * rowValues);
    const vector = packActivation(type, x, undefined, kernels.arithmetic);
    return Object.is(sum, dot(type, row, vector, kernels.arithmetic));
  });
}

/** Packs the same bits as values of each type, all below 2 in magnitude, and counts the levels. */
function packsAlike(kernels: Kernels, { type, blockValues }: BlockFormat): boolean {
  const pack = kernels.packer(type);
  if (pack === undefined) return true;
  const count = kernels.counter(type);
  const { buffer } = kernels.memory;
  const values = SELF_TEST_SCRATCH + SCRATCH_BYTES;
  const counts = values + 4 * N_PACKED;
  const blocks = counts + 64;
  const random = lcg(SEED);
  const halves = new Uint16Array(buffer, values, 2 * N_PACKED); // (2 * N_PACKED): (N_PACKED) binary32 values as well
  for (let i = 0; i < halves.length; i++) halves[i] = (random() >>> 16) & 0xbfff; // the highest bit of the exponent
  const floats = new Float32Array(buffer, values, N_PACKED); // (N_PACKED)
  const firstHalves = halves.slice(0, N_PACKED);
  const sources: readonly (readonly [PackSource, Float32Array])[] = [
    ["f32", floats],
    ["f16", decodeF16(firstHalves, new Float32Array(N_PACKED))],
    ["bf16", decodeBf16(firstHalves, new Float32Array(N_PACKED))],
  ];
  return sources.every(([source, numbers]) => {
    const expected = packRows(type, numbers);
    pack(source, values, blocks, N_PACKED);
    if (!new Uint8Array(buffer, blocks, expected.length).every((byte, i) => byte === expected[i])) return false;
    if (!seesLarge(kernels, source, values)) return false;
    const bins = new Uint32Array(buffer, counts, 16).fill(0); // (16)
    count?.(blocks, counts, N_PACKED / blockValues);
    return toolHistogram(type, expected).every((bin, i) => bin === bins[i]);
  });
}

/** Whether the one value among `N_PACKED` small ones is seen that is an infinity. It is put back. */
function seesLarge(kernels: Kernels, source: PackSource, values: number): boolean {
  const limit = valueLimit("f16");
  const upperBytes = new Uint8Array(kernels.memory.buffer, values, N_PACKED * (source === "f32" ? 4 : 2));
  if (kernels.exceeds(source, values, N_PACKED, limit)) return false;
  const kept = upperBytes.slice(-2);
  upperBytes.set(source === "f16" ? [0x00, 0x7c] : [0x80, 0x7f], upperBytes.length - 2);
  const isSeen = kernels.exceeds(source, values, N_PACKED, limit);
  upperBytes.set(kept, upperBytes.length - 2);
  return isSeen;
}

/** Bytes with the upper part of an exponent that is in no `floatFields`. */
const EXPONENT_BYTES: ReadonlyMap<string, readonly number[]> = /* @__PURE__ */ new Map([
  ["iq1_m", [55]],
  ["mxfp4", [0]],
]);

/** Random bytes with scales below 2 in magnitude. */
function fillWithBlocks(bytes: Uint8Array, format: BlockFormat, random: () => number): void {
  for (let i = 0; i < bytes.length; i++) bytes[i] = random() >>> 24;
  const upperBytes = [
    ...format.floatFields.f16.map((field) => field + 1),
    ...(format.floatFields.bf16 ?? []).map((field) => field + 1),
    ...format.floatFields.f32.map((field) => field + 3),
  ];
  for (let o = 0; o < bytes.length; o += format.blockBytes) {
    for (const upper of upperBytes) bytes[o + upper]! &= 0xbf; // the highest bit of the exponent
    for (const upper of EXPONENT_BYTES.get(format.type) ?? [])
      bytes[o + upper]! &= format.type === "mxfp4" ? 0x7f : 0xbf;
  }
}

/** Numbers from 0 to 2^32 - 1; constants of Numerical Recipes. */
function lcg(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state;
  };
}
