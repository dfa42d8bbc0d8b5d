// IQ4_NL and IQ4_XS: 4-bit levels that are not evenly spaced: a nibble is the number of one of 16 fixed levels.
//
// IQ4_NL: 32 values around a common scale. 18 bytes, 4.5 bits per value.
//
//   byte  0         2                                       18
//         ├─ d: f16 ┼─ qs[0] … qs[15] ──────────────────────┤
//                     qs[j]: low nibble value j, high nibble value j + 16
//
//   value = d · IQ4_LEVELS[nibble]
//
// IQ4_XS: 256 values in 8 groups of 32, each with a 6-bit scale. 136 bytes, 4.25 bits per value.
//
//   byte  0         2                 4                   8                        136
//         ├─ d: f16 ┼─ high bits: u16 ┼─ low bits[0 … 3] ─┼─ qs[0] … qs[127] ──────┤
//                     scale of group g: nibble g of the low bits, pair g of the high bits; qs: 16 bytes a group as in IQ4_NL
//
//   value = (d · (scale - 32)) · IQ4_LEVELS[nibble]
//
// Facts: ggml (ggml-common.h and ggml-quants.c, 2026).

import type { BlockFormat } from "./block-format.ts";
import { Q8_0_BYTES } from "./q8_0.ts";
import { type SuperBlock, superBlockFormat } from "./super-block.ts";
import { readF16, readI8 } from "./unaligned.ts";

/** What a nibble of IQ4_NL and IQ4_XS means. */
export const IQ4_LEVELS: Int8Array = /* @__PURE__ */ Int8Array.of(
  ...[-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113],
); // (16)

const QK4_NL = 32;
const NL_BYTES = 18;
const XS_BYTES = 136;

function unpack(bytes: Uint8Array, out: Float32Array): void {
  for (let o = 0, v = 0; o < bytes.length; o += NL_BYTES, v += QK4_NL) {
    const d = readF16(bytes, o);
    for (let j = 0; j < 16; j++) {
      const pair = bytes[o + 2 + j]!;
      out[v + j] = d * IQ4_LEVELS[pair & 15]!;
      out[v + 16 + j] = d * IQ4_LEVELS[pair >> 4]!;
    }
  }
}

/** IQ4_NL · Q8_0: the two scales are multiplied first, then the integer sum of the block. */
function dot(weights: Uint8Array, activations: Uint8Array): number {
  let sum = 0;
  for (let o = 0, a = 0; o < weights.length; o += NL_BYTES, a += Q8_0_BYTES) {
    let levels = 0;
    for (let j = 2; j < 18; j++) {
      const pair = weights[o + j]!;
      const low = IQ4_LEVELS[pair & 15]! * readI8(activations, a + j);
      const high = IQ4_LEVELS[pair >> 4]! * readI8(activations, a + 16 + j);
      levels = (levels + low + high) | 0;
    }
    const d = Math.fround(readF16(weights, o) * readF16(activations, a));
    sum = Math.fround(sum + Math.fround(levels * d));
  }
  return sum;
}

export const iq4_nl: BlockFormat = {
  type: "iq4_nl",
  blockValues: QK4_NL,
  blockBytes: NL_BYTES,
  activationType: "q8_0",
  floatFields: { f16: [0], f32: [] },
  unpack,
  dot,
};

function load(bytes: Uint8Array, offset: number, into: SuperBlock): void {
  into.d = readF16(bytes, offset);
  const high = bytes[offset + 2]! | (bytes[offset + 3]! << 8);
  for (let group = 0; group < 8; group++) {
    const low = (bytes[offset + 4 + (group >> 1)]! >> (4 * (group & 1))) & 15;
    const scale = (low | (((high >> (2 * group)) & 3) << 4)) - 32;
    into.scales[2 * group] = scale;
    into.scales[2 * group + 1] = scale;
    for (let j = 0; j < 16; j++) {
      const pair = bytes[offset + 8 + 16 * group + j]!;
      into.levels[32 * group + j] = IQ4_LEVELS[pair & 15]!;
      into.levels[32 * group + 16 + j] = IQ4_LEVELS[pair >> 4]!;
    }
  }
}

export const iq4_xs: BlockFormat = /* @__PURE__ */ superBlockFormat("iq4_xs", XS_BYTES, [0], load);
