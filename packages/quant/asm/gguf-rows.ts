// Blocks of 32 values, eight at a time, row by row: a row of another number of blocks ends with some that are filled up with zeros.

import { scratch, SUMS } from "./vectors";

// Behind the places of super-block.ts, gguf-fits.ts and k-blocks.ts:
// @ts-ignore: decorator
@inline const PADDED: usize = SUMS + 7680; // (256) binary32: values of fewer than eight blocks
// @ts-ignore: decorator
@inline const PADDED_IMPORTANCE: usize = SUMS + 8704; // (256) binary32

/** Where eight blocks are of which `n` are at `x`. */
// @ts-ignore: decorator
@inline
export function eightBlocks(x: usize, n: i32): usize {
  return n == 8 ? x : padded(x, n, scratch + PADDED);
}

/** The same of their importance; 0 if there is none. */
// @ts-ignore: decorator
@inline
export function eightImportances(importance: usize, n: i32): usize {
  return importance == 0 || n == 8 ? importance : padded(importance, n, scratch + PADDED_IMPORTANCE);
}

function padded(x: usize, n: i32, to: usize): usize {
  memory.fill(to, 0, 1024);
  memory.copy(to, x, <usize>n << 7);
  return to;
}
