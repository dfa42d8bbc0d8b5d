// Q4_K: 256 values as 4-bit levels in 8 groups of 32, each with a 6-bit scale and a 6-bit minimum. 144 bytes, 4.5 bits per value.
//
//   byte  0                            16                              144
//         ├─ d, dmin, scales and minimums ┼─ qs[0] … qs[127] ────────────┤
//           affine-header.ts                per 64 values 32 bytes; byte l: low nibble value l, high nibble value l + 32
//
// Facts: llama.cpp build 803, k_quants.c, quantize_row_q4_K_reference and the portable ggml_vec_dot_q4_K_q8_K.

import { loadAffineHeader, packAffineHeader } from "./affine-header.ts";
import type { BlockFormat } from "./block-format.ts";
import { dotInLanes, dotInSums, emptySuperBlock, QK_K, type SuperBlock, unpackSuperBlocks } from "./super-block.ts";

const BLOCK_BYTES = 144;
const LEVELS_OFFSET = 16;
const MAX_LEVEL = 15;

const block = emptySuperBlock();

function pack(values: Float32Array, out: Uint8Array): void {
  for (let v = 0, o = 0; v < values.length; v += QK_K, o += BLOCK_BYTES) {
    packQ4Levels(packAffineHeader(values, v, MAX_LEVEL, out, o), out, o);
  }
}

/** Stores `levels` (256), each 0 … 15, in the block at `offset`. */
export function packQ4Levels(levels: Uint8Array, out: Uint8Array, offset: number): void {
  for (let i = 0, at = offset + LEVELS_OFFSET; i < QK_K; i += 64) {
    for (let l = i; l < i + 32; l++, at++) out[at] = levels[l]! | (levels[l + 32]! << 4);
  }
}

function load(bytes: Uint8Array, offset: number, into: SuperBlock): void {
  loadAffineHeader(bytes, offset, into);
  for (let i = 0, at = offset + LEVELS_OFFSET; i < QK_K; i += 64) {
    for (let l = i; l < i + 32; l++, at++) {
      into.levels[l] = bytes[at]! & 15;
      into.levels[l + 32] = bytes[at]! >> 4;
    }
  }
}

export const q4_K: BlockFormat = {
  type: "q4_K",
  blockValues: QK_K,
  blockBytes: BLOCK_BYTES,
  activationType: "q8_K",
  floatFields: { f16: [0, 2], f32: [] },
  pack,
  unpack: (bytes, out) => unpackSuperBlocks(bytes, BLOCK_BYTES, out, load, block),
  dot: (weights, activations) => dotInLanes(weights, BLOCK_BYTES, activations, load, block),
  laneDot: (weights, activations) => dotInSums(weights, BLOCK_BYTES, activations, load, block),
};
