// The quantisers of Q4_0, Q4_1, Q5_0 and Q5_1 for GGUF files with importance; without it, they are those of pack.ts.
// Their TypeScript twins are in src/gguf-pack/four-five-bits.ts.

import { fitAffine, fitSymmetric } from "./gguf-fits";
import { eightBlocks, eightImportances } from "./gguf-rows";
import { BY_SQUARE, sumOfSquares, weigh } from "./gguf-weights";
import { halfBits } from "./half";
import { FITTED, FITTED_MINS, GROUP_LEVELS } from "./super-block";
import { scratch } from "./vectors";

/** Levels of group `group`, `low` taken off, as bytes 4 bits each, value j beside value j + 16; with fifth bits in front of them. */
// @ts-ignore: decorator
@inline
function storeLevels(group: i32, low: i32, hasFifths: bool, dst: usize): void {
  const levels = scratch + GROUP_LEVELS + (<usize>group << 2);
  let fifths = 0;
  const to = hasFifths ? dst + 4 : dst;
  for (let j = 0; j < 16; j++) {
    const a = <i32>load<f32>(levels + (j << 5)) - low, b = <i32>load<f32>(levels + ((j + 16) << 5)) - low;
    store<u8>(to + j, (a & 15) | ((b & 15) << 4));
    if (hasFifths) fifths |= ((a >> 4) << j) | ((b >> 4) << (j + 16));
  }
  if (hasFifths) store<i32>(dst, fifths);
}

// @ts-ignore: decorator
@inline
function packRows(
  hasMin: bool, nLevels: i32, blockBytes: usize, src: usize, dst: usize, nBlocks: i32, importance: usize, rowBytes: usize,
): void {
  const perRow = <i32>(rowBytes >> 7);
  for (let row = 0; row < nBlocks; row += perRow) {
    const spread: f32 = sumOfSquares(src, perRow << 5) / <f32>(perRow << 5);
    for (let i = 0; i < perRow; i += 8) {
      const n = min(8, perRow - i);
      const at = <usize>i << 7;
      weigh(eightBlocks(src + at, n), 32, BY_SQUARE, eightImportances(importance + at, n), spread, 0);
      if (hasMin) fitAffine(32, nLevels - 1, -0.9, 0.05, 36, 0);
      else fitSymmetric(32, nLevels >> 1, 0);
      for (let group = 0; group < n; group++, dst += blockBytes) {
        store<u16>(dst, halfBits(load<f32>(scratch + (group << 2), FITTED)));
        if (hasMin) store<u16>(dst, halfBits(-load<f32>(scratch + (group << 2), FITTED_MINS)), 2);
        storeLevels(group, hasMin ? 0 : -(nLevels >> 1), nLevels > 16, hasMin ? dst + 4 : dst + 2);
      }
    }
    src += rowBytes;
  }
}

export function pack_q4_0(src: usize, dst: usize, nBlocks: i32, importance: usize, rowBytes: usize): void {
  packRows(false, 16, 18, src, dst, nBlocks, importance, rowBytes);
}
export function pack_q4_1(src: usize, dst: usize, nBlocks: i32, importance: usize, rowBytes: usize): void {
  packRows(true, 16, 20, src, dst, nBlocks, importance, rowBytes);
}
export function pack_q5_0(src: usize, dst: usize, nBlocks: i32, importance: usize, rowBytes: usize): void {
  packRows(false, 32, 22, src, dst, nBlocks, importance, rowBytes);
}
export function pack_q5_1(src: usize, dst: usize, nBlocks: i32, importance: usize, rowBytes: usize): void {
  packRows(true, 32, 24, src, dst, nBlocks, importance, rowBytes);
}
