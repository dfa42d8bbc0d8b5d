// Q2_K: 256 values as 2-bit levels in 16 groups, each with a 4-bit scale and a 4-bit minimum. 84 bytes, 2.625 bits per value.
//
//   byte  0                16               80        82           84
//         ├─ scales[0…15] ─┼─ qs[0] … [63] ─┼─ d: f16 ┼─ dmin: f16 ┤
//           low nibble scale,  per 128 values 32 bytes; byte l holds the
//           high nibble minimum  levels of values l, l+32, l+64, l+96, low bits first
//
//   value = (d · scale) · level - dmin · minimum
//
// Facts: llama.cpp build 803, k_quants.c, quantize_row_q2_K_reference and the portable ggml_vec_dot_q2_K_q8_K.

import { type AffineFit, fitGroups, largestPositive, requantizeGroup } from "./affine-fit.ts";
import type { BlockFormat } from "./block-format.ts";
import { nearestInt } from "./rounding.ts";
import { dotInSums, emptySuperBlock, QK_K, type SuperBlock, unpackSuperBlocks } from "./super-block.ts";
import { packTwoBitLevels, twoBitLevel } from "./two-bit-levels.ts";
import { readF16, writeF16 } from "./unaligned.ts";

const BLOCK_BYTES = 84;
const LEVELS_OFFSET = 16;
const D_OFFSET = 80;
const DMIN_OFFSET = 82;
const MAX_LEVEL = 3;
const MAX_SCALE = 15;

const fit: AffineFit = {
  scales: new Float32Array(16), // (16)
  negatedMins: new Float32Array(16), // (16)
  levels: new Uint8Array(QK_K), // (256)
};
const block = emptySuperBlock();

function pack(values: Float32Array, out: Uint8Array): void {
  for (let v = 0, o = 0; v < values.length; v += QK_K, o += BLOCK_BYTES) {
    fitGroups(values, v, 16, MAX_LEVEL, fit);

    // scales and minimums to 4 bits each
    const largestScale = largestPositive(fit.scales);
    const largestMin = largestPositive(fit.negatedMins);
    writeF16(out, o + D_OFFSET, largestScale / MAX_SCALE);
    writeF16(out, o + DMIN_OFFSET, largestMin / MAX_SCALE);
    const perScale = largestScale > 0 ? Math.fround(MAX_SCALE / largestScale) : 0;
    const perMin = largestMin > 0 ? Math.fround(MAX_SCALE / largestMin) : 0;
    for (let j = 0; j < 16; j++) {
      const scale = nearestInt(Math.fround(perScale * fit.scales[j]!));
      const min = nearestInt(Math.fround(perMin * fit.negatedMins[j]!));
      out[o + j] = scale | (min << 4);
    }

    // levels again, for the scales that were stored
    const d = readF16(out, o + D_OFFSET);
    const dmin = readF16(out, o + DMIN_OFFSET);
    for (let j = 0; j < 16; j++) {
      const scale = Math.fround(d * (out[o + j]! & 15));
      const min = Math.fround(dmin * (out[o + j]! >> 4));
      requantizeGroup(values, v + 16 * j, fit.levels, 16 * j, 16, MAX_LEVEL, scale, min);
    }
    packTwoBitLevels(fit.levels, out, o + LEVELS_OFFSET);
  }
}

function load(bytes: Uint8Array, offset: number, into: SuperBlock): void {
  into.d = readF16(bytes, offset + D_OFFSET);
  into.dmin = readF16(bytes, offset + DMIN_OFFSET);
  for (let j = 0; j < 16; j++) {
    into.scales[j] = bytes[offset + j]! & 15;
    into.mins[j] = bytes[offset + j]! >> 4;
  }
  for (let i = 0; i < QK_K; i++) into.levels[i] = twoBitLevel(bytes, offset + LEVELS_OFFSET, i);
}

export const q2_K: BlockFormat = {
  type: "q2_K",
  blockValues: QK_K,
  blockBytes: BLOCK_BYTES,
  activationType: "q8_K",
  floatFields: { f16: [D_OFFSET, DMIN_OFFSET], f32: [] },
  pack,
  unpack: (bytes, out) => unpackSuperBlocks(bytes, BLOCK_BYTES, out, load, block),
  dot: (weights, activations) => dotInSums(weights, BLOCK_BYTES, activations, load, block),
};
