// The types whose rows stay as they are in a file: NVFP4, Q1_0, Q2_0, TQ1_0, TQ2_0 and the IQ types but IQ4_NL and IQ4_XS. One kernel
// for all: a block of a row is decoded to 16-bit numbers, levels times their scales, and these meet all vectors of a tile.
//
// A group of 8 rows holds row after row, each with the blocks of a file. A row is a sequence of units:
//
//   256 values   one factor d                           IQ and TQ types: a block is one unit. Vectors are packed as for IQ4_XS
//    32 values   one factor d; NVFP4: one for each 16   NVFP4, Q2_0: a block is two units, Q1_0: four. Vectors as for Q4_0
//
// src/iq1.ts, iq2.ts, iq3.ts, mxfp4.ts, q1_0.ts and tq.ts draw the blocks, and are the twins. Grids of the IQ types, (points, width)
// bytes, are put behind the working memory by the host before a matrix of the type is multiplied.

import { isFinite16 } from "./half";
import { clear, FP4, joinPairs, NIBBLE, scratch, storeGroups, SUMS, TILE } from "./vectors";

// Kinds, by which wasm-layouts.ts calls the types:
// @ts-ignore: decorator
@inline const IQ2_XXS = 0;
// @ts-ignore: decorator
@inline const IQ2_XS = 1;
// @ts-ignore: decorator
@inline const IQ2_S = 2;
// @ts-ignore: decorator
@inline const IQ3_XXS = 3;
// @ts-ignore: decorator
@inline const IQ3_S = 4;
// @ts-ignore: decorator
@inline const IQ1_S = 5;
// @ts-ignore: decorator
@inline const IQ1_M = 6;
// @ts-ignore: decorator
@inline const TQ1_0 = 7;
// @ts-ignore: decorator
@inline const TQ2_0 = 8; // the last one with units of 256
// @ts-ignore: decorator
@inline const NVFP4 = 9;
// @ts-ignore: decorator
@inline const Q1_0 = 10;
// @ts-ignore: decorator
@inline const Q2_0 = 11;

// Working memory, from `scratch`:
// @ts-ignore: decorator
@inline const FACTORS: usize = SUMS + 1024; // (2, 8 rows): factors of a unit in binary32; NVFP4: of its first and second 16 values
// @ts-ignore: decorator
@inline const NUMBERS: usize = SUMS + 1088; // (256) 16-bit numbers of one row, and 8 bytes that may be overwritten
// @ts-ignore: decorator
@inline const LANES: usize = SUMS + 2048; // (TILE, 8 rows, 8): partial sums of a unit

// Grids, from `scratch`; GRIDS of wasm-layouts.ts says the same.
// @ts-ignore: decorator
@inline const GRID_1S: usize = 12288;
// @ts-ignore: decorator
@inline const GRID_2XXS: usize = 28672;
// @ts-ignore: decorator
@inline const GRID_2XS: usize = 30720;
// @ts-ignore: decorator
@inline const GRID_2S: usize = 34816;
// @ts-ignore: decorator
@inline const GRID_3XXS: usize = 43008;
// @ts-ignore: decorator
@inline const GRID_3S: usize = 44032;

// @ts-ignore: decorator
@inline
function blockBytes(kind: i32): usize {
  switch (kind) {
    case IQ2_XXS: case TQ2_0: return 66;
    case IQ2_XS: return 74;
    case IQ2_S: return 82;
    case IQ3_XXS: return 98;
    case IQ3_S: return 110;
    case IQ1_S: return 50;
    case IQ1_M: return 56;
    case TQ1_0: return 54;
    case NVFP4: return 36;
    default: return 18;
  }
}

// @ts-ignore: decorator
@inline
function f32At(half: u16): f32 {
  return reinterpret<f32>((<i32><i16>half << 13) & 0x8fffe000) * <f32>5192296858534827628530496329220096.0; // 2^112
}

/** 16 bits of d of IQ1_M: the high nibbles of its four last words. */
// @ts-ignore: decorator
@inline
function scaleOfIq1M(block: usize): u16 {
  const words = load<u64>(block, 48);
  return <u16>(((words >> 12) & 0x000f) | ((words >> 24) & 0x00f0) | ((words >> 36) & 0x0f00) | ((words >> 48) & 0xf000));
}

/** The scale of a block; types of which it has none in one piece: 0, which is finite. */
// @ts-ignore: decorator
@inline
function scaleOf(kind: i32, block: usize): u16 {
  if (kind == NVFP4) return 0;
  if (kind == IQ1_M) return scaleOfIq1M(block);
  return load<u16>(block + (kind == TQ1_0 ? 52 : kind == TQ2_0 ? 64 : 0));
}

/** 8 signs from 7: bit 7 is the parity of the others. */
// @ts-ignore: decorator
@inline
function eightSigns(bits: u32): u32 {
  return bits | ((popcnt<u32>(bits) & 1) << 7);
}

/** Eight magnitudes with signs, times a scale, to `to`. */
// @ts-ignore: decorator
@inline
function storeSigned(to: usize, magnitudes: v128, signs: u32, scale: v128): void {
  const bits = i16x8(1, 2, 4, 8, 16, 32, 64, 128);
  const isNegative = i16x8.eq(v128.and(i16x8.splat(<i16>signs), bits), bits);
  const numbers = i16x8.mul(magnitudes, scale);
  v128.store(to, i16x8.sub(v128.xor(numbers, isNegative), isNegative));
}

/** A point of a grid that is 8 wide. */
// @ts-ignore: decorator
@inline
function point(grid: usize, index: u32): v128 {
  return v128.load_ext<i8>(scratch + grid + (index << 3));
}

/** Two points of a grid that is 4 wide. */
// @ts-ignore: decorator
@inline
function twoPoints(grid: usize, first: u32, second: u32): v128 {
  const low = <u64>load<u32>(scratch + grid + (first << 2)), high = <u64>load<u32>(scratch + grid + (second << 2));
  return i16x8.extend_low_i8x16_s(i64x2.splat(low | (high << 32)));
}

/** 2 · scale + 1 in every lane. */
// @ts-ignore: decorator
@inline
function odd(scale: u32): v128 {
  return i16x8.splat(<i16>(2 * scale + 1));
}

/** Scale of 16 values from nibbles at `at`, the low one first. */
// @ts-ignore: decorator
@inline
function nibbleScale(at: usize, group: i32): v128 {
  return odd((<u32>load<u8>(at + (group >> 1)) >> (4 * (group & 1))) & 15);
}

// @ts-ignore: decorator
@inline
function decodeIq2Or3(kind: i32, block: usize, to: usize): void {
  for (let octet = 0; octet < 32; octet++, to += 16) {
    const group = octet >> 2, o = octet & 3;
    if (kind == IQ2_XXS) {
      const at = block + 2 + (group << 3);
      const a = load<u32>(at, 4);
      storeSigned(to, point(GRID_2XXS, load<u8>(at + o)), eightSigns((a >> (7 * o)) & 127), odd(a >> 28));
    } else if (kind == IQ2_XS) {
      const q = <u32>load<u16>(block + (octet << 1), 2);
      storeSigned(to, point(GRID_2XS, q & 511), eightSigns(q >> 9), nibbleScale(block + 66, octet >> 1));
    } else if (kind == IQ2_S) {
      const index = <u32>load<u8>(block + octet, 2) | (((<u32>load<u8>(block + group, 66) >> (2 * o)) & 3) << 8);
      storeSigned(to, point(GRID_2S, index), load<u8>(block + octet, 34), nibbleScale(block + 74, octet >> 1));
    } else if (kind == IQ3_XXS) {
      const a = load<u32>(block + (group << 2), 66);
      const magnitudes = twoPoints(GRID_3XXS, load<u8>(block + (octet << 1), 2), load<u8>(block + (octet << 1), 3));
      storeSigned(to, magnitudes, eightSigns((a >> (7 * o)) & 127), odd(a >> 28));
    } else {
      const ninth = <u32>load<u8>(block + group, 66) >> (2 * o);
      const first = <u32>load<u8>(block + (octet << 1), 2) | ((ninth & 1) << 8);
      const second = <u32>load<u8>(block + (octet << 1), 3) | ((ninth & 2) << 7);
      storeSigned(to, twoPoints(GRID_3S, first, second), load<u8>(block + octet, 74), nibbleScale(block + 106, group));
    }
  }
}

// @ts-ignore: decorator
@inline
function decodeIq1(kind: i32, block: usize, to: usize): void {
  for (let octet = 0; octet < 32; octet++, to += 16) {
    let index: u32, isDown: bool, scale: u32;
    if (kind == IQ1_S) {
      const qh = <u32>load<u16>(block + (octet >> 2 << 1), 34);
      index = <u32>load<u8>(block + octet, 2) | (((qh >> (3 * (octet & 3))) & 7) << 8);
      isDown = (qh & 0x8000) != 0;
      scale = (qh >> 12) & 7;
    } else {
      const high = <u32>load<u8>(block + (octet >> 1), 32) >> (4 * (octet & 1));
      index = <u32>load<u8>(block + octet) | ((high & 7) << 8);
      isDown = (high & 8) != 0;
      const group = octet >> 1;
      scale = (<u32>load<u16>(block + (group >> 2 << 1), 48) >> (3 * (group & 3))) & 7;
    }
    const levels = i16x8.add(i16x8.shl(point(GRID_1S, index), 3), i16x8.splat(isDown ? -1 : 1));
    v128.store(to, i16x8.mul(levels, odd(scale)));
  }
}

/** Trits of eight bytes, each a fraction of 256, behind the digits that `power`, of 3, stands for. */
// @ts-ignore: decorator
@inline
function trits(bytes: v128, power: v128): v128 {
  const fraction = v128.and(i16x8.mul(bytes, power), i16x8.splat(255));
  return i16x8.sub(i16x8.shr_u(i16x8.mul(fraction, i16x8.splat(3)), 8), i16x8.splat(1));
}

// @ts-ignore: decorator
@inline
function decodeTq1(block: usize, to: usize): void {
  for (let digit = 0, power = 1; digit < 5; digit++, power *= 3) {
    const by = i16x8.splat(<i16>power);
    for (let b = 0; b < 32; b += 8) v128.store(to + (digit << 6) + (b << 1), trits(v128.load_ext<u8>(block + b), by));
    for (let b = 0; b < 16; b += 8) v128.store(to + (digit << 5) + (b << 1), trits(v128.load_ext<u8>(block + b, 32), by), 320);
  }
  // four at a time: each store runs over what the next one writes
  const last = i16x8.extend_low_i8x16_u(v128.load32_zero(block, 48));
  for (let digit = 0, power = 1; digit < 4; digit++, power *= 3) {
    v128.store(to + (digit << 3), trits(last, i16x8.splat(<i16>power)), 480);
  }
}

// @ts-ignore: decorator
@inline
function decodeTq2(block: usize, to: usize): void {
  for (let i = 0; i < 256; i += 8, to += 16) {
    const bytes = v128.load_ext<u8>(block + ((i >> 7) << 5) + (i & 31));
    v128.store(to, i16x8.sub(v128.and(i16x8.shr_u(bytes, ((i >> 5) & 3) << 1), i16x8.splat(3)), i16x8.splat(1)));
  }
}

/** Half of an unsigned e4m3 number; 0 and 0x7f, which is no number, are 0. */
// @ts-ignore: decorator
@inline
function e4m3(byte: u32): f32 {
  if (byte == 0 || byte == 0x7f) return 0;
  const exponent = (byte >> 3) & 15, mantissa = byte & 7;
  if (exponent == 0) return <f32>mantissa / 1024;
  return reinterpret<f32>(((exponent + 119) << 23) | (mantissa << 20));
}

/** Unit `unit` (0, 1) of a block. */
// @ts-ignore: decorator
@inline
function decodeNvfp4(block: usize, unit: i32, row: i32, to: usize): void {
  const table = v128.load(scratch, FP4), nibble = v128.load(scratch, NIBBLE), twelve = i16x8.splat(12);
  for (let i = 0; i < 2; i++, to += 32) {
    const group = 2 * unit + i;
    store<f32>(scratch + FACTORS + (i << 5) + (row << 2), e4m3(load<u8>(block + group)));
    const pairs = v128.load64_zero(block + (group << 3), 4);
    const low = i8x16.swizzle(table, v128.and(pairs, nibble));
    const high = i8x16.swizzle(table, v128.and(i16x8.shr_u(pairs, 4), nibble));
    v128.store(to, i16x8.sub(i16x8.extend_low_i8x16_u(low), twelve));
    v128.store(to, i16x8.sub(i16x8.extend_low_i8x16_u(high), twelve), 16);
  }
}

/** Unit `unit` of a block of Q1_0 or Q2_0. */
// @ts-ignore: decorator
@inline
function decodeBits(kind: i32, block: usize, unit: i32, to: usize): void {
  const one = i16x8.splat(1);
  for (let i = 0; i < 4; i++, to += 16) {
    if (kind == Q1_0) {
      const bits = i16x8(1, 2, 4, 8, 16, 32, 64, 128);
      const byte = i16x8.splat(<i16>load<u8>(block + (unit << 2) + i, 2));
      const isSet = i16x8.eq(v128.and(byte, bits), bits); // -1 where true
      v128.store(to, i16x8.sub(i16x8.shl(i16x8.neg(isSet), 1), one));
    } else {
      const at = block + (unit << 3) + (i << 1);
      const first = <u64>load<u8>(at, 2) * 0x0001000100010001, second = <u64>load<u8>(at, 3) * 0x0001000100010001;
      const bytes = i64x2.replace_lane(i64x2.splat(first), 1, second);
      const fields = i16x8.shr_u(i16x8.mul(bytes, i16x8(64, 16, 4, 1, 64, 16, 4, 1)), 6);
      v128.store(to, i16x8.sub(v128.and(fields, i16x8.splat(3)), one));
    }
  }
}

/** The numbers of a unit of row `row` to NUMBERS, its factor to FACTORS. */
// @ts-ignore: decorator
@inline
function decode(kind: i32, block: usize, unit: i32, row: i32): void {
  const to = scratch + NUMBERS;
  if (kind == NVFP4) {
    decodeNvfp4(block, unit, row, to);
    return;
  }
  // scales of IQ types count halves, and shifts of IQ1 eighths: all are whole numbers here, and d is smaller for it
  const d = f32At(scaleOf(kind, block));
  const isEighth = kind == IQ1_S || kind == IQ1_M || kind <= IQ2_S;
  store<f32>(scratch + FACTORS + (row << 2), isEighth ? d / 8 : kind == IQ3_XXS ? d / 4 : d);
  if (kind <= IQ3_S) decodeIq2Or3(kind, block, to);
  else if (kind <= IQ1_M) decodeIq1(kind, block, to);
  else if (kind == TQ1_0) decodeTq1(block, to);
  else if (kind == TQ2_0) decodeTq2(block, to);
  else decodeBits(kind, block, unit, to);
}

/** Partial sums of the numbers with each vector: (nVectors, 8 rows, 8) at `lanes`, for one row. */
// @ts-ignore: decorator
@inline
function multiplyNumbers(kind: i32, x: usize, xBytes: usize, nVectors: i32, lanes: usize): void {
  const numbers = scratch + NUMBERS;
  for (; nVectors > 0; nVectors--) {
    if (kind == NVFP4) { // half A for the first 16 values, half B for the others
      const a = i32x4.dot_i16x8_s(v128.load(numbers), v128.load_ext<i8>(x));
      const b = i32x4.dot_i16x8_s(v128.load(numbers, 32), v128.load_ext<i8>(x, 16));
      v128.store(lanes, i32x4.add(b, i32x4.dot_i16x8_s(v128.load(numbers, 48), v128.load_ext<i8>(x, 24))), 16);
      v128.store(lanes, i32x4.add(a, i32x4.dot_i16x8_s(v128.load(numbers, 16), v128.load_ext<i8>(x, 8))));
    } else {
      const nBytes: usize = kind <= TQ2_0 ? 512 : 64;
      let a = i32x4.splat(0), b = i32x4.splat(0);
      for (let i: usize = 0; i < nBytes; i += 64) {
        const l = numbers + i, y = x + (i >> 1);
        const a0 = i32x4.dot_i16x8_s(v128.load(l), v128.load_ext<i8>(y));
        const b0 = i32x4.dot_i16x8_s(v128.load(l, 16), v128.load_ext<i8>(y, 8));
        const a1 = i32x4.dot_i16x8_s(v128.load(l, 32), v128.load_ext<i8>(y, 16));
        const b1 = i32x4.dot_i16x8_s(v128.load(l, 48), v128.load_ext<i8>(y, 24));
        a = i32x4.add(i32x4.add(a, a0), a1);
        b = i32x4.add(i32x4.add(b, b0), b1);
      }
      v128.store(lanes, b, 16);
      v128.store(lanes, a);
    }
    x += xBytes;
    lanes += 256;
  }
}

/** Sums of half A or B (`at` 0, 16) of the lanes of four rows. */
// @ts-ignore: decorator
@inline
function joinHalf(lanes: usize, at: usize): v128 {
  const l = lanes + at;
  return joinPairs(joinPairs(v128.load(l), v128.load(l, 32)), joinPairs(v128.load(l, 64), v128.load(l, 96)));
}

/** What a unit gives to four rows of one vector: `factors` are those of the rows. */
// @ts-ignore: decorator
@inline
function scaledUnit(kind: i32, lanes: usize, factors: usize, dy: v128): v128 {
  const first = joinHalf(lanes, 0), second = joinHalf(lanes, 16);
  if (kind == NVFP4) {
    const sum = f32x4.mul(v128.load(factors), f32x4.convert_i32x4_s(first));
    return f32x4.mul(f32x4.add(sum, f32x4.mul(v128.load(factors, 32), f32x4.convert_i32x4_s(second))), dy);
  }
  return f32x4.mul(f32x4.mul(v128.load(factors), dy), f32x4.convert_i32x4_s(i32x4.add(first, second)));
}

/** As `multiply` in nibble-types.ts, for rows of `kind`. */
export function multiply_stored(
  weights: usize, activations: usize, out: usize,
  rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32, kind: i32,
): void {
  const xBytes: usize = kind <= TQ2_0 ? 272 : 48, scaleAt: usize = kind <= TQ2_0 ? 256 : 40;
  const unitShift = kind <= TQ2_0 ? 0 : kind == Q1_0 ? 2 : 1; // a block is 1, 2 or 4 units
  const bytes = blockBytes(kind);
  const rowBytes = <usize>nBlocks * bytes;
  const sums = scratch + SUMS;
  for (let first = 0; first < nVectors; first += TILE) {
    const width = min(TILE, nVectors - first);
    for (let row = rowStart; row < rowEnd; row += 8) {
      let x = activations + (<usize>first * <usize>nBlocks << unitShift) * xBytes;
      const w = weights + <usize>row * rowBytes;
      clear(sums, <usize>width << 5);
      for (let unit = 0; unit < nBlocks << unitShift; unit++) {
        let block = w + <usize>(unit >> unitShift) * bytes;
        for (let r = 0; r < 8; r++) {
          decode(kind, block, unit & ((1 << unitShift) - 1), r);
          multiplyNumbers(kind, x, xBytes, width, scratch + LANES + (r << 5));
          block += rowBytes;
        }
        let s = sums, lanes = scratch + LANES;
        for (let v = 0; v < width; v++) {
          const dy = v128.load32_splat(x + scaleAt);
          v128.store(s, f32x4.add(v128.load(s), scaledUnit(kind, lanes, scratch + FACTORS, dy)));
          v128.store(s, f32x4.add(v128.load(s, 16), scaledUnit(kind, lanes + 128, scratch + FACTORS + 16, dy)), 16);
          x += xBytes;
          s += 32;
          lanes += 256;
        }
      }
      storeGroups(out + ((<usize>first * <usize>outStride + <usize>row) << 2), sums, min(8, rowEnd - row), width, outStride);
    }
  }
}

/** As the functions of repack.ts; rows are copied. */
export function repack_stored(src: usize, dst: usize, nRows: i32, nBlocks: i32, kind: i32): i32 {
  const bytes = blockBytes(kind);
  const nBytes = <usize>nRows * <usize>nBlocks * bytes;
  memory.copy(dst, src, nBytes);
  memory.fill(dst + nBytes, 0, <usize>(-nRows & 7) * <usize>nBlocks * bytes);
  let nBad = 0;
  for (let at: usize = 0; at < nBytes; at += bytes) nBad += <i32>!isFinite16(scaleOf(kind, src + at));
  return nBad;
}
