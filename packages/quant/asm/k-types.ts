// Q2_K, Q3_K, Q4_K, Q5_K and Q6_K: matrix times vectors, 8 rows at a time. Read nibble-types.ts first.
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
// A group of 8 rows holds, for each column of super-blocks, 8 rows of
//
//          levels                                      scales
//   Q2_K   2 units: pair 4u + m in bits 2m, 2m + 1     8 bytes: 16-bit word 2i + g, nibble k: scale of group 2(4i + k) + g
//   Q3_K   2 units as in Q2_K, 1 unit: third bit of    16 bytes, signed: bytes 4i … 4i+3 hold the scales of
//          pair p in bit p (levels 0 … 7)              groups 4i, 4i + 2, 4i + 1, 4i + 3
//   Q4_K   4 units: pair 2u low, 2u + 1 high nibble    8 bytes: scale of pair p
//   Q5_K   4 units as in Q4_K, 1 unit: fifth bits      8 bytes as in Q4_K
//   Q6_K   4 units: pair 4(u / 2) + u % 2 low nibble,  16 bytes as in Q3_K
//          that + 2 high nibble; 2 units: high two
//          bits of pair 4u + m in bits 2m, 2m + 1
//
// and then, for all 8 rows at once: minimums (64 bytes: A, B, A, B with one 32-bit lane per row; Q2_K, Q4_K and Q5_K only),
// d: f16 of rows 0 … 7, dmin: f16 of rows 0 … 7 (16 bytes each; dmin where there are minimums).
//
//   Q2_K   minimums: lane = 16-bit words g = 0, 1 of nibbles k: minimum of group 2(4i + k) + g, for i = 0 then i = 1
//   Q4_K, Q5_K      lane = bytes: minimums of pairs 4i, 4i + 2, 4i + 1, 4i + 3, for i = 0 then i = 1
//
// Activations (activations.ts): for each tile of up to 32 vectors, super-block after super-block, per vector:
//
//          0 … 255                       then
//   Q2_K   8 units in lane order: q      16 sums of groups: i16, d: f32, 12 bytes of zeros
//   Q3_K   the same                      8 units of 32 bytes: 4 · (sums of two q in lane order): i16, d: f32, 12 zeros
//   Q4_K   the same                      8 sums of pairs: i16, d: f32, 12 zeros
//   Q5_K   the same                      as Q4_K
//   Q6_K   the same                      as Q3_K with 32 · (…)
//
// The sums times 4 or 32 are taken off the 16-bit product sums: levels are stored from 0 up, but mean -4 … 3 and -32 … 31.

import { dot2 } from "./byte-dot";
import {
  BIT2, BIT4, BITS01, BITS45, clear, f32FromHalf, HALF_BITS, HALF_UNIT, joinPairs, LOW_BYTE, LOW_NIBBLE, NIBBLE, scratch,
  SUMS, TILE,
} from "./vectors";

// @ts-ignore: decorator
@inline const Q2_K = 0;
// @ts-ignore: decorator
@inline const Q3_K = 1;
// @ts-ignore: decorator
@inline const Q4_K = 2;
// @ts-ignore: decorator
@inline const Q5_K = 3;
// @ts-ignore: decorator
@inline const Q6_K = 4;

// Working memory, from `scratch`:
// @ts-ignore: decorator
@inline const SCALES: usize = SUMS; // (8): d of the 8 rows in binary32
// @ts-ignore: decorator
@inline const ROWS: usize = SUMS + 64; // (TILE, 8): one binary32 sum per row
// @ts-ignore: decorator
@inline const LANES: usize = SUMS + 2048; // (TILE, 8, 8): per row 8 lanes, binary32 sums; for Q2_K integers

// Every function below is inlined with a constant `type`: what belongs to other types disappears.

// @ts-ignore: decorator
@inline
function rowBytes(type: i32): usize {
  return type == Q2_K ? 72 : type == Q3_K ? 112 : type == Q4_K ? 136 : type == Q5_K ? 168 : 208;
}

// @ts-ignore: decorator
@inline
function hasMinimums(type: i32): bool {
  return type == Q2_K || type == Q4_K || type == Q5_K;
}

/** True for the types whose levels mean less than they are stored as. */
// @ts-ignore: decorator
@inline
function isOffset(type: i32): bool {
  return type == Q3_K || type == Q6_K;
}

// @ts-ignore: decorator
@inline
function vectorBytes(type: i32): usize {
  return isOffset(type) ? 528 : type == Q2_K ? 304 : 288;
}

/** Levels of a pair in bits `2m` and `2m + 1` of `unit`; for Q3_K with the third bit from bit `pair` of `high`. */
// @ts-ignore: decorator
@inline
function twoBits(type: i32, unit: v128, m: i32, high: v128, pair: i32, bits01: v128, bit2: v128): v128 {
  const levels = v128.and(i16x8.shr_u(unit, 2 * m), bits01);
  if (type != Q3_K) return levels;
  const third = pair < 2 ? i16x8.shl(high, 2 - pair) : i16x8.shr_u(high, pair - 2);
  return v128.or(levels, v128.and(third, bit2));
}

/** Levels of a pair in the low or high nibbles of `unit`; for Q5_K and Q6_K with their upper bits from `high`. */
// @ts-ignore: decorator
@inline
function nibbles(type: i32, unit: v128, upper: bool, high: v128, pair: i32, nibble: v128, bits: v128): v128 {
  const levels = v128.and(upper ? i16x8.shr_u(unit, 4) : unit, nibble);
  if (type == Q4_K) return levels;
  const bit = type == Q5_K ? pair : 2 * (pair & 3); // where the upper bits are; they belong at bit 4
  const moved = bit < 4 ? i16x8.shl(high, 4 - bit) : i16x8.shr_u(high, bit - 4);
  return v128.or(levels, v128.and(moved, bits));
}

/** The 16-bit scales (of group 2p, of group 2p + 1) of pair 0 … 7, in every 32-bit lane. */
// @ts-ignore: decorator
@inline
function pairScale(type: i32, quad: v128, pair: i32, mask: v128): v128 {
  if (type == Q2_K) return v128.and(i16x8.shr_u(quad, 4 * (pair & 3)), mask);
  if (isOffset(type)) return (pair & 1) == 1 ? i16x8.shr_s(quad, 8) : i16x8.shr_s(i16x8.shl(quad, 8), 8);
  return (pair & 1) == 1 ? i16x8.shr_u(quad, 8) : v128.and(quad, mask);
}

/** Scaled integer sum of a pair in each lane. */
// @ts-ignore: decorator
@inline
function pairSum(type: i32, levels: v128, x: v128, offset: v128, scale: v128): v128 {
  const products = dot2(x, levels);
  return i32x4.dot_i16x8_s(isOffset(type) ? i16x8.sub(products, offset) : products, scale);
}

/** Scaled integer sums of a super-block in each lane: l levels, x values, o offsets and s scales of the pairs. */
// @ts-ignore: decorator
@inline
function laneSums(
  type: i32,
  l0: v128, l1: v128, l2: v128, l3: v128, l4: v128, l5: v128, l6: v128, l7: v128,
  x0: v128, x1: v128, x2: v128, x3: v128, x4: v128, x5: v128, x6: v128, x7: v128,
  o0: v128, o1: v128, o2: v128, o3: v128, o4: v128, o5: v128, o6: v128, o7: v128,
  s0: v128, s1: v128, s2: v128, s3: v128, s4: v128, s5: v128, s6: v128, s7: v128,
): v128 {
  let sum = i32x4.add(pairSum(type, l0, x0, o0, s0), pairSum(type, l1, x1, o1, s1));
  sum = i32x4.add(sum, pairSum(type, l2, x2, o2, s2));
  sum = i32x4.add(sum, pairSum(type, l3, x3, o3, s3));
  sum = i32x4.add(sum, pairSum(type, l4, x4, o4, s4));
  sum = i32x4.add(sum, pairSum(type, l5, x5, o5, s5));
  sum = i32x4.add(sum, pairSum(type, l6, x6, o6, s6));
  return i32x4.add(sum, pairSum(type, l7, x7, o7, s7));
}

/** Levels of pair `p` of one half, from its units u0 … u3 and those with upper bits, h0 and h1. */
// @ts-ignore: decorator
@inline
function pairLevels(
  type: i32, p: i32, u0: v128, u1: v128, u2: v128, u3: v128, h0: v128, h1: v128, low: v128, upper: v128,
): v128 {
  if (type == Q2_K || type == Q3_K) return twoBits(type, p < 4 ? u0 : u1, p & 3, h0, p, low, upper);
  const unit = type == Q6_K ? 2 * (p >> 2) + (p & 1) : p >> 1;
  const isUpper = type == Q6_K ? (p & 2) != 0 : (p & 1) != 0;
  const bytes = unit == 0 ? u0 : unit == 1 ? u1 : unit == 2 ? u2 : u3;
  return nibbles(type, bytes, isUpper, type == Q6_K && p >= 4 ? h1 : h0, p, low, upper);
}

/** Adds what a super-block of one row gives to the row's lanes of each vector, (nVectors, 8, 8) at `lanes`. */
// @ts-ignore: decorator
@inline
function multiplyRow(type: i32, single: bool, w: usize, x: usize, d: v128, nVectors: i32, lanes: usize): void {
  const wide = type == Q4_K || type == Q5_K || type == Q6_K; // four units of nibbles
  const uA0 = v128.load(w, 0), uB0 = v128.load(w, 16), uA1 = v128.load(w, 32), uB1 = v128.load(w, 48);
  const uA2 = wide ? v128.load(w, 64) : uA0, uB2 = wide ? v128.load(w, 80) : uB0;
  const uA3 = wide ? v128.load(w, 96) : uA0, uB3 = wide ? v128.load(w, 112) : uB0;
  const hA0 = type == Q3_K ? v128.load(w, 64) : wide && type != Q4_K ? v128.load(w, 128) : uA0;
  const hB0 = type == Q3_K ? v128.load(w, 80) : wide && type != Q4_K ? v128.load(w, 144) : uB0;
  const hA1 = type == Q6_K ? v128.load(w, 160) : uA0, hB1 = type == Q6_K ? v128.load(w, 176) : uB0;

  const lowA = wide ? v128.load(scratch, NIBBLE) : v128.load(scratch, BITS01);
  const lowB = wide ? v128.load(scratch, NIBBLE + 16) : v128.load(scratch, BITS01 + 16);
  const upA = type == Q3_K ? v128.load(scratch, BIT2) : type == Q5_K ? v128.load(scratch, BIT4) : v128.load(scratch, BITS45);
  const upB = type == Q3_K ? v128.load(scratch, BIT2 + 16)
    : type == Q5_K ? v128.load(scratch, BIT4 + 16) : v128.load(scratch, BITS45 + 16);
  const lA0 = pairLevels(type, 0, uA0, uA1, uA2, uA3, hA0, hA1, lowA, upA), lB0 = pairLevels(type, 0, uB0, uB1, uB2, uB3, hB0, hB1, lowB, upB);
  const lA1 = pairLevels(type, 1, uA0, uA1, uA2, uA3, hA0, hA1, lowA, upA), lB1 = pairLevels(type, 1, uB0, uB1, uB2, uB3, hB0, hB1, lowB, upB);
  const lA2 = pairLevels(type, 2, uA0, uA1, uA2, uA3, hA0, hA1, lowA, upA), lB2 = pairLevels(type, 2, uB0, uB1, uB2, uB3, hB0, hB1, lowB, upB);
  const lA3 = pairLevels(type, 3, uA0, uA1, uA2, uA3, hA0, hA1, lowA, upA), lB3 = pairLevels(type, 3, uB0, uB1, uB2, uB3, hB0, hB1, lowB, upB);
  const lA4 = pairLevels(type, 4, uA0, uA1, uA2, uA3, hA0, hA1, lowA, upA), lB4 = pairLevels(type, 4, uB0, uB1, uB2, uB3, hB0, hB1, lowB, upB);
  const lA5 = pairLevels(type, 5, uA0, uA1, uA2, uA3, hA0, hA1, lowA, upA), lB5 = pairLevels(type, 5, uB0, uB1, uB2, uB3, hB0, hB1, lowB, upB);
  const lA6 = pairLevels(type, 6, uA0, uA1, uA2, uA3, hA0, hA1, lowA, upA), lB6 = pairLevels(type, 6, uB0, uB1, uB2, uB3, hB0, hB1, lowB, upB);
  const lA7 = pairLevels(type, 7, uA0, uA1, uA2, uA3, hA0, hA1, lowA, upA), lB7 = pairLevels(type, 7, uB0, uB1, uB2, uB3, hB0, hB1, lowB, upB);

  // the scales of four groups (Q2_K: of eight) at a time, the same in both halves
  const mask = type == Q2_K ? v128.load(scratch, LOW_NIBBLE) : v128.load(scratch, LOW_BYTE);
  const at = type == Q2_K ? w + 64 : type == Q3_K ? w + 96 : type == Q4_K ? w + 128 : type == Q5_K ? w + 160 : w + 192;
  const eight = type == Q4_K || type == Q5_K;
  const c0 = eight ? v128.load16_splat(at) : v128.load32_splat(at);
  const c1 = eight ? v128.load16_splat(at, 2) : type == Q2_K ? c0 : v128.load32_splat(at, 4);
  const c2 = eight ? v128.load16_splat(at, 4) : type == Q2_K ? v128.load32_splat(at, 4) : v128.load32_splat(at, 8);
  const c3 = eight ? v128.load16_splat(at, 6) : type == Q2_K ? c2 : v128.load32_splat(at, 12);
  const s0 = pairScale(type, c0, 0, mask), s1 = pairScale(type, c0, 1, mask);
  const s2 = pairScale(type, c1, 2, mask), s3 = pairScale(type, c1, 3, mask);
  const s4 = pairScale(type, c2, 4, mask), s5 = pairScale(type, c2, 5, mask);
  const s6 = pairScale(type, c3, 6, mask), s7 = pairScale(type, c3, 7, mask);

  for (let v = nVectors; v > 0; v--) {
    const xA0 = v128.load(x, 0), xB0 = v128.load(x, 16), xA1 = v128.load(x, 32), xB1 = v128.load(x, 48);
    const xA2 = v128.load(x, 64), xB2 = v128.load(x, 80), xA3 = v128.load(x, 96), xB3 = v128.load(x, 112);
    const xA4 = v128.load(x, 128), xB4 = v128.load(x, 144), xA5 = v128.load(x, 160), xB5 = v128.load(x, 176);
    const xA6 = v128.load(x, 192), xB6 = v128.load(x, 208), xA7 = v128.load(x, 224), xB7 = v128.load(x, 240);
    const o = isOffset(type);
    const oA0 = o ? v128.load(x, 256) : xA0, oB0 = o ? v128.load(x, 272) : xB0;
    const oA1 = o ? v128.load(x, 288) : xA0, oB1 = o ? v128.load(x, 304) : xB0;
    const oA2 = o ? v128.load(x, 320) : xA0, oB2 = o ? v128.load(x, 336) : xB0;
    const oA3 = o ? v128.load(x, 352) : xA0, oB3 = o ? v128.load(x, 368) : xB0;
    const oA4 = o ? v128.load(x, 384) : xA0, oB4 = o ? v128.load(x, 400) : xB0;
    const oA5 = o ? v128.load(x, 416) : xA0, oB5 = o ? v128.load(x, 432) : xB0;
    const oA6 = o ? v128.load(x, 448) : xA0, oB6 = o ? v128.load(x, 464) : xB0;
    const oA7 = o ? v128.load(x, 480) : xA0, oB7 = o ? v128.load(x, 496) : xB0;
    const a = laneSums(
      type, lA0, lA1, lA2, lA3, lA4, lA5, lA6, lA7, xA0, xA1, xA2, xA3, xA4, xA5, xA6, xA7,
      oA0, oA1, oA2, oA3, oA4, oA5, oA6, oA7, s0, s1, s2, s3, s4, s5, s6, s7,
    );
    const b = laneSums(
      type, lB0, lB1, lB2, lB3, lB4, lB5, lB6, lB7, xB0, xB1, xB2, xB3, xB4, xB5, xB6, xB7,
      oB0, oB1, oB2, oB3, oB4, oB5, oB6, oB7, s0, s1, s2, s3, s4, s5, s6, s7,
    );
    if (type == Q2_K) { // one integer for the super-block: combineTwoBits adds the lanes
      v128.store(lanes, b, 16);
      v128.store(lanes, a);
    } else {
      const dy = o ? v128.load32_splat(x, 512) : v128.load32_splat(x, 272);
      const scale = f32x4.mul(d, dy);
      const newA = f32x4.add(f32x4.mul(scale, f32x4.convert_i32x4_s(a)), v128.load(lanes));
      const newB = f32x4.add(f32x4.mul(scale, f32x4.convert_i32x4_s(b)), v128.load(lanes, 16));
      v128.store(lanes, newB, 16);
      v128.store(lanes, newA);
    }
    if (single) break;
    x += vectorBytes(type);
    lanes += 256;
  }
}

/** Integer sums of minimum times sum of activations for four rows. Q2_K: n0, n1 hold four pairs of groups each. */
// @ts-ignore: decorator
@inline
function minimumSums(type: i32, n0: v128, n1: v128, x: usize, mask: v128): v128 {
  if (type == Q2_K) {
    const low = i32x4.add(
      i32x4.add(
        i32x4.dot_i16x8_s(v128.and(n0, mask), v128.load32_splat(x, 256)),
        i32x4.dot_i16x8_s(v128.and(i16x8.shr_u(n0, 4), mask), v128.load32_splat(x, 260)),
      ),
      i32x4.add(
        i32x4.dot_i16x8_s(v128.and(i16x8.shr_u(n0, 8), mask), v128.load32_splat(x, 264)),
        i32x4.dot_i16x8_s(i16x8.shr_u(n0, 12), v128.load32_splat(x, 268)),
      ),
    );
    const high = i32x4.add(
      i32x4.add(
        i32x4.dot_i16x8_s(v128.and(n1, mask), v128.load32_splat(x, 272)),
        i32x4.dot_i16x8_s(v128.and(i16x8.shr_u(n1, 4), mask), v128.load32_splat(x, 276)),
      ),
      i32x4.add(
        i32x4.dot_i16x8_s(v128.and(i16x8.shr_u(n1, 8), mask), v128.load32_splat(x, 280)),
        i32x4.dot_i16x8_s(i16x8.shr_u(n1, 12), v128.load32_splat(x, 284)),
      ),
    );
    return i32x4.add(low, high);
  }
  return i32x4.add(
    i32x4.add(
      i32x4.dot_i16x8_s(v128.and(n0, mask), v128.load32_splat(x, 256)),
      i32x4.dot_i16x8_s(i16x8.shr_u(n0, 8), v128.load32_splat(x, 260)),
    ),
    i32x4.add(
      i32x4.dot_i16x8_s(v128.and(n1, mask), v128.load32_splat(x, 264)),
      i32x4.dot_i16x8_s(i16x8.shr_u(n1, 8), v128.load32_splat(x, 268)),
    ),
  );
}

/** The integers of four rows from their 8 lanes each, at `lanes` (4, 8). */
// @ts-ignore: decorator
@inline
function joinLanes(lanes: usize): v128 {
  const row0 = i32x4.add(v128.load(lanes, 0), v128.load(lanes, 16));
  const row1 = i32x4.add(v128.load(lanes, 32), v128.load(lanes, 48));
  const row2 = i32x4.add(v128.load(lanes, 64), v128.load(lanes, 80));
  const row3 = i32x4.add(v128.load(lanes, 96), v128.load(lanes, 112));
  return joinPairs(joinPairs(row0, row1), joinPairs(row2, row3));
}

/**
 * What minimums contribute to the 8 rows, for each vector: taken off the row's sum for Q4_K and Q5_K; for Q2_K the whole
 * super-block, level part minus minimum part, is added to it. `t` is where the group's minimums are.
 */
// @ts-ignore: decorator
@inline
function addMinimums(type: i32, t: usize, x: usize, dA: v128, dB: v128, nVectors: i32): void {
  const maskA = type == Q2_K ? v128.load(scratch, LOW_NIBBLE) : v128.load(scratch, LOW_BYTE);
  const maskB = type == Q2_K ? v128.load(scratch, LOW_NIBBLE + 16) : v128.load(scratch, LOW_BYTE + 16);
  const bitsA = v128.load(scratch, HALF_BITS), bitsB = v128.load(scratch, HALF_BITS + 16);
  const unitA = v128.load(scratch, HALF_UNIT), unitB = v128.load(scratch, HALF_UNIT + 16);
  const a0 = v128.load(t, 0), b0 = v128.load(t, 16), a1 = v128.load(t, 32), b1 = v128.load(t, 48);
  const minA = f32FromHalf(v128.load_ext<i16>(t, 80), bitsA, unitA);
  const minB = f32FromHalf(v128.load_ext<i16>(t, 88), bitsB, unitB);
  let rows = scratch + ROWS, lanes = scratch + LANES;
  for (let v = nVectors; v > 0; v--) {
    const mA = f32x4.convert_i32x4_s(minimumSums(type, a0, a1, x, maskA));
    const mB = f32x4.convert_i32x4_s(minimumSums(type, b0, b1, x, maskB));
    const dy = type == Q2_K ? v128.load32_splat(x, 288) : v128.load32_splat(x, 272);
    const minusA = f32x4.mul(f32x4.mul(minA, dy), mA), minusB = f32x4.mul(f32x4.mul(minB, dy), mB);
    let newA: v128, newB: v128;
    if (type == Q2_K) {
      const plusA = f32x4.mul(f32x4.mul(dA, dy), f32x4.convert_i32x4_s(joinLanes(lanes)));
      const plusB = f32x4.mul(f32x4.mul(dB, dy), f32x4.convert_i32x4_s(joinLanes(lanes + 128)));
      newA = f32x4.add(v128.load(rows), f32x4.sub(plusA, minusA));
      newB = f32x4.add(v128.load(rows, 16), f32x4.sub(plusB, minusB));
    } else {
      newA = f32x4.sub(v128.load(rows), minusA);
      newB = f32x4.sub(v128.load(rows, 16), minusB);
    }
    v128.store(rows, newB, 16);
    v128.store(rows, newA);
    x += vectorBytes(type);
    rows += 32;
    lanes += 256;
  }
}

/** A group of rows times one vector or a tile of them: sums to ROWS (minimums; Q2_K all) and LANES. */
// @ts-ignore: decorator
@inline
function multiplyGroup(type: i32, single: bool, w: usize, x: usize, nBlocks: i32, nVectors: i32): void {
  const bitsA = v128.load(scratch, HALF_BITS), bitsB = v128.load(scratch, HALF_BITS + 16);
  const unitA = v128.load(scratch, HALF_UNIT), unitB = v128.load(scratch, HALF_UNIT + 16);
  clear(scratch + ROWS, <usize>nVectors << 5);
  clear(scratch + LANES, <usize>nVectors << 8);
  for (; nBlocks > 0; nBlocks--) {
    const t = w + 8 * rowBytes(type);
    const dA = f32FromHalf(hasMinimums(type) ? v128.load_ext<i16>(t, 64) : v128.load_ext<i16>(t), bitsA, unitA);
    const dB = f32FromHalf(hasMinimums(type) ? v128.load_ext<i16>(t, 72) : v128.load_ext<i16>(t, 8), bitsB, unitB);
    v128.store(scratch + SCALES, dB, 16);
    v128.store(scratch + SCALES, dA);
    for (let row = 0; row < 8; row++) {
      const d = v128.load32_splat(scratch + SCALES + (<usize>row << 2));
      multiplyRow(type, single, w, x, d, nVectors, scratch + LANES + (<usize>row << 5));
      w += rowBytes(type);
    }
    if (hasMinimums(type)) addMinimums(type, t, x, dA, dB, nVectors);
    w += hasMinimums(type) ? 96 : 16;
    x += <usize>nVectors * vectorBytes(type);
  }
}

/** Adds the lanes of each row to the row's sum, in order, and writes the results. */
// @ts-ignore: decorator
@inline
function storeLanes(type: i32, out: usize, nRows: i32, nVectors: i32, outStride: i32): void {
  let rows = scratch + ROWS, lanes = scratch + LANES;
  for (; nVectors > 0; nVectors--) {
    for (let row = 0; row < nRows; row++) {
      const at = lanes + (<usize>row << 5);
      let sum = load<f32>(rows + (<usize>row << 2));
      if (type != Q2_K) {
        sum += load<f32>(at, 0);
        sum += load<f32>(at, 4);
        sum += load<f32>(at, 8);
        sum += load<f32>(at, 12);
        sum += load<f32>(at, 16);
        sum += load<f32>(at, 20);
        sum += load<f32>(at, 24);
        sum += load<f32>(at, 28);
      }
      store<f32>(out + (<usize>row << 2), sum);
    }
    out += <usize>outStride << 2;
    rows += 32;
    lanes += 256;
  }
}

/** As `multiply` in nibble-types.ts; `nBlocks` counts super-blocks. */
// @ts-ignore: decorator
@inline
function multiply(
  type: i32, weights: usize, activations: usize, out: usize,
  rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32,
): void {
  const groupBytes = <usize>nBlocks * (8 * rowBytes(type) + (hasMinimums(type) ? 96 : 16));
  for (let first = 0; first < nVectors; first += TILE) {
    const width = min(TILE, nVectors - first);
    const x = activations + <usize>first * <usize>nBlocks * vectorBytes(type);
    let w = weights + <usize>(rowStart >> 3) * groupBytes;
    for (let row = rowStart; row < rowEnd; row += 8) {
      if (width == 1) multiplyGroup(type, true, w, x, nBlocks, 1);
      else multiplyGroup(type, false, w, x, nBlocks, width);
      storeLanes(type, out + ((<usize>first * <usize>outStride + <usize>row) << 2), min(8, rowEnd - row), width, outStride);
      w += groupBytes;
    }
  }
}

export function multiply_q2_K(w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32): void {
  multiply(Q2_K, w, x, out, rowStart, rowEnd, nBlocks, nVectors, outStride);
}
export function multiply_q3_K(w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32): void {
  multiply(Q3_K, w, x, out, rowStart, rowEnd, nBlocks, nVectors, outStride);
}
export function multiply_q4_K(w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32): void {
  multiply(Q4_K, w, x, out, rowStart, rowEnd, nBlocks, nVectors, outStride);
}
export function multiply_q5_K(w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32): void {
  multiply(Q5_K, w, x, out, rowStart, rowEnd, nBlocks, nVectors, outStride);
}
export function multiply_q6_K(w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32): void {
  multiply(Q6_K, w, x, out, rowStart, rowEnd, nBlocks, nVectors, outStride);
}
