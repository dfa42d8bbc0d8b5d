// Random inputs shared by the property tests.

import fc from "fast-check";
import { BLOCK_TYPES, blockInfo, f32ToF16 } from "../src/index.ts";
import { READERS } from "./oracle.ts";

/** Types that `packRows` makes. */
export const PACKED_TYPES: readonly string[] = BLOCK_TYPES.filter((type) => blockInfo(type).canPack);
/** Those of build 803 of llama.cpp that weights have. */
export const WEIGHT_TYPES: readonly string[] = PACKED_TYPES.filter(
  (type) => blockInfo(type).isWeightType && type !== "bf16",
);
/** The types that the oracle reads and `dot` takes. */
export const QUANTIZED_TYPES: readonly string[] = WEIGHT_TYPES.filter((type) => blockInfo(type).isQuantized);
export const K_TYPES: readonly string[] = QUANTIZED_TYPES.filter((type) => blockInfo(type).blockValues === 256);

/** Below this, scales and their squares begin to lose digits, which `finiteValues` is there to try. */
const SMALLEST = 2 ** -20;

/** `count` numbers of the size of weights, many of them equal, zero or a whole number of eighths; none smaller than 2^-20. */
export function moderateValues(count: number): fc.Arbitrary<Float32Array> {
  const number = fc.oneof(
    { weight: 6, arbitrary: fc.double({ min: -4, max: 4, noNaN: true }) },
    { weight: 2, arbitrary: fc.integer({ min: -16, max: 16 }).map((n) => n / 8) },
    { weight: 1, arbitrary: fc.constant(0) },
  );
  return fc
    .array(number, { minLength: count, maxLength: count })
    .map((numbers) => Float32Array.from(numbers, (number) => (Math.abs(number) < SMALLEST ? 0 : number)));
}

/** `count` finite binary32 numbers of any size. */
export function finiteValues(count: number): fc.Arbitrary<Float32Array> {
  const number = fc.float({ noNaN: true, noDefaultInfinity: true });
  return fc.array(number, { minLength: count, maxLength: count }).map((numbers) => Float32Array.from(numbers));
}

/** `nBlocks` blocks of arbitrary bytes, with finite scales. */
export function anyBlocks(type: string, nBlocks: number): fc.Arbitrary<Uint8Array> {
  const { blockBytes } = READERS.get(type)!;
  const scaleOffsets = SCALE_OFFSETS.get(type)!;
  const scale = fc.double({ min: -2, max: 2, noNaN: true }).map((number) => f32ToF16(Math.fround(number)));
  const length = nBlocks * blockBytes;
  return fc
    .tuple(
      fc.uint8Array({ minLength: length, maxLength: length, size: "max" }),
      fc.array(scale, { minLength: 2 * nBlocks, maxLength: 2 * nBlocks }),
    )
    .map(([bytes, scales]) => {
      for (let n = 0; n < nBlocks; n++) {
        for (const [k, offset] of scaleOffsets.entries()) {
          new DataView(bytes.buffer).setUint16(n * blockBytes + offset, scales[2 * n + k]!, true);
        }
      }
      return bytes;
    });
}

/** Where the binary16 fields of a block begin. */
const SCALE_OFFSETS = new Map([
  ["q4_0", [0]],
  ["q4_1", [0, 2]],
  ["q5_0", [0]],
  ["q5_1", [0, 2]],
  ["q8_0", [0]],
  ["q2_K", [80, 82]],
  ["q3_K", [108]],
  ["q4_K", [0, 2]],
  ["q5_K", [0, 2]],
  ["q6_K", [208]],
]);

/** Enough for many shapes of a block while the K types take some 10 µs per block. */
export const RUNS = { numRuns: 60 };

/** Numbers with mean 0 and standard deviation 1, the same on every run. */
export function bellShaped(count: number): Float32Array {
  let state = 7;
  const uniform = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return ((state >>> 8) + 0.5) / 2 ** 24;
  };
  return Float32Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
}
