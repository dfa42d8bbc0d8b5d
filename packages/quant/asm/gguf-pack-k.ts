// The quantisers of Q2_K, Q3_K, Q4_K, Q5_K and Q6_K for GGUF files: binary32 values, and perhaps the importance of the columns, → super-blocks.
// Their TypeScript twins are in src/gguf-pack/k-types.ts; the arithmetic is the same, step by step.

import { fitAffine, fitAffineByDistance, fitPositive, fitScales, fitSymmetric, TINY } from "./gguf-fits";
import { BY_MEAN, BY_SIZE, BY_SQUARE, NO_SPREAD, sumOfSquares, weigh } from "./gguf-weights";
import {
  byLargest, cutToSixBits, largestScale, MINS, SCALES, signedByLargest, writeAffine, writeQ2, writeQ3, writeQ6,
} from "./k-blocks";
import { packFiveBits, packNibbles } from "./pack-levels";
import { FITTED, FITTED_MINS } from "./super-block";
import { fitSymmetric as fitSmallScale } from "./symmetric-fit";
import { scratch } from "./vectors";

/** Where the importance of the values behind `at` is: that of a row begins anew behind its last value. 0: there is none. */
// @ts-ignore: decorator
@inline
function behind(at: usize, importance: usize, rowBytes: usize): usize {
  const next = at + 1024;
  return importance == 0 ? 0 : next == importance + rowBytes ? importance : next;
}

function packAffine(x: usize, maxLevel: i32, from: f32, steps: i32, importance: usize, dst: usize): void {
  const isWeighted = importance != 0;
  const spread: f32 = isWeighted ? 2 * sumOfSquares(x, 256) / 256 : 0;
  weigh(x, 32, BY_MEAN, importance, spread, 0);
  if (isWeighted) fitAffine(32, maxLevel, -0.9, 0.05, 36, 0);
  else fitAffine(32, maxLevel, from, 0.1, steps, 0);
  let d: f32, dmin: f32;
  if (isWeighted) {
    d = fitPositive(scratch + FITTED, 8, 63, scratch + SCALES);
    dmin = fitPositive(scratch + FITTED_MINS, 8, 63, scratch + MINS);
  } else {
    d = byLargest(FITTED, 8, 63, SCALES);
    dmin = byLargest(FITTED_MINS, 8, 63, MINS);
    cutToSixBits(SCALES);
    cutToSixBits(MINS);
  }
  writeAffine(x, maxLevel, dst, d, dmin);
}

/**
 * Packs `nBlocks` blocks of 256 values at `src`.
 * @param importance (rowBytes / 4) binary32, for every row the same; 0: none
 */
export function pack_q4_K(src: usize, dst: usize, nBlocks: i32, importance: usize, rowBytes: usize): void {
  for (let at = importance; nBlocks > 0; nBlocks--, src += 1024, dst += 144) {
    packAffine(src, 15, -1, 20, at, dst);
    packNibbles(dst + 16);
    at = behind(at, importance, rowBytes);
  }
}

export function pack_q5_K(src: usize, dst: usize, nBlocks: i32, importance: usize, rowBytes: usize): void {
  for (let at = importance; nBlocks > 0; nBlocks--, src += 1024, dst += 176) {
    packAffine(src, 31, -0.5, 15, at, dst);
    packFiveBits(dst + 16);
    packNibbles(dst + 48);
    at = behind(at, importance, rowBytes);
  }
}

export function pack_q2_K(src: usize, dst: usize, nBlocks: i32, importance: usize, rowBytes: usize): void {
  const isWeighted = importance != 0;
  for (let at = importance; nBlocks > 0; nBlocks--, src += 1024, dst += 84) {
    const spread: f32 = isWeighted ? sumOfSquares(src, 256) / 256 : 0;
    for (let set: usize = 0; set < 2; set++) {
      weigh(src + (set << 9), 16, BY_SIZE, isWeighted ? at + (set << 9) : 0, spread, set);
      if (isWeighted) fitAffine(16, 3, -0.9, 0.05, 36, set);
      else fitAffineByDistance(16, 3, -0.5, 0.1, 15, set);
    }
    let d: f32, dmin: f32;
    if (isWeighted) {
      d = fitPositive(scratch + FITTED, 16, 15, scratch + SCALES);
      dmin = fitPositive(scratch + FITTED_MINS, 16, 15, scratch + MINS);
    } else {
      d = byLargest(FITTED, 16, 15, SCALES);
      dmin = byLargest(FITTED_MINS, 16, 15, MINS);
    }
    writeQ2(src, dst, d, dmin);
    at = behind(at, importance, rowBytes);
  }
}

export function pack_q3_K(src: usize, dst: usize, nBlocks: i32, importance: usize, rowBytes: usize): void {
  const isWeighted = importance != 0;
  for (let at = importance; nBlocks > 0; nBlocks--, src += 1024, dst += 110) {
    const spread: f32 = isWeighted ? 2 * sumOfSquares(src, 256) / 256 : 0;
    for (let set: usize = 0; set < 2; set++) {
      const x = src + (set << 9);
      if (isWeighted) {
        weigh(x, 16, BY_SQUARE, at + (set << 9), spread, set);
        fitSymmetric(16, 4, set);
      } else {
        fitSmallScale(x, 4, 0, TINY, set);
      }
    }
    const d = isWeighted ? fitScales() : signedByLargest();
    writeQ3(src, dst, d, isWeighted || largestScale() != 0);
    at = behind(at, importance, rowBytes);
  }
}

export function pack_q6_K(src: usize, dst: usize, nBlocks: i32, importance: usize, rowBytes: usize): void {
  const isWeighted = importance != 0;
  for (let at = importance; nBlocks > 0; nBlocks--, src += 1024, dst += 210) {
    for (let set: usize = 0; set < 2; set++) {
      weigh(src + (set << 9), 16, BY_SQUARE, isWeighted ? at + (set << 9) : 0, NO_SPREAD, set);
      fitSymmetric(16, 32, set);
    }
    if (abs<f32>(largestScale()) < TINY) memory.fill(dst, 0, 210);
    else writeQ6(src, dst);
    at = behind(at, importance, rowBytes);
  }
}
