// IQ3_XXS and IQ3_S: 256 values in 64 quads. A quad is a point of a grid of 4 magnitudes; two quads share 8 signs.
//
//   IQ3_XXS, 98 bytes, 3.06 bits per value
//   byte  0         2                    66                                  98
//         ├─ d: f16 ┼─ grid indices[64] ─┼─ 8 times u32 ─────────────────────┤
//                                          4 times 7 bits of signs, then 4 bits of scale, for 32 values
//   IQ3_S, 110 bytes, 3.44 bits per value
//   byte  0         2          66                          74          106          110
//         ├─ d: f16 ┼─ qs[64] ─┼─ ninth bits of indices[8] ┼─ signs[32] ┼─ scales[4] ─┤
//                                                                        a nibble for each 32 values
//
//   IQ3_XXS: value = d · (scale + ½) / 2 · magnitude · sign = (d / 4 · (2 · scale + 1)) · (± magnitude), all exact
//   IQ3_S:   value = d · (2 · scale + 1) · magnitude · sign
//
// Facts: ggml (ggml-common.h and ggml-quants.c, 2026).

import type { BlockFormat } from "./block-format.ts";
import { iqGrid, loadSignedOctet, signsOf7Bits } from "./iq-grids.ts";
import { type SuperBlock, superBlockFormat } from "./super-block.ts";
import { readF16, readI32 } from "./unaligned.ts";

const XXS_BYTES = 98;
const S_BYTES = 110;

function loadXxs(bytes: Uint8Array, offset: number, into: SuperBlock): void {
  const grid = iqGrid("iq3xxs"); // (256, 4)
  into.d = readF16(bytes, offset) / 4;
  for (let group = 0; group < 8; group++) {
    const a = readI32(bytes, offset + 66 + 4 * group);
    const scale = 2 * (a >>> 28) + 1;
    into.scales[2 * group] = scale;
    into.scales[2 * group + 1] = scale;
    for (let octet = 0; octet < 4; octet++) {
      const at = offset + 2 + 8 * group + 2 * octet;
      const signs = signsOf7Bits((a >>> (7 * octet)) & 127);
      loadSignedOctet(into.levels, 32 * group + 8 * octet, grid, 4 * bytes[at]!, signs, 4 * bytes[at + 1]!);
    }
  }
}

function loadS(bytes: Uint8Array, offset: number, into: SuperBlock): void {
  const grid = iqGrid("iq3s"); // (512, 4)
  into.d = readF16(bytes, offset);
  for (let group = 0; group < 8; group++) {
    const scale = 2 * ((bytes[offset + 106 + (group >> 1)]! >> (4 * (group & 1))) & 15) + 1;
    into.scales[2 * group] = scale;
    into.scales[2 * group + 1] = scale;
    const ninth = bytes[offset + 66 + group]!; // bit q belongs to quad q of the group
    for (let octet = 0; octet < 4; octet++) {
      const at = offset + 2 + 8 * group + 2 * octet;
      const first = bytes[at]! | (((ninth >> (2 * octet)) & 1) << 8);
      const second = bytes[at + 1]! | (((ninth >> (2 * octet + 1)) & 1) << 8);
      const signs = bytes[offset + 74 + 4 * group + octet]!;
      loadSignedOctet(into.levels, 32 * group + 8 * octet, grid, 4 * first, signs, 4 * second);
    }
  }
}

export const iq3_xxs: BlockFormat = /* @__PURE__ */ superBlockFormat("iq3_xxs", XXS_BYTES, [0], loadXxs);

export const iq3_s: BlockFormat = /* @__PURE__ */ superBlockFormat("iq3_s", S_BYTES, [0], loadS);
