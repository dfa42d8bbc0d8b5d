// The quantisers of Q2_K, Q3_K, Q4_K, Q5_K and Q6_K: binary16 or binary32 values → super-blocks as in a file.
// Their TypeScript twins are src/q2_K.ts … src/q6_K.ts, which draw the bytes; the arithmetic is the same, step by step.

import { fitAffine } from "./affine-fit";
import { F32 } from "./half";
import {
  byLargest, cutToSixBits, largestScale, MINS, SCALES, signedByLargest, writeAffine, writeQ2, writeQ3, writeQ6,
} from "./k-blocks";
import { packFiveBits, packNibbles } from "./pack-levels";
import { FITTED, FITTED_MINS, valuesOf } from "./super-block";
import { fitSymmetric } from "./symmetric-fit";

/** Groups of zeros have no scale. */
// @ts-ignore: decorator
@inline const SMALLEST: f32 = 1.401298464324817e-45;

/** The first 16 bytes of Q4_K and Q5_K blocks, and LEVELS. */
// @ts-ignore: decorator
@inline
function packAffine(x: usize, maxLevel: i32, dst: usize): void {
  fitAffine(x, 32, maxLevel, 0);
  const d = byLargest(FITTED, 8, 63, SCALES), dmin = byLargest(FITTED_MINS, 8, 63, MINS);
  cutToSixBits(SCALES);
  cutToSixBits(MINS);
  writeAffine(x, maxLevel, dst, d, dmin);
}

/** Packs `nBlocks` blocks of 256 values of type `source` at `src`. */
export function pack_q4_K(source: i32, src: usize, dst: usize, nBlocks: i32): void {
  for (; nBlocks > 0; nBlocks--, src += source == F32 ? 1024 : 512, dst += 144) {
    packAffine(valuesOf(source, src), 15, dst);
    packNibbles(dst + 16);
  }
}

export function pack_q5_K(source: i32, src: usize, dst: usize, nBlocks: i32): void {
  for (; nBlocks > 0; nBlocks--, src += source == F32 ? 1024 : 512, dst += 176) {
    packAffine(valuesOf(source, src), 31, dst);
    packFiveBits(dst + 16);
    packNibbles(dst + 48);
  }
}

export function pack_q2_K(source: i32, src: usize, dst: usize, nBlocks: i32): void {
  for (; nBlocks > 0; nBlocks--, src += source == F32 ? 1024 : 512, dst += 84) {
    const x = valuesOf(source, src);
    for (let set: usize = 0; set < 2; set++) fitAffine(x + (set << 9), 16, 3, set);
    const d = byLargest(FITTED, 16, 15, SCALES), dmin = byLargest(FITTED_MINS, 16, 15, MINS);
    writeQ2(x, dst, d, dmin);
  }
}

export function pack_q3_K(source: i32, src: usize, dst: usize, nBlocks: i32): void {
  for (; nBlocks > 0; nBlocks--, src += source == F32 ? 1024 : 512, dst += 110) {
    const x = valuesOf(source, src);
    for (let set: usize = 0; set < 2; set++) fitSymmetric(x + (set << 9), 4, 0, SMALLEST, set);
    const d = signedByLargest();
    writeQ3(x, dst, d, largestScale() != 0);
  }
}

export function pack_q6_K(source: i32, src: usize, dst: usize, nBlocks: i32): void {
  for (; nBlocks > 0; nBlocks--, src += source == F32 ? 1024 : 512, dst += 210) {
    const x = valuesOf(source, src);
    for (let set: usize = 0; set < 2; set++) fitSymmetric(x + (set << 9), 32, 3, SMALLEST, set);
    writeQ6(x, dst);
  }
}
