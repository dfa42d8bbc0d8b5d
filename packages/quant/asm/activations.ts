// Activations in binary32 → levels as the matrix kernels want them: the Q8_0, Q8_1 and Q8_K quantisers of build 803 (its
// portable build) with their results laid out as nibble-types.ts, q8_0.ts, table-types.ts,
// k-layout.ts, k-sums.ts and float-types.ts describe.
//
// Each function takes (nVectors, nBlocks * 32 or 256) values at `src`. Their TypeScript twin is test/kernels/layout-twins.ts.

import { roundToBf16, roundToHalf } from "./half";
import { largerMagnitude, largestLane, roundAway, sumOfLanes } from "./lanes";
import { excess, largestLevel, TILE } from "./vectors";

// How the integer sum of a block is used:
// @ts-ignore: decorator
@inline const START_8 = 0; // Q4_0: start = -8 · Σq
// @ts-ignore: decorator
@inline const START_12 = 1; // MXFP4: start = -12 · Σq
// @ts-ignore: decorator
@inline const START_16 = 2; // Q5_0: start = -16 · Σq
// @ts-ignore: decorator
@inline const WITH_SUM = 3; // Q4_1 and Q5_1: d in binary32, s = d · Σq
// @ts-ignore: decorator
@inline const SIGNED_PARTS = 4; // Q8_0 and IQ4_NL: positive and negative parts, or whole bytes

/** One block of 32 values at `x` to `to`. */
// @ts-ignore: decorator
@inline
function packBlock32(use: i32, x: usize, to: usize): void {
  const x0 = v128.load(x), x1 = v128.load(x, 16), x2 = v128.load(x, 32), x3 = v128.load(x, 48);
  const x4 = v128.load(x, 64), x5 = v128.load(x, 80), x6 = v128.load(x, 96), x7 = v128.load(x, 112);
  let largest = largerMagnitude(f32x4.splat(0), x0);
  largest = largerMagnitude(largerMagnitude(largest, x1), x2);
  largest = largerMagnitude(largerMagnitude(largest, x3), x4);
  largest = largerMagnitude(largerMagnitude(largest, x5), x6);
  const d: f32 = largestLane(largerMagnitude(largest, x7)) / 127;
  // an infinite 1/d would give infinities, which build 803 stores as 0: so does a factor of 0
  let inverse: f32 = d != 0 ? 1 / d : 0;
  if (inverse == f32.POSITIVE_INFINITY) inverse = 0;

  const by = f32x4.splat(inverse);
  const q0 = roundAway(f32x4.mul(x0, by)), q1 = roundAway(f32x4.mul(x1, by));
  const q2 = roundAway(f32x4.mul(x2, by)), q3 = roundAway(f32x4.mul(x3, by));
  const q4 = roundAway(f32x4.mul(x4, by)), q5 = roundAway(f32x4.mul(x5, by));
  const q6 = roundAway(f32x4.mul(x6, by)), q7 = roundAway(f32x4.mul(x7, by));
  const low = i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(q0, q1), i16x8.narrow_i32x4_s(q2, q3));
  const high = i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(q4, q5), i16x8.narrow_i32x4_s(q6, q7));

  if (use == SIGNED_PARTS) {
    const zero = i8x16.splat(0);
    let first = i8x16.max_s(low, zero), second = i8x16.max_s(high, zero);
    if (ASC_FEATURE_RELAXED_SIMD && excess >= 0) {
      const by = i8x16.splat(<i8>excess);
      first = v128.xor(low, by);
      second = v128.xor(high, by);
    }
    v128.store(to, first);
    v128.store(to, second, 16);
    v128.store(to, i8x16.max_s(i8x16.neg(low), zero), 32);
    v128.store(to, i8x16.max_s(i8x16.neg(high), zero), 48);
    v128.store(to, f32x4.replace_lane(f32x4.splat(0), 0, roundToHalf(d)), 64);
    return;
  }
  v128.store(to, low);
  v128.store(to, high, 16);
  const sums = i32x4.add(i32x4.add(i32x4.add(q0, q1), i32x4.add(q2, q3)), i32x4.add(i32x4.add(q4, q5), i32x4.add(q6, q7)));
  const sum = sumOfLanes(sums);
  const start = use == START_8 ? -8 * sum : use == START_12 ? -12 * sum : use == START_16 ? -16 * sum : 0;
  store<i64>(to, <i64><u32>start, 32);
  store<f32>(to, use == WITH_SUM ? d : roundToHalf(d), 40);
  store<f32>(to, use == WITH_SUM ? d * <f32>sum : 0, 44);
}

// @ts-ignore: decorator
@inline
function packVectors32(use: i32, src: usize, dst: usize, nVectors: i32, nBlocks: i32): void {
  const vectorBytes: usize = use == SIGNED_PARTS ? 80 : 48;
  for (let first = 0; first < nVectors; first += TILE) {
    const width = min(TILE, nVectors - first);
    for (let v = 0; v < width; v++) {
      let to = dst + <usize>v * vectorBytes;
      for (let b = 0; b < nBlocks; b++) {
        packBlock32(use, src, to);
        src += 128;
        to += <usize>width * vectorBytes;
      }
    }
    dst += <usize>width * <usize>nBlocks * vectorBytes;
  }
}

export function pack_activations_q4_0(src: usize, dst: usize, nVectors: i32, nBlocks: i32): void {
  packVectors32(START_8, src, dst, nVectors, nBlocks);
}
export function pack_activations_mxfp4(src: usize, dst: usize, nVectors: i32, nBlocks: i32): void {
  packVectors32(START_12, src, dst, nVectors, nBlocks);
}
export function pack_activations_q4_1(src: usize, dst: usize, nVectors: i32, nBlocks: i32): void {
  packVectors32(WITH_SUM, src, dst, nVectors, nBlocks);
}
export function pack_activations_q5_0(src: usize, dst: usize, nVectors: i32, nBlocks: i32): void {
  packVectors32(START_16, src, dst, nVectors, nBlocks);
}
export function pack_activations_q5_1(src: usize, dst: usize, nVectors: i32, nBlocks: i32): void {
  packVectors32(WITH_SUM, src, dst, nVectors, nBlocks);
}
export function pack_activations_q8_0(src: usize, dst: usize, nVectors: i32, nBlocks: i32): void {
  packVectors32(SIGNED_PARTS, src, dst, nVectors, nBlocks);
}

// The order of Q8_K levels, and what they are accompanied by:
// @ts-ignore: decorator
@inline const CHUNKS_16 = 0; // k-sums.ts, groups of 16: chunks and the sums of groups
// @ts-ignore: decorator
@inline const CHUNKS_32 = 1; // the same with groups of 32
// @ts-ignore: decorator
@inline const PAIR_SUMS = 2; // Q4_K and Q5_K of k-types.ts: lane order, sums of 32
// @ts-ignore: decorator
@inline const OFFSETS_4 = 3; // Q3_K: lane order, sums of two, times 4
// @ts-ignore: decorator
@inline const OFFSETS_32 = 4; // Q6_K: lane order, sums of two, times 32
// @ts-ignore: decorator
@inline const PLAIN = 5; // IQ4_XS and the types of stored-types.ts: their own order, nothing else

/** The first value of largest magnitude among 256; 0 if all are 0. */
// @ts-ignore: decorator
@inline
function firstLargest(x: usize): f32 {
  let magnitudes = f32x4.splat(0);
  for (let i: usize = 0; i < 1024; i += 16) magnitudes = largerMagnitude(magnitudes, v128.load(x + i));
  const largest = largestLane(magnitudes);
  if (largest == 0) return 0;
  for (let i: usize = 0; i < 1024; i += 4) {
    const value = load<f32>(x + i);
    if (abs<f32>(value) == largest) return value;
  }
  return 0;
}

/** Eight values at `x` as 16-bit levels: rounded to even, at most 127. */
// @ts-ignore: decorator
@inline
function evenLevels(x: usize, by: v128): v128 {
  const low = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(by, v128.load(x))));
  const high = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(by, v128.load(x, 16))));
  return i16x8.narrow_i32x4_s(low, high); // narrowing to bytes stops at 127
}

/** Two bytes of `first` and two of `second` in turn, 32 bytes. */
// @ts-ignore: decorator
@inline
function storeChunks(to: usize, first: v128, second: v128): void {
  v128.store(to, v128.shuffle<i16>(first, second, 0, 8, 1, 9, 2, 10, 3, 11));
  v128.store(to, v128.shuffle<i16>(first, second, 4, 12, 5, 13, 6, 14, 7, 15), 16);
}

// @ts-ignore: decorator
@inline
function sumOfBytes(bytes: v128): i32 {
  return sumOfLanes(i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_s(bytes)));
}

/** The chunks of a couple of groups of 32 values, a and b, and their sums. */
// @ts-ignore: decorator
@inline
function storeCouple(to: usize, a0: v128, a1: v128, b0: v128, b1: v128, sums: usize): void {
  storeChunks(to, a0, b0);
  storeChunks(to + 32, a1, b1);
  store<i16>(sums, <i16>(sumOfBytes(a0) + sumOfBytes(a1)));
  store<i16>(sums, <i16>(sumOfBytes(b0) + sumOfBytes(b1)), 2);
}

/** One super-block of 256 values at `x` to `to`. */
// @ts-ignore: decorator
@inline
function packBlock256(use: i32, x: usize, to: usize): void {
  const largest = firstLargest(x);
  const inverse: f32 = largest == 0 ? 0 : largestLevel / largest;
  const d: f32 = largest == 0 ? 0 : 1 / inverse;
  // an infinite factor would give infinities, which build 803 stores as 0: so does a factor of 0
  const by = f32x4.splat(abs<f32>(inverse) == f32.POSITIVE_INFINITY ? 0 : inverse);
  let sums = to + 256;
  let a0 = by, a1 = by; // levels of the first group of a couple
  for (let pair = 0; pair < 8; pair++) {
    const low = i8x16.narrow_i16x8_s(evenLevels(x, by), evenLevels(x + 32, by));
    const high = i8x16.narrow_i16x8_s(evenLevels(x + 64, by), evenLevels(x + 96, by));
    x += 128;
    if (use == PLAIN) {
      v128.store(to, low);
      v128.store(to, high, 16);
      to += 32;
      continue;
    }
    if (use == CHUNKS_16) {
      storeChunks(to, low, high);
      store<i16>(sums, <i16>sumOfBytes(low));
      store<i16>(sums, <i16>sumOfBytes(high), 2);
      sums += 4;
      to += 32;
      continue;
    }
    if (use == CHUNKS_32) {
      if ((pair & 1) == 0) {
        a0 = low;
        a1 = high;
        continue;
      }
      storeCouple(to, a0, a1, low, high, sums);
      sums += 4;
      to += 64;
      continue;
    }
    const a = v128.shuffle<i8>(low, high, 0, 8, 16, 24, 1, 9, 17, 25, 2, 10, 18, 26, 3, 11, 19, 27);
    const b = v128.shuffle<i8>(low, high, 4, 12, 20, 28, 5, 13, 21, 29, 6, 14, 22, 30, 7, 15, 23, 31);
    v128.store(to, a);
    v128.store(to, b, 16);
    // 16-bit lanes: (values l and l + 8, values l + 16 and l + 24) for each lane l
    const twosA = i16x8.extadd_pairwise_i8x16_s(a), twosB = i16x8.extadd_pairwise_i8x16_s(b);
    if (use == OFFSETS_4 || use == OFFSETS_32) {
      v128.store(sums, i16x8.shl(twosA, use == OFFSETS_4 ? 2 : 5));
      v128.store(sums, i16x8.shl(twosB, use == OFFSETS_4 ? 2 : 5), 16);
      sums += 32;
    } else {
      const fours = i16x8.add(twosA, twosB);
      const eights = i16x8.add(fours, v128.shuffle<i64>(fours, fours, 1, 1));
      const groups = i32x4.extract_lane(i16x8.add(eights, v128.shuffle<i32>(eights, eights, 1, 1, 1, 1)), 0); // two sums of 16
      store<i16>(sums, <i16>((<i32><i16>groups) + (groups >> 16)));
      sums += 2;
    }
    to += 32;
  }
  v128.store(sums, f32x4.replace_lane(f32x4.splat(0), 0, d));
}

// @ts-ignore: decorator
@inline
function packVectors256(use: i32, src: usize, dst: usize, nVectors: i32, nBlocks: i32): void {
  const vectorBytes: usize = use == CHUNKS_16 ? 304 : use == CHUNKS_32 || use == PAIR_SUMS ? 288 : use == PLAIN ? 272 : 528;
  for (let first = 0; first < nVectors; first += TILE) {
    const width = min(TILE, nVectors - first);
    for (let v = 0; v < width; v++) {
      let to = dst + <usize>v * vectorBytes;
      for (let b = 0; b < nBlocks; b++) {
        packBlock256(use, src, to);
        src += 1024;
        to += <usize>width * vectorBytes;
      }
    }
    dst += <usize>width * <usize>nBlocks * vectorBytes;
  }
}

export function pack_activations_q2_K(src: usize, dst: usize, nVectors: i32, nBlocks: i32): void {
  packVectors256(CHUNKS_16, src, dst, nVectors, nBlocks);
}
export function pack_activations_q3_K(src: usize, dst: usize, nVectors: i32, nBlocks: i32): void {
  packVectors256(OFFSETS_4, src, dst, nVectors, nBlocks);
}
export function pack_activations_q4_K(src: usize, dst: usize, nVectors: i32, nBlocks: i32): void {
  packVectors256(PAIR_SUMS, src, dst, nVectors, nBlocks);
}
export function pack_activations_q4_K_lanes(src: usize, dst: usize, nVectors: i32, nBlocks: i32): void {
  packVectors256(CHUNKS_32, src, dst, nVectors, nBlocks);
}
export function pack_activations_q6_K(src: usize, dst: usize, nVectors: i32, nBlocks: i32): void {
  packVectors256(OFFSETS_32, src, dst, nVectors, nBlocks);
}
export function pack_activations_iq4_xs(src: usize, dst: usize, nVectors: i32, nBlocks: i32): void {
  packVectors256(PLAIN, src, dst, nVectors, nBlocks);
}

/** Column `i` of vector `v`, for tiles of four vectors and then single ones: its place among (nVectors, nValues). */
// @ts-ignore: decorator
@inline
function floatPlace(v: i32, nVectors: i32, nValues: i32, i: i32): usize {
  const tiled = nVectors & ~3;
  if (v >= tiled) return <usize>v * <usize>nValues + i;
  return <usize>(v & ~3) * <usize>nValues + (<usize>i << 2) + (v & 3);
}

// @ts-ignore: decorator
@inline
function packShort(isBf16: bool, src: usize, dst: usize, nVectors: i32, nValues: i32): void {
  for (let v = 0; v < nVectors; v++) {
    for (let i = 0; i < nValues; i++, src += 4) {
      const x = load<f32>(src);
      const value = isBf16
        ? <f64>roundToBf16(x) * 5.282945311356653e269 // 2^896
        : <f64>roundToHalf(x) * 2.7430620343968443e303; // 2^1008
      store<f64>(dst + (floatPlace(v, nVectors, nValues, i) << 3), value);
    }
  }
}

export function pack_activations_f16(src: usize, dst: usize, nVectors: i32, nValues: i32): void {
  packShort(false, src, dst, nVectors, nValues);
}

export function pack_activations_bf16(src: usize, dst: usize, nVectors: i32, nValues: i32): void {
  packShort(true, src, dst, nVectors, nValues);
}

export function pack_activations_f32(src: usize, dst: usize, nVectors: i32, nValues: i32): void {
  for (let v = 0; v < nVectors; v++) {
    for (let i = 0; i < nValues; i++, src += 4) {
      store<f32>(dst + (floatPlace(v, nVectors, nValues, i) << 2), load<f32>(src));
    }
  }
}
