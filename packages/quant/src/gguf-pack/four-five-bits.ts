// Q4_0, Q4_1, Q5_0 and Q5_1 with weights. Without any, they are packed as in build 803.
//
// Facts: ggml 0.20.2 (August 2026), ggml-quants.c, quantize_row_q4_0_impl and its kin.

import { writeF16, writeI32 } from "../unaligned.ts";
import {
  fitAffine,
  fitSymmetric,
  type GgufPack,
  negatedMin,
  sumOfSquares,
  WEIGHTED_SEARCH,
  weighByImportance,
} from "./fits.ts";

const BLOCK = 32;

const weights = new Float32Array(BLOCK); // (32)
const signedLevels = new Int8Array(BLOCK); // (32)
const levels = new Uint8Array(BLOCK); // (32): from 0

export const packQ4_0: GgufPack = symmetric(8);
export const packQ5_0: GgufPack = symmetric(16);
export const packQ4_1: GgufPack = affine(15);
export const packQ5_1: GgufPack = affine(31);

/** Levels -`nLevels` … `nLevels` - 1 of a common scale. */
function symmetric(nLevels: number): GgufPack {
  return (values, out, importance) => {
    let o = 0;
    forEachBlock(values, importance as Float32Array, (v) => {
      const d = fitSymmetric(values, v, BLOCK, nLevels, weights, signedLevels, 0);
      for (let i = 0; i < BLOCK; i++) levels[i] = signedLevels[i]! + nLevels;
      writeF16(out, o, d);
      o = storeLevels(out, o + 2, 2 * nLevels);
    });
  };
}

/** Levels 0 … `maxLevel` of a common scale above a common minimum. */
function affine(maxLevel: number): GgufPack {
  return (values, out, importance) => {
    let o = 0;
    forEachBlock(values, importance as Float32Array, (v) => {
      const d = fitAffine(values, v, BLOCK, maxLevel, weights, WEIGHTED_SEARCH, levels, 0);
      writeF16(out, o, d);
      writeF16(out, o + 2, -negatedMin);
      o = storeLevels(out, o + 4, maxLevel + 1);
    });
  };
}

/** Calls `pack` for each block with its first value, after `weights` were set for it: by how far the whole row spreads. */
function forEachBlock(values: Float32Array, importance: Float32Array, pack: (start: number) => void): void {
  const rowValues = importance.length;
  for (let row = 0; row < values.length; row += rowValues) {
    const spread = Math.fround(sumOfSquares(values, row, rowValues) / rowValues);
    for (let i = 0; i < rowValues; i += BLOCK) {
      weighByImportance(values, row + i, BLOCK, importance, i, spread, weights);
      pack(row + i);
    }
  }
}

/** Writes `levels`, fifth bits first if there are any. @returns the end of the block */
function storeLevels(out: Uint8Array, offset: number, nLevels: number): number {
  let at = offset;
  if (nLevels > 16) {
    let fifthBits = 0;
    for (let i = 0; i < BLOCK; i++) fifthBits |= (levels[i]! >> 4) << i;
    writeI32(out, at, fifthBits);
    at += 4;
  }
  for (let j = 0; j < 16; j++) out[at++] = (levels[j]! & 15) | ((levels[j + 16]! & 15) << 4);
  return at;
}
