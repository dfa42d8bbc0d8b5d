// Q6_K: 256 values as 6-bit levels around zero in 16 groups, each with an 8-bit scale. 210 bytes, 6.5625 bits per value.
//
//   byte  0                 128              192                   208       210
//         ├─ ql[0] … [127] ─┼─ qh[0] … [63] ─┼─ scales[0…15]: int8 ┼─ d: f16 ┤
//
//   per half of 128 values, l = 0 … 31, and A B C D the levels of values l, l+32, l+64, l+96:
//     ql[l]      low 4 bits of A │ of C        ql[l + 32]   low 4 bits of B │ of D
//     qh[l]      high 2 bits of A, B, C, D
//
//   value = (d · scale) · (level - 32)
//
// Facts: llama.cpp build 803, k_quants.c, quantize_row_q6_K_reference and the portable ggml_vec_dot_q6_K_q8_K.

import type { BlockFormat } from "./block-format.ts";
import { largestMagnitude } from "./extremes.ts";
import { nearestInt, nearestLevel } from "./rounding.ts";
import { dotInLanes, dotInSums, emptySuperBlock, QK_K, type SuperBlock, unpackSuperBlocks } from "./super-block.ts";
import { fitScale } from "./symmetric-fit.ts";
import { readF16, readI8, writeF16 } from "./unaligned.ts";

const BLOCK_BYTES = 210;
const HIGH_OFFSET = 128;
const SCALES_OFFSET = 192;
const D_OFFSET = 208;
const N_LEVELS = 32; // levels -32 … 31
const RETRIES = 3;

const groupScales = new Float32Array(16); // (16)
const levels = new Int8Array(QK_K); // (256)
const block = emptySuperBlock();

function pack(values: Float32Array, out: Uint8Array): void {
  for (let v = 0, o = 0; v < values.length; v += QK_K, o += BLOCK_BYTES) {
    for (let j = 0; j < 16; j++) groupScales[j] = fitScale(values, v + 16 * j, levels, 16 * j, N_LEVELS, RETRIES);

    // scales to 8 bits; without any, 1 / -infinity makes the d of a block of zeros -0
    const perScale = Math.fround(-128 / largestMagnitude(groupScales, 0, 16));
    writeF16(out, o + D_OFFSET, 1 / perScale);
    for (let j = 0; j < 16; j++) {
      out[o + SCALES_OFFSET + j] = Math.min(127, nearestInt(Math.fround(perScale * groupScales[j]!)));
    }

    // levels again, for the scales that were stored
    const d = readF16(out, o + D_OFFSET);
    for (let j = 0; j < 16; j++) {
      const scale = Math.fround(d * readI8(out, o + SCALES_OFFSET + j));
      if (scale === 0) continue;
      for (let i = 16 * j; i < 16 * j + 16; i++) {
        levels[i] = nearestLevel(Math.fround(values[v + i]! / scale), -N_LEVELS, N_LEVELS - 1);
      }
    }
    packQ6Levels(levels, out, o);
  }
}

/** Stores `levels` (256), each -32 … 31, in the block at `offset`. */
export function packQ6Levels(levels: Int8Array, out: Uint8Array, offset: number): void {
  for (let half = 0; half < 2; half++) {
    for (let l = 0; l < 32; l++) {
      const i = 128 * half + l;
      const a = levels[i]! + N_LEVELS;
      const b = levels[i + 32]! + N_LEVELS;
      const c = levels[i + 64]! + N_LEVELS;
      const d = levels[i + 96]! + N_LEVELS;
      out[offset + 64 * half + l] = (a & 15) | ((c & 15) << 4);
      out[offset + 64 * half + l + 32] = (b & 15) | ((d & 15) << 4);
      out[offset + HIGH_OFFSET + 32 * half + l] = (a >> 4) | ((b >> 4) << 2) | ((c >> 4) << 4) | ((d >> 4) << 6);
    }
  }
}

function load(bytes: Uint8Array, offset: number, into: SuperBlock): void {
  into.d = readF16(bytes, offset + D_OFFSET);
  for (let j = 0; j < 16; j++) into.scales[j] = readI8(bytes, offset + SCALES_OFFSET + j);
  for (let half = 0; half < 2; half++) {
    for (let l = 0; l < 32; l++) {
      const i = 128 * half + l;
      const low = bytes[offset + 64 * half + l]!;
      const low32 = bytes[offset + 64 * half + l + 32]!;
      const high = bytes[offset + HIGH_OFFSET + 32 * half + l]!;
      into.levels[i] = ((low & 15) | ((high & 3) << 4)) - N_LEVELS;
      into.levels[i + 32] = ((low32 & 15) | (((high >> 2) & 3) << 4)) - N_LEVELS;
      into.levels[i + 64] = ((low >> 4) | (((high >> 4) & 3) << 4)) - N_LEVELS;
      into.levels[i + 96] = ((low32 >> 4) | ((high >> 6) << 4)) - N_LEVELS;
    }
  }
}

export const q6_K: BlockFormat = {
  type: "q6_K",
  blockValues: QK_K,
  blockBytes: BLOCK_BYTES,
  activationType: "q8_K",
  floatFields: { f16: [D_OFFSET], f32: [] },
  pack,
  unpack: (bytes, out) => unpackSuperBlocks(bytes, BLOCK_BYTES, out, load, block),
  dot: (weights, activations) => dotInLanes(weights, BLOCK_BYTES, activations, load, block),
  laneDot: (weights, activations) => dotInSums(weights, BLOCK_BYTES, activations, load, block),
};
