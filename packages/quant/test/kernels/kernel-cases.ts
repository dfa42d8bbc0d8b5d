// Kernels of every tier over one memory, and random matrices for them.

import fc from "fast-check";
import { formatOf } from "../../src/block-types.ts";
import { blockInfo, packRows, rowBytes } from "../../src/index.ts";
import { bindKernels, KERNEL_TIERS, type Kernels, type KernelTier, loadKernels } from "../../src/kernels/index.ts";

/** The tiers made of WebAssembly. "wide" is there on x64 only. */
export const WASM_TIERS: readonly KernelTier[] = KERNEL_TIERS.filter(
  (tier) => tier !== "scalar" && (tier !== "wide" || process.arch === "x64"),
);

/** Kernels of `tier` over a new memory of 64 MiB. */
export async function kernelsOf(tier: KernelTier): Promise<Kernels> {
  const set = await loadKernels(tier);
  if (set.tier !== tier) throw new Error(`${tier} kernels were to be tested, but ${set.tier} ones were loaded`);
  return bindKernels(set, new WebAssembly.Memory({ initial: 1024 }));
}

/** Where tests put things; 16 MiB apart. */
export const PLACES = { rows: 1 << 20, weights: 17 << 20, vectors: 33 << 20, activations: 41 << 20, out: 57 << 20 };

export interface MatrixCase {
  readonly nRows: number;
  readonly nBlocks: number;
  readonly nVectors: number;
  readonly rows: Uint8Array; // (nRows, nBlocks * blockBytes)
  readonly x: Float32Array; // (nVectors, nBlocks * blockValues)
}

/** Matrices with ragged groups and 1 … 9 vectors, now and then more than a tile; of packed values or of any bytes. */
export function matrixCases(type: string): fc.Arbitrary<MatrixCase> {
  const { blockValues } = blockInfo(type);
  const maxBlocks = blockValues === 256 ? 3 : blockValues === 32 ? 9 : 70;
  return fc
    .record({
      seed: fc.integer(),
      nRows: fc.integer({ min: 1, max: 18 }),
      nBlocks: fc.integer({ min: 1, max: maxBlocks }),
      nVectors: fc.oneof({ weight: 12, arbitrary: fc.integer({ min: 1, max: 9 }) }, fc.integer({ min: 31, max: 66 })),
      areAnyBytes: fc.boolean(),
      exponents: fc.constantFrom(0, 6, 24, 250), // how many powers of two the vectors spread over
    })
    .map(({ seed, nRows, nBlocks, nVectors, areAnyBytes, exponents }) => {
      const random = mulberry32(seed);
      const x = Float32Array.from({ length: nVectors * nBlocks * blockValues }, () => anyNumber(random, exponents));
      if (random() < 0.2) x.fill(0, 0, blockValues); // a block of zeros
      const rows = areAnyBytes
        ? anyRows(type, nRows * rowBytes(type, nBlocks * blockValues), random)
        : packRows(
            type,
            Float32Array.from({ length: nRows * nBlocks * blockValues }, () => anyNumber(random, 6)),
          );
      return { nRows, nBlocks, nVectors, rows, x };
    });
}

/** A number of either sign, sometimes a whole one or zero. */
function anyNumber(random: () => number, exponents: number): number {
  if (random() < 0.1) return Math.round(8 * random() - 4);
  return (random() - 0.5) * 2 ** (exponents * random() - 0.58 * exponents);
}

/** Random bytes whose floating-point fields are finite. */
function anyRows(type: string, nBytes: number, random: () => number): Uint8Array {
  const { blockBytes, floatFields } = formatOf(type);
  const bytes = Uint8Array.from({ length: nBytes }, () => 256 * random());
  for (let o = 0; o < nBytes; o += blockBytes) {
    for (const field of floatFields.f16) if ((bytes[o + field + 1]! & 0x7c) === 0x7c) bytes[o + field + 1]! ^= 0x10;
    for (const field of floatFields.f32) bytes[o + field + 3]! &= 0xbf; // below 2: products must not overflow
  }
  return bytes;
}

export function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
