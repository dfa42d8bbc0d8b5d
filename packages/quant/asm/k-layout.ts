// How the kernels for the sums of build 803 store rows and vectors of Q3_K, Q4_K, Q5_K and Q6_K; Q2_K, and the others in the arithmetic
// `lanes`, are in k-sums.ts. Read nibble-types.ts first.
//
// A row is a sequence of super-blocks of 256 values in 16 groups of 16. Build 803 sums a super-block in 8 lanes, lane l for
// the values whose index is l modulo 8, and rounds each lane by itself. So here a register holds the 8 lanes of one row
// (half A lanes 0 … 3, half B lanes 4 … 7) instead of 8 rows, and rows are taken one after the other.
//
// Pair p (0 … 7) is groups 2p and 2p + 1, values 32p … 32p + 31. Its 32 bytes are stored lane by lane, in "lane order":
//
//   half A   byte 4l … 4l+3:  values  l, l+8, l+16, l+24  of the pair, for lane l = 0 … 3
//   half B   the same for lanes 4 … 7
//
// so that a product of bytes gives 16-bit sums (group 2p, group 2p + 1) per lane, and multiplying those by the 16-bit scales
// of the two groups gives the lane's 32-bit sum. Files hold levels in units of 32 bytes as well, each byte with the levels of
// several pairs; a unit is stored here with its bytes in lane order and is otherwise unchanged.
//
// A group of 8 rows holds, for each column of super-blocks, first, for all 8 rows at once: minimums (64 bytes: A, B, A, B with one 32-bit
// lane per row; Q4_K and Q5_K only: bytes are the minimums of pairs 4i, 4i + 2, 4i + 1, 4i + 3, for i = 0 then i = 1), d: f16 of rows
// 0 … 7, dmin: f16 of rows 0 … 7 (16 bytes each; dmin where there are minimums); and then 8 rows of
//
//          levels                                      scales
//   Q3_K   2 units: pair 4u + m in bits 2m, 2m + 1;    16 bytes, signed: bytes 4i … 4i+3 hold the scales of
//          1 unit: third bit of pair p in bit p        groups 4i, 4i + 2, 4i + 1, 4i + 3
//          (levels 0 … 7)
//   Q4_K   4 units: pair 2u low, 2u + 1 high nibble    8 bytes: scale of pair p
//   Q5_K   4 units as in Q4_K, 1 unit: fifth bits      8 bytes as in Q4_K
//   Q6_K   4 units: pair 4(u / 2) + u % 2 low nibble,  16 bytes as in Q3_K
//          that + 2 high nibble; 2 units: high two
//          bits of pair 4u + m in bits 2m, 2m + 1
//
// Activations (activations.ts): for each tile of up to 32 vectors, super-block after super-block, per vector:
//
//          0 … 255                       then
//   Q3_K   8 units in lane order: q      8 units of 32 bytes: 4 · (sums of two q in lane order): i16, d: f32, 12 bytes of zeros
//   Q4_K   the same                      8 sums of pairs: i16, d: f32, 12 zeros
//   Q5_K   the same                      as Q4_K
//   Q6_K   the same                      as Q3_K with 32 · (…)
//
// The sums times 4 or 32 are taken off the 16-bit product sums: levels are stored from 0 up, but mean -4 … 3 and -32 … 31.

import { SUMS } from "./vectors";

// @ts-ignore: decorator
@inline export const Q2_K = 0;
// @ts-ignore: decorator
@inline export const Q3_K = 1;
// @ts-ignore: decorator
@inline export const Q4_K = 2;
// @ts-ignore: decorator
@inline export const Q5_K = 3;
// @ts-ignore: decorator
@inline export const Q6_K = 4;

// Every function is inlined with a constant `type`: what belongs to other types disappears.

// @ts-ignore: decorator
@inline
export function rowBytes(type: i32): usize {
  return type == Q3_K ? 112 : type == Q4_K ? 136 : type == Q5_K ? 168 : 208;
}

// @ts-ignore: decorator
@inline
export function hasMinimums(type: i32): bool {
  return type == Q2_K || type == Q4_K || type == Q5_K;
}

/** True for the types whose levels mean less than they are stored as. */
// @ts-ignore: decorator
@inline
export function isOffset(type: i32): bool {
  return type == Q3_K || type == Q6_K;
}

// @ts-ignore: decorator
@inline
export function vectorBytes(type: i32): usize {
  return isOffset(type) ? 528 : 288;
}

/** Bytes of what is there for all 8 rows of a column, before them. */
// @ts-ignore: decorator
@inline
export function headBytes(type: i32): usize {
  return hasMinimums(type) ? 96 : 16;
}

// @ts-ignore: decorator
@inline
export function columnBytes(type: i32): usize {
  return headBytes(type) + 8 * rowBytes(type);
}

// Working memory, from `scratch`:
// @ts-ignore: decorator
@inline export const SCALES: usize = SUMS; // (8): d of the 8 rows in binary32
// @ts-ignore: decorator
@inline export const ROWS: usize = SUMS + 64; // (TILE, 8), or of fewer vectors of several groups: one binary32 sum per row
// @ts-ignore: decorator
@inline export const LANES: usize = SUMS + 2048; // (TILE, 8, 8), likewise: per row 8 lanes, binary32 sums
