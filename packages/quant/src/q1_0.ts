// Q1_0 and Q2_0: one or two bits a value and a common scale.
//
//   Q1_0, 128 values, 18 bytes:  ├─ d: f16 ┼─ bits[16] ─┤   value i = bit i ? d : -d
//   Q2_0,  64 values, 18 bytes:  ├─ d: f16 ┼─ qs[16] ───┤   value i = d · (field i - 1), fields of two bits, low ones first
//
// Facts: ggml (ggml-common.h and ggml-quants.c, 2026).

import type { BlockFormat } from "./block-format.ts";
import { Q8_0_BYTES } from "./q8_0.ts";
import { readF16, readI8 } from "./unaligned.ts";

const BLOCK_BYTES = 18;
const BYTES_OFFSET = 2;
/** Values of a block of Q8_0 activations. */
const QK8_0 = 32;

/** Level of value `i` of the block at `offset`. */
type LevelOf = (bytes: Uint8Array, offset: number, i: number) => number;

const levelOfBit: LevelOf = (bytes, offset, i) => 2 * ((bytes[offset + BYTES_OFFSET + (i >> 3)]! >> (i & 7)) & 1) - 1;
const levelOfPair: LevelOf = (bytes, offset, i) =>
  ((bytes[offset + BYTES_OFFSET + (i >> 2)]! >> (2 * (i & 3))) & 3) - 1;

function format(type: BlockFormat["type"], blockValues: number, levelOf: LevelOf): BlockFormat {
  return {
    type,
    blockValues,
    blockBytes: BLOCK_BYTES,
    activationType: "q8_0",
    floatFields: { f16: [0], f32: [] },
    unpack(bytes, out) {
      for (let o = 0, v = 0; o < bytes.length; o += BLOCK_BYTES, v += blockValues) {
        const d = readF16(bytes, o);
        for (let i = 0; i < blockValues; i++) out[v + i] = d * levelOf(bytes, o, i);
      }
    },
    // for each 32 values the two scales are multiplied first, then their exact sum
    dot(weights, activations) {
      let sum = 0;
      for (let o = 0, a = 0; o < weights.length; o += BLOCK_BYTES) {
        for (let start = 0; start < blockValues; start += QK8_0, a += Q8_0_BYTES) {
          let levels = 0;
          for (let j = 0; j < QK8_0; j++) {
            levels = (levels + levelOf(weights, o, start + j) * readI8(activations, a + 2 + j)) | 0;
          }
          const d = Math.fround(readF16(weights, o) * readF16(activations, a));
          sum = Math.fround(sum + Math.fround(levels * d));
        }
      }
      return sum;
    },
  };
}

export const q1_0: BlockFormat = /* @__PURE__ */ format("q1_0", 128, levelOfBit);
export const q2_0: BlockFormat = /* @__PURE__ */ format("q2_0", 64, levelOfPair);
