// Q3_K, Q4_K, Q5_K and Q6_K as build 803 sums them: matrix times vectors, in groups of 8 rows, one row after the other.
// k-layout.ts has the layout.

import {
  columnBytes, hasMinimums, headBytes, isOffset, LANES, Q3_K, Q4_K, Q5_K, Q6_K, rowBytes, ROWS, SCALES, vectorBytes,
} from "./k-layout";
import { laneSums, pairLevels, pairScale } from "./k-levels";
import { addMinimums } from "./k-minimums";
import {
  BIT2, BIT4, BITS01, BITS45, clear, f32FromHalf, HALF_BITS, HALF_UNIT, LOW_BYTE, NIBBLE, pieceOf, scratch, TILE,
  turnsOf,
} from "./vectors";

// Every function is inlined with a constant `type`: what belongs to other types disappears.

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
  const lA0 = pairLevels(type, 0, uA0, uA1, uA2, uA3, hA0, hA1, lowA, upA);
  const lB0 = pairLevels(type, 0, uB0, uB1, uB2, uB3, hB0, hB1, lowB, upB);
  const lA1 = pairLevels(type, 1, uA0, uA1, uA2, uA3, hA0, hA1, lowA, upA);
  const lB1 = pairLevels(type, 1, uB0, uB1, uB2, uB3, hB0, hB1, lowB, upB);
  const lA2 = pairLevels(type, 2, uA0, uA1, uA2, uA3, hA0, hA1, lowA, upA);
  const lB2 = pairLevels(type, 2, uB0, uB1, uB2, uB3, hB0, hB1, lowB, upB);
  const lA3 = pairLevels(type, 3, uA0, uA1, uA2, uA3, hA0, hA1, lowA, upA);
  const lB3 = pairLevels(type, 3, uB0, uB1, uB2, uB3, hB0, hB1, lowB, upB);
  const lA4 = pairLevels(type, 4, uA0, uA1, uA2, uA3, hA0, hA1, lowA, upA);
  const lB4 = pairLevels(type, 4, uB0, uB1, uB2, uB3, hB0, hB1, lowB, upB);
  const lA5 = pairLevels(type, 5, uA0, uA1, uA2, uA3, hA0, hA1, lowA, upA);
  const lB5 = pairLevels(type, 5, uB0, uB1, uB2, uB3, hB0, hB1, lowB, upB);
  const lA6 = pairLevels(type, 6, uA0, uA1, uA2, uA3, hA0, hA1, lowA, upA);
  const lB6 = pairLevels(type, 6, uB0, uB1, uB2, uB3, hB0, hB1, lowB, upB);
  const lA7 = pairLevels(type, 7, uA0, uA1, uA2, uA3, hA0, hA1, lowA, upA);
  const lB7 = pairLevels(type, 7, uB0, uB1, uB2, uB3, hB0, hB1, lowB, upB);

  // the scales of four groups at a time, the same in both halves
  const mask = v128.load(scratch, LOW_BYTE);
  const at = type == Q3_K ? w + 96 : type == Q4_K ? w + 128 : type == Q5_K ? w + 160 : w + 192;
  const eight = type == Q4_K || type == Q5_K;
  const c0 = eight ? v128.load16_splat(at) : v128.load32_splat(at);
  const c1 = eight ? v128.load16_splat(at, 2) : v128.load32_splat(at, 4);
  const c2 = eight ? v128.load16_splat(at, 4) : v128.load32_splat(at, 8);
  const c3 = eight ? v128.load16_splat(at, 6) : v128.load32_splat(at, 12);
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
    const dy = o ? v128.load32_splat(x, 512) : v128.load32_splat(x, 272);
    const scale = f32x4.mul(d, dy);
    const newA = f32x4.add(f32x4.mul(scale, f32x4.convert_i32x4_s(a)), v128.load(lanes));
    const newB = f32x4.add(f32x4.mul(scale, f32x4.convert_i32x4_s(b)), v128.load(lanes, 16));
    v128.store(lanes, newB, 16);
    v128.store(lanes, newA);
    if (single) break;
    x += vectorBytes(type);
    lanes += 256;
  }
}

/** Adds a group of rows times one vector or a tile of them to (nVectors, 8) sums at `rows` (minimums) and (nVectors, 8, 8) at `lanes`. */
// @ts-ignore: decorator
@inline
function multiplyGroup(
  type: i32, single: bool, w: usize, x: usize, nBlocks: i32, nVectors: i32, rows: usize, lanes: usize,
): void {
  const bitsA = v128.load(scratch, HALF_BITS), bitsB = v128.load(scratch, HALF_BITS + 16);
  const unitA = v128.load(scratch, HALF_UNIT), unitB = v128.load(scratch, HALF_UNIT + 16);
  for (; nBlocks > 0; nBlocks--) {
    const t = w;
    const dA = f32FromHalf(hasMinimums(type) ? v128.load_ext<i16>(t, 64) : v128.load_ext<i16>(t), bitsA, unitA);
    const dB = f32FromHalf(hasMinimums(type) ? v128.load_ext<i16>(t, 72) : v128.load_ext<i16>(t, 8), bitsB, unitB);
    v128.store(scratch + SCALES, dB, 16);
    v128.store(scratch + SCALES, dA);
    w += headBytes(type);
    for (let row = 0; row < 8; row++) {
      const d = v128.load32_splat(scratch + SCALES + (<usize>row << 2));
      multiplyRow(type, single, w, x, d, nVectors, lanes + (<usize>row << 5));
      w += rowBytes(type);
    }
    if (hasMinimums(type)) addMinimums(type, t, x, nVectors, rows);
    x += <usize>nVectors * vectorBytes(type);
  }
}

/** Adds the lanes of each row of several groups to the row's sum, in order, and writes the results. */
// @ts-ignore: decorator
@inline
function storeLanes(type: i32, out: usize, nRows: i32, nVectors: i32, outStride: i32): void {
  let rows = scratch + ROWS, lanes = scratch + LANES;
  for (; nRows > 0; nRows -= 8) {
    let to = out;
    for (let v = nVectors; v > 0; v--) {
      for (let row = 0; row < min(8, nRows); row++) {
        const at = lanes + (<usize>row << 5);
        let sum = load<f32>(rows + (<usize>row << 2));
        sum += load<f32>(at, 0);
        sum += load<f32>(at, 4);
        sum += load<f32>(at, 8);
        sum += load<f32>(at, 12);
        sum += load<f32>(at, 16);
        sum += load<f32>(at, 20);
        sum += load<f32>(at, 24);
        sum += load<f32>(at, 28);
        store<f32>(to + (<usize>row << 2), sum);
      }
      to += <usize>outStride << 2;
      rows += 32;
      lanes += 256;
    }
    out += 32;
  }
}

/** As `multiply` in nibble-types.ts; `nBlocks` counts super-blocks. */
// @ts-ignore: decorator
@inline
function multiply(
  type: i32, weights: usize, activations: usize, out: usize,
  rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32,
): void {
  const groupBytes = <usize>nBlocks * columnBytes(type);
  for (let first = 0; first < nVectors; first += TILE) {
    const width = min(TILE, nVectors - first);
    const x = activations + <usize>first * <usize>nBlocks * vectorBytes(type);
    const nTurns = turnsOf(width, rowEnd - rowStart, groupBytes);
    const piece = pieceOf(nTurns, nBlocks, columnBytes(type));
    let w = weights + <usize>(rowStart >> 3) * groupBytes;
    for (let row = rowStart; row < rowEnd; row += nTurns << 3) {
      const nRows = min(nTurns << 3, rowEnd - row), nSums = <usize>((nRows + 7) >> 3) * <usize>width;
      clear(scratch + ROWS, nSums << 5);
      clear(scratch + LANES, nSums << 8);
      for (let block = 0; block < nBlocks; block += piece) {
        const n = min(piece, nBlocks - block), at = x + <usize>block * <usize>width * vectorBytes(type);
        let from = w + <usize>block * columnBytes(type), rows = scratch + ROWS, lanes = scratch + LANES;
        for (let group = 0; group < nRows; group += 8) {
          // a loop of one vector costs a fifth of the time; only the commonest type, which memory holds up least, has code without one
          if (width == 1 && type == Q4_K) multiplyGroup(type, true, from, at, n, 1, rows, lanes);
          else multiplyGroup(type, false, from, at, n, width, rows, lanes);
          from += groupBytes;
          rows += <usize>width << 5;
          lanes += <usize>width << 8;
        }
      }
      storeLanes(type, out + ((<usize>first * <usize>outStride + <usize>row) << 2), nRows, width, outStride);
      w += groupBytes * nTurns;
    }
  }
}

export function multiply_q3_K(
  w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32,
): void {
  multiply(Q3_K, w, x, out, rowStart, rowEnd, nBlocks, nVectors, outStride);
}
export function multiply_q4_K(
  w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32,
): void {
  multiply(Q4_K, w, x, out, rowStart, rowEnd, nBlocks, nVectors, outStride);
}
export function multiply_q5_K(
  w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32,
): void {
  multiply(Q5_K, w, x, out, rowStart, rowEnd, nBlocks, nVectors, outStride);
}
export function multiply_q6_K(
  w: usize, x: usize, out: usize, rowStart: i32, rowEnd: i32, nBlocks: i32, nVectors: i32, outStride: i32,
): void {
  multiply(Q6_K, w, x, out, rowStart, rowEnd, nBlocks, nVectors, outStride);
}
