// Q3_K: 256 values as 3-bit levels around zero in 16 groups, each with a 6-bit scale. 110 bytes, 3.4375 bits per value.
//
//   byte  0                32               96              108       110
//         ├─ hmask[0…31] ──┼─ qs[0] … [63] ─┼─ scales[0…11] ┼─ d: f16 ┤
//           third bits: byte i mod 32,  low 2 bits    six-bit-scales.ts
//           bit i / 32 of value i       as in Q2_K
//
//   value = (d · (scale - 32)) · (level - 4)
//
// Facts: llama.cpp build 803, k_quants.c, quantize_row_q3_K_reference and the portable ggml_vec_dot_q3_K_q8_K.

import type { BlockFormat } from "./block-format.ts";
import { largestMagnitude } from "./extremes.ts";
import { nearestLevel } from "./rounding.ts";
import { packSixteenScales, sixteenthScaleOf } from "./six-bit-scales.ts";
import { dotInLanes, dotInSums, emptySuperBlock, QK_K, type SuperBlock, unpackSuperBlocks } from "./super-block.ts";
import { fitScale } from "./symmetric-fit.ts";
import { packTwoBitLevels, twoBitLevel } from "./two-bit-levels.ts";
import { readF16, writeF16 } from "./unaligned.ts";

const BLOCK_BYTES = 110;
const LEVELS_OFFSET = 32;
const SCALES_OFFSET = 96;
const D_OFFSET = 108;
const N_LEVELS = 4; // levels -4 … 3
const N_SCALES = 32; // scales -32 … 31

const groupScales = new Float32Array(16); // (16)
const storedScales = new Uint8Array(16); // (16): 0 … 63
const levels = new Int8Array(QK_K); // (256)
const lowBits = new Uint8Array(QK_K); // (256)
const block = emptySuperBlock();

function pack(values: Float32Array, out: Uint8Array): void {
  for (let v = 0, o = 0; v < values.length; v += QK_K, o += BLOCK_BYTES) {
    for (let j = 0; j < 16; j++) groupScales[j] = fitScale(values, v + 16 * j, levels, 16 * j, N_LEVELS, 0);

    // scales to 6 bits
    const largestScale = largestMagnitude(groupScales, 0, 16);
    const perScale = largestScale === 0 ? 0 : Math.fround(-N_SCALES / largestScale);
    for (let j = 0; j < 16; j++) {
      const scale = nearestLevel(Math.fround(perScale * groupScales[j]!), -N_SCALES, N_SCALES - 1);
      storedScales[j] = largestScale === 0 ? 0 : scale + N_SCALES;
    }
    packSixteenScales(storedScales, out, o + SCALES_OFFSET);
    writeF16(out, o + D_OFFSET, largestScale === 0 ? 0 : 1 / perScale);

    // levels again, for the scales that were stored
    const d = readF16(out, o + D_OFFSET);
    for (let j = 0; j < 16; j++) {
      const scale = Math.fround(d * (storedScales[j]! - N_SCALES));
      if (scale === 0) continue;
      for (let i = 16 * j; i < 16 * j + 16; i++) {
        levels[i] = nearestLevel(Math.fround(values[v + i]! / scale), -N_LEVELS, N_LEVELS - 1);
      }
    }
    packQ3Levels(levels, out, o);
  }
}

/** Stores `levels` (256), each -4 … 3, in the block at `offset`. */
export function packQ3Levels(levels: Int8Array, out: Uint8Array, offset: number): void {
  out.fill(0, offset, offset + LEVELS_OFFSET);
  for (let i = 0; i < QK_K; i++) {
    const level = levels[i]! + N_LEVELS;
    out[offset + (i & 31)]! |= (level >> 2) << (i >> 5);
    lowBits[i] = level & 3;
  }
  packTwoBitLevels(lowBits, out, offset + LEVELS_OFFSET);
}

function load(bytes: Uint8Array, offset: number, into: SuperBlock): void {
  into.d = readF16(bytes, offset + D_OFFSET);
  for (let j = 0; j < 16; j++) into.scales[j] = sixteenthScaleOf(bytes, offset + SCALES_OFFSET, j) - N_SCALES;
  for (let i = 0; i < QK_K; i++) {
    const thirdBit = (bytes[offset + (i & 31)]! >> (i >> 5)) & 1;
    into.levels[i] = (twoBitLevel(bytes, offset + LEVELS_OFFSET, i) | (thirdBit << 2)) - N_LEVELS;
  }
}

export const q3_K: BlockFormat = {
  type: "q3_K",
  blockValues: QK_K,
  blockBytes: BLOCK_BYTES,
  activationType: "q8_K",
  floatFields: { f16: [D_OFFSET], f32: [] },
  pack,
  unpack: (bytes, out) => unpackSuperBlocks(bytes, BLOCK_BYTES, out, load, block),
  dot: (weights, activations) => dotInLanes(weights, BLOCK_BYTES, activations, load, block),
  laneDot: (weights, activations) => dotInSums(weights, BLOCK_BYTES, activations, load, block),
};
