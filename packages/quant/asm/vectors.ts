// What all kernels share: vector constants in memory, scratch space, and the few operations that WebAssembly lacks.
//
// Every matrix kernel works on groups of 8 rows, seen as two halves of 4: half A is rows 0 … 3, half B rows 4 … 7. What is
// done to A is done to B on the next 16 bytes, so that V8's `--experimental-wasm-revectorize` can fuse the two streams into
// 256-bit instructions. It looks for pairs of adjacent stores and follows their operands upwards: loads must be adjacent,
// shifts equal, broadcasts the same value. Of two adjacent stores the higher comes first, else V8 keeps a third store.

/** Where the constants and the working memory of this instance are; set once by `initialize`. */
export let scratch: usize = 0;

// Constants are loaded from memory into locals before a loop. V8 builds an immediate v128 anew at every use (three
// instructions each); loaded ones stay in registers: q4_0 with one vector took 0.62 ns per block before, 0.28 after.
// Each is stored twice, for halves A and B.

// @ts-ignore: decorator
@inline export const NIBBLE: usize = 0; // 0x0f in every byte
// @ts-ignore: decorator
@inline export const BIT4: usize = 32; // 0x10 in every byte
// @ts-ignore: decorator
@inline export const HALF_BITS: usize = 64; // 0x8fffe000: a binary16 number that was sign-extended and shifted left by 13
// @ts-ignore: decorator
@inline export const HALF_UNIT: usize = 96; // 2^112, the difference of the exponent biases of binary32 and binary16
// @ts-ignore: decorator
@inline export const LOW_BYTE: usize = 128; // 0x00ff in every 16 bits
// @ts-ignore: decorator
@inline export const LOW_NIBBLE: usize = 160; // 0x000f in every 16 bits
// @ts-ignore: decorator
@inline export const BITS01: usize = 192; // 0x03 in every byte
// @ts-ignore: decorator
@inline export const BIT2: usize = 224; // 0x04 in every byte
// @ts-ignore: decorator
@inline export const BITS45: usize = 256; // 0x30 in every byte
// @ts-ignore: decorator
@inline export const HALF_BITS64: usize = 288; // bits of a binary16 number, sign-extended to 64 and shifted left by 42
// @ts-ignore: decorator
@inline export const ROUNDER: usize = 320; // 1.5 · 2^23 in binary32: see rounding.ts
// @ts-ignore: decorator
@inline export const FRACTION: usize = 352; // 0x007fffff: the fraction of a binary32 number
// @ts-ignore: decorator
@inline export const MIDDLE: usize = 384; // 0x00400000: its middle
// @ts-ignore: decorator
@inline export const MAGNITUDE16: usize = 416; // 0x7fff in every 16 bits
// @ts-ignore: decorator
@inline export const TWO_23: usize = 448; // 2^23 in binary32
// @ts-ignore: decorator
@inline export const HALVES: usize = 480; // 8.5, 16.5, 0.5 in binary32, one each
// @ts-ignore: decorator
@inline export const BF16_BITS64: usize = 512; // bits of a bfloat16 number, sign-extended to 64 and shifted left by 45
// @ts-ignore: decorator
@inline export const FP4: usize = 544; // 12 more than each level of MXFP4, doubled: 0 … 24
// @ts-ignore: decorator
@inline export const IQ4: usize = 576; // the levels of IQ4_NL and IQ4_XS
// @ts-ignore: decorator
@inline export const IQ4_POSITIVE: usize = 608; // the larger of each level and 0
// @ts-ignore: decorator
@inline export const IQ4_NEGATIVE: usize = 640; // the larger of each level's negative and 0
// @ts-ignore: decorator
@inline export const EXPONENT_63: usize = 672; // 2^-64 in binary32
// @ts-ignore: decorator
@inline export const ONE16: usize = 704; // 1 in every 16 bits
// @ts-ignore: decorator
@inline export const SUMS: usize = 736; // from here on: working memory, see each kernel

/** Vectors that a kernel multiplies in one pass over a group of rows. Their activations should stay in the L2 cache. */
// @ts-ignore: decorator
@inline export const TILE: i32 = 32;

// A core that reads one sequence of bytes mostly waits: its prefetcher is only some 20 lines ahead. So where memory is the limit, as it
// is for few vectors and rows that no cache holds, groups of rows take turns: a piece of each, again and again. With four sequences
// products with one vector took 0.75 (q4_0, q4_K) or even 0.5 times as long (q3_K), with eight 0.85 times (Xeon with AVX-VNNI); 16 vectors
// gained nothing, and rows in the cache lost a tenth. Sums wait in memory meanwhile: the additions of a row keep their order. For the same
// reason a column begins with what is needed first.

// @ts-ignore: decorator
@inline const MOST_TURNS: i32 = 4;
/** So many vectors at most: the sums of all groups then fit where those of a tile do. */
// @ts-ignore: decorator
@inline const FEW_VECTORS: i32 = TILE / MOST_TURNS;
// @ts-ignore: decorator
@inline const CACHED_BYTES: usize = 262144;
// @ts-ignore: decorator
@inline const PIECE_BYTES: usize = 640;

/** How many groups of 8 rows take turns. */
export function turnsOf(nVectors: i32, nRows: i32, groupBytes: usize): i32 {
  return nVectors <= FEW_VECTORS && <usize>(nRows >> 3) * groupBytes > CACHED_BYTES ? MOST_TURNS : 1;
}

/** Columns that a group gets at each turn. */
export function pieceOf(nTurns: i32, nColumns: i32, columnBytes: usize): i32 {
  return nTurns == 1 ? nColumns : max(1, <i32>(PIECE_BYTES / columnBytes));
}

/** Level of Q8_K that the largest magnitude of 256 activations becomes. */
export let largestLevel: f32 = -128;

/** What bytes of activations of Q8_0 and IQ4_NL have too much, 128 or 0; negative if they are in two parts: see q8_0.ts. */
export let excess: i32 = -1;

/** Takes `at` (SCRATCH_BYTES, 32-byte aligned) for constants and working memory. `isPairs` if kernels in _pairs will be called. */
export function initialize(at: usize, isLanes: bool, isPairs: bool): void {
  scratch = at;
  if (ASC_FEATURE_RELAXED_SIMD && !isPairs) {
    const sum = i32x4.extract_lane(
      i32x4.relaxed_dot_i8x16_i7x16_add_s(i8x16.splat(127), i8x16.splat(-1), i32x4.splat(0)), 0,
    );
    excess = sum == 4 * 127 * 255 ? 128 : sum == -4 * 127 ? 0 : -1;
  }
  largestLevel = isLanes ? -127 : -128;
  fill(NIBBLE, i8x16.splat(0x0f));
  fill(BIT4, i8x16.splat(0x10));
  fill(HALF_BITS, i32x4.splat(0x8fffe000));
  fill(HALF_UNIT, i32x4.splat(0x77800000));
  fill(LOW_BYTE, i16x8.splat(0x00ff));
  fill(LOW_NIBBLE, i16x8.splat(0x000f));
  fill(BITS01, i8x16.splat(0x03));
  fill(BIT2, i8x16.splat(0x04));
  fill(BITS45, i8x16.splat(0x30));
  fill(HALF_BITS64, i64x2.splat(0x81fffc0000000000));
  fill(BF16_BITS64, i64x2.splat(0x8fffe00000000000));
  fill(FP4, i8x16(12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0));
  const iq4 = i8x16(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);
  fill(IQ4, iq4);
  fill(IQ4_POSITIVE, i8x16.max_s(iq4, i8x16.splat(0)));
  fill(IQ4_NEGATIVE, i8x16.max_s(i8x16.neg(iq4), i8x16.splat(0)));
  fill(EXPONENT_63, i32x4.splat(63 << 23));
  fill(ONE16, i16x8.splat(1));
  fill(ROUNDER, f32x4.splat(12582912));
  fill(FRACTION, i32x4.splat(0x7fffff));
  fill(MIDDLE, i32x4.splat(0x400000));
  fill(MAGNITUDE16, i16x8.splat(0x7fff));
  fill(TWO_23, f32x4.splat(8388608));
  store<f32>(at, 8.5, HALVES);
  store<f32>(at, 16.5, HALVES + 4);
  store<f32>(at, 0.5, HALVES + 8);
}

function fill(offset: usize, value: v128): void {
  v128.store(scratch + offset, value, 16);
  v128.store(scratch + offset, value);
}

/**
 * Four finite binary16 numbers, sign-extended to 32 bits, as binary32. Shifting puts exponent and fraction where binary32
 * has them; multiplying by `unit` (HALF_UNIT) corrects the bias and makes subnormal numbers come out right.
 */
// @ts-ignore: decorator
@inline
export function f32FromHalf(half: v128, bits: v128, unit: v128): v128 {
  return f32x4.mul(v128.and(i32x4.shl(half, 13), bits), unit);
}

/** Two partial sums of each of four rows, (0 0 1 1) and (2 2 3 3), to one sum each: (0 1 2 3). */
// @ts-ignore: decorator
@inline
export function joinPairs(rows01: v128, rows23: v128): v128 {
  return i32x4.add(
    v128.shuffle<i32>(rows01, rows23, 0, 2, 4, 6),
    v128.shuffle<i32>(rows01, rows23, 1, 3, 5, 7),
  );
}

/**
 * Copies the sums of groups of rows, (groups, nVectors, 8) binary32 at `sums`, to `out`, whose vectors are `outStride` values apart.
 * The last group may have fewer than 8 rows.
 */
export function storeGroups(out: usize, sums: usize, nRows: i32, nVectors: i32, outStride: i32): void {
  for (; nRows > 0; nRows -= 8) {
    let to = out;
    for (let v = nVectors; v > 0; v--) {
      if (nRows >= 8) {
        const a = v128.load(sums), b = v128.load(sums, 16);
        v128.store(to, b, 16);
        v128.store(to, a);
      } else {
        for (let row = 0; row < nRows; row++) store<f32>(to + (row << 2), load<f32>(sums + (row << 2)));
      }
      to += <usize>outStride << 2;
      sums += 32;
    }
    out += 32;
  }
}

/** Sets `nBytes` (a multiple of 32) at `at` to zero. */
export function clear(at: usize, nBytes: usize): void {
  memory.fill(at, 0, nBytes);
}
