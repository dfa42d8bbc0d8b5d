// Kernels of every tier over one memory, and random matrices for them.

import fc from "fast-check";
import { formatOf } from "../../src/block-types.ts";
import { type ArithmeticName, blockInfo, packRows, rowBytes } from "../../src/index.ts";
import {
  bindKernels,
  KERNEL_NAMES,
  KERNEL_TIERS,
  type KernelName,
  type Kernels,
  type KernelTier,
  loadKernels,
} from "../../src/kernels/index.ts";
import { PAIR_TYPES, WASM_LAYOUTS } from "../../src/kernels/wasm-layouts.ts";

/** The tiers made of WebAssembly. "wide" is there on x64 only. */
export const WASM_TIERS: readonly KernelTier[] = KERNEL_TIERS.filter(
  (tier) => tier !== "scalar" && (tier !== "wide" || process.arch === "x64"),
);

/** The same with both ways of adding products, where there are both. */
export const WASM_KERNELS: readonly KernelName[] = KERNEL_NAMES.filter((name) => {
  const tier = tierOf(name);
  return WASM_TIERS.includes(tier) && (name === "simd" || name !== tier);
});

function tierOf(name: KernelName): KernelTier {
  return name.replace(/-.*/, "") as KernelTier;
}

/** Types with kernels. */
export const KERNEL_TYPES: readonly string[] = [...WASM_LAYOUTS.keys()];
/** Those of which the arithmetics have different sums. */
export const LANE_TYPES: readonly string[] = KERNEL_TYPES.filter(
  (type) => formatOf(type).laneDot !== undefined || blockInfo(type).activationType === "q8_K",
);

/** Those of `types` that the kernels have to themselves: pairs are there for few, and the others are those of the chain. */
export function ownTypes(name: KernelName, types: readonly string[]): readonly string[] {
  return name.endsWith("-pairs") ? types.filter((type) => PAIR_TYPES.has(type)) : types;
}

/** Kernels of a name over a new memory of 64 MiB. */
export async function kernelsOf(name: KernelName, arithmetic: ArithmeticName = "build803"): Promise<Kernels> {
  const set = await loadKernels(name, arithmetic);
  if (set.tier !== tierOf(name)) throw new Error(`${name} kernels were to be tested, but ${set.tier} ones were loaded`);
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

/**
 * Matrices with ragged groups and 1 … 9 vectors, now and then more than a tile. Rows are of packed values, of any bytes, or
 * such that all products of a block have one sign: only large sums tell one order of multiplying by the scales from another.
 */
export function matrixCases(type: string): fc.Arbitrary<MatrixCase> {
  const { blockValues, canPack } = blockInfo(type);
  const maxBlocks = blockValues === 1 ? 70 : Math.max(3, Math.floor(300 / blockValues));
  return fc
    .record({
      seed: fc.integer(),
      nRows: fc.integer({ min: 1, max: 18 }),
      nBlocks: fc.integer({ min: 1, max: maxBlocks }),
      nVectors: fc.oneof({ weight: 12, arbitrary: fc.integer({ min: 1, max: 9 }) }, fc.integer({ min: 31, max: 66 })),
      style: fc.constantFrom("packed", "any bytes", "large sums"),
      exponents: fc.constantFrom(0, 6, 24, 250), // how many powers of two the vectors spread over
    })
    .map(({ seed, nRows, nBlocks, nVectors, style, exponents }) => {
      const random = mulberry32(seed);
      const numbers = (count: number, next: () => number): Float32Array => Float32Array.from({ length: count }, next);
      const rowValues = nBlocks * blockValues;
      const nBytes = nRows * rowBytes(type, rowValues);
      if (style === "large sums") {
        const x = numbers(nVectors * rowValues, () => -1 + random() / 8);
        // levels 0 and 1, which mean the lowest; for q8_0 -128 and -127
        return { nRows, nBlocks, nVectors, rows: anyRows(type, nBytes, random, type === "q8_0" ? 0x81 : 0x11), x };
      }
      const x = numbers(nVectors * rowValues, () => anyNumber(random, exponents));
      if (random() < 0.2) x.fill(0, 0, blockValues); // a block of zeros
      const packed = (): Uint8Array =>
        packRows(
          type,
          numbers(nRows * rowValues, () => anyNumber(random, 6)),
        );
      const rows = style === "packed" && canPack ? packed() : anyRows(type, nBytes, random, 0xff);
      return { nRows, nBlocks, nVectors, rows, x };
    });
}

/** A number of either sign, sometimes a whole one or zero. */
function anyNumber(random: () => number, exponents: number): number {
  if (random() < 0.1) return Math.round(8 * random() - 4);
  return (random() - 0.5) * 2 ** (exponents * random() - 0.58 * exponents);
}

/** Random bytes with bits of `mask` (0x81: bit 7 always set), and floating-point fields that are finite. */
function anyRows(type: string, nBytes: number, random: () => number, mask: number): Uint8Array {
  const { blockBytes, floatFields } = formatOf(type);
  const bytes = Uint8Array.from({ length: nBytes }, () => ((256 * random()) & mask) | (mask === 0x81 ? 0x80 : 0));
  for (let o = 0; o < nBytes; o += blockBytes) {
    for (const field of floatFields.f16) {
      bytes[o + field] = 256 * random();
      bytes[o + field + 1] = 256 * random();
      if ((bytes[o + field + 1]! & 0x7c) === 0x7c) bytes[o + field + 1]! ^= 0x10;
    }
    for (const field of floatFields.f32) bytes[o + field + 3]! &= 0xbf; // below 2: products must not overflow
    for (const field of floatFields.bf16 ?? []) bytes[o + field + 1]! &= 0xbf;
    if (type === "iq1_m") bytes[o + 55]! &= 0xbf;
    if (type === "mxfp4") bytes[o]! %= 200; // exponents: as above
  }
  return bytes;
}

/** A matrix of any bytes. */
export function matrixOf(
  type: string,
  { seed, nRows, nBlocks, nVectors }: Pick<MatrixCase, "nRows" | "nBlocks" | "nVectors"> & { readonly seed: number },
): MatrixCase {
  const random = mulberry32(seed);
  const rowValues = nBlocks * blockInfo(type).blockValues;
  const x = Float32Array.from({ length: nVectors * rowValues }, () => anyNumber(random, 6));
  return { nRows, nBlocks, nVectors, rows: anyRows(type, nRows * rowBytes(type, rowValues), random, 0xff), x };
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
