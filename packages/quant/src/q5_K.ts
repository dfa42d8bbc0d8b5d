// Q5_K: 256 values as 5-bit levels in 8 groups of 32, each with a 6-bit scale and a 6-bit minimum. 176 bytes, 5.5 bits per value.
//
//   byte  0                               16             48                            176
//         ├─ d, dmin, scales and minimums ┼─ qh[0…31] ───┼─ qs[0] … qs[127] ───────────┤
//           affine-header.ts                fifth bits: byte   low 4 bits as in Q4_K
//                                           i mod 32, bit i / 32
//
// Facts: llama.cpp build 803, k_quants.c, quantize_row_q5_K_reference and the portable ggml_vec_dot_q5_K_q8_K.

import { loadAffineHeader, packAffineHeader } from "./affine-header.ts";
import type { BlockFormat } from "./block-format.ts";
import { dotInLanes, dotInSums, emptySuperBlock, QK_K, type SuperBlock, unpackSuperBlocks } from "./super-block.ts";

const BLOCK_BYTES = 176;
const FIFTH_BITS_OFFSET = 16;
const LEVELS_OFFSET = 48;
const MAX_LEVEL = 31;

const block = emptySuperBlock();

function pack(values: Float32Array, out: Uint8Array): void {
  for (let v = 0, o = 0; v < values.length; v += QK_K, o += BLOCK_BYTES) {
    packQ5Levels(packAffineHeader(values, v, MAX_LEVEL, out, o), out, o);
  }
}

/** Stores `levels` (256), each 0 … 31, in the block at `offset`. */
export function packQ5Levels(levels: Uint8Array, out: Uint8Array, offset: number): void {
  out.fill(0, offset + FIFTH_BITS_OFFSET, offset + LEVELS_OFFSET);
  for (let i = 0; i < QK_K; i++) out[offset + FIFTH_BITS_OFFSET + (i & 31)]! |= (levels[i]! >> 4) << (i >> 5);
  for (let i = 0, at = offset + LEVELS_OFFSET; i < QK_K; i += 64) {
    for (let l = i; l < i + 32; l++, at++) out[at] = (levels[l]! & 15) | ((levels[l + 32]! & 15) << 4);
  }
}

function load(bytes: Uint8Array, offset: number, into: SuperBlock): void {
  loadAffineHeader(bytes, offset, into);
  for (let i = 0, at = offset + LEVELS_OFFSET; i < QK_K; i += 64) {
    const bit = i >> 5; // fifth bit of value i; that of value i + 32 follows
    for (let l = i; l < i + 32; l++, at++) {
      const fifthBits = bytes[offset + FIFTH_BITS_OFFSET + (l & 31)]! >> bit;
      into.levels[l] = (bytes[at]! & 15) | ((fifthBits & 1) << 4);
      into.levels[l + 32] = (bytes[at]! >> 4) | ((fifthBits & 2) << 3);
    }
  }
}

export const q5_K: BlockFormat = {
  type: "q5_K",
  blockValues: QK_K,
  blockBytes: BLOCK_BYTES,
  activationType: "q8_K",
  floatFields: { f16: [0, 2], f32: [] },
  pack,
  unpack: (bytes, out) => unpackSuperBlocks(bytes, BLOCK_BYTES, out, load, block),
  dot: (weights, activations) => dotInLanes(weights, BLOCK_BYTES, activations, load, block),
  laneDot: (weights, activations) => dotInSums(weights, BLOCK_BYTES, activations, load, block),
};
