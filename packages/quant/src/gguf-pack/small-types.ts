// Packing types of few levels: MXFP4, TQ1_0, TQ2_0, Q1_0 and Q2_0. None of them knows weights.
//
// Facts: ggml 0.20.2 (August 2026), ggml-quants.c, quantize_row_mxfp4_ref, quantize_row_tq1_0_ref and their kin.

import { largestMagnitude } from "../extremes.ts";
import { FP4_LEVELS } from "../mxfp4.ts";
import { roundToInt8 } from "../rounding.ts";
import { QK_K } from "../super-block.ts";
import { packTwoBitLevels } from "../two-bit-levels.ts";
import { writeF16 } from "../unaligned.ts";
import type { GgufPack } from "./fits.ts";

export const packMxfp4: GgufPack = (values, out) => {
  for (let v = 0, o = 0; v < values.length; v += 32, o += 17) {
    const largest = Math.abs(largestMagnitude(values, v, 32));
    // a logarithm so near below a whole number that binary32 cannot tell counts as that number, as in ggml
    const exponent = largest === 0 ? 0 : (Math.floor(Math.fround(Math.log2(largest))) + 125) & 255;
    const half = 2 ** (exponent - 128);
    out[o] = exponent;
    for (let j = 0; j < 16; j++) {
      out[o + 1 + j] = nearestFp4(values[v + j]!, half) | (nearestFp4(values[v + 16 + j]!, half) << 4);
    }
  }
};

/** Number of the level nearest to `value`; of two, the one of smaller magnitude. */
function nearestFp4(value: number, half: number): number {
  let nearest = 0;
  let least = Math.abs(value);
  const sign = value < 0 ? 8 : 0;
  for (let i = sign + 1; i < sign + 8; i++) {
    const error = Math.abs(Math.fround(Math.fround(FP4_LEVELS[i]! * half) - value));
    if (error >= least) break; // levels grow, so that the next ones are further away
    least = error;
    nearest = i;
  }
  return nearest;
}

const trits = new Uint8Array(QK_K); // (256): 0 … 2

/** Sets `trits` for the values at `start` and returns their scale. */
function toTrits(values: Float32Array, start: number): number {
  const d = Math.abs(largestMagnitude(values, start, QK_K));
  const inverse = d === 0 ? 0 : Math.fround(1 / d);
  for (let i = 0; i < QK_K; i++) trits[i] = roundToInt8(Math.fround(values[start + i]! * inverse)) + 1;
  return d;
}

export const packTq2: GgufPack = (values, out) => {
  for (let v = 0, o = 0; v < values.length; v += QK_K, o += 66) {
    writeF16(out, o + 64, toTrits(values, v));
    packTwoBitLevels(trits, out, o);
  }
};

export const packTq1: GgufPack = (values, out) => {
  for (let v = 0, o = 0; v < values.length; v += QK_K, o += 54) {
    writeF16(out, o + 52, toTrits(values, v));
    packTrits(out, o, 32, 5, 0);
    packTrits(out, o + 32, 16, 5, 160);
    packTrits(out, o + 48, 4, 4, 240);
  }
};

/** Five trits a byte, as a fraction of 256 whose first digits to base 3 they are; those that there are not are 0. */
function packTrits(out: Uint8Array, offset: number, nBytes: number, nDigits: number, start: number): void {
  for (let b = 0; b < nBytes; b++) {
    let number = 0;
    for (let digit = 0; digit < 5; digit++) {
      number = 3 * number + (digit < nDigits ? trits[start + nBytes * digit + b]! : 0);
    }
    out[offset + b] = Math.ceil((256 * number) / 243);
  }
}

export const packQ1_0: GgufPack = (values, out) => {
  for (let v = 0, o = 0; v < values.length; v += 128, o += 18) {
    let sum = 0;
    for (let i = v; i < v + 128; i++) sum = Math.fround(sum + Math.abs(values[i]!));
    writeF16(out, o, sum / 128);
    out.fill(0, o + 2, o + 18);
    for (let i = 0; i < 128; i++) if (values[v + i]! >= 0) out[o + 2 + (i >> 3)]! |= 1 << (i & 7);
  }
};

export const packQ2_0: GgufPack = (values, out) => {
  for (let v = 0, o = 0; v < values.length; v += 64, o += 18) {
    const d = Math.abs(largestMagnitude(values, v, 64));
    const inverse = d === 0 ? 0 : Math.fround(1 / d);
    writeF16(out, o, d);
    out.fill(0, o + 2, o + 18);
    for (let i = 0; i < 64; i++) {
      const level = roundToInt8(Math.fround(values[v + i]! * inverse)) + 1;
      out[o + 2 + (i >> 2)]! |= Math.min(3, Math.max(0, level)) << (2 * (i & 3));
    }
  }
};
