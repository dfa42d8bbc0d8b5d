// IQ2_XXS, IQ2_XS and IQ2_S: 256 values in 32 octets. An octet is a point of a grid of 8 magnitudes, and 8 signs.
//
//   IQ2_XXS, 66 bytes, 2.06 bits per value
//   byte  0         2                                                        66
//         ├─ d: f16 ┼─ 8 groups of 32 values: 4 grid indices, a: u32 ────────┤
//                     a: 4 times 7 bits of signs, then 4 bits of scale
//   IQ2_XS, 74 bytes, 2.31 bits per value
//   byte  0         2                         66                             74
//         ├─ d: f16 ┼─ 32 times u16 ──────────┼─ scales[0 … 7] ──────────────┤
//                     9 bits of index, 7 of signs  a nibble for each 16 values, the low one first
//   IQ2_S, 82 bytes, 2.56 bits per value
//   byte  0         2          34             66                        74   82
//         ├─ d: f16 ┼─ qs[32] ─┼─ signs[32] ──┼─ high bits of indices[8] ┼─ scales[8] ─┤
//
//   value = d · (scale + ½) / 4 · magnitude · sign = (d / 8 · (2 · scale + 1)) · (± magnitude), all exact
//
// Facts: ggml (ggml-common.h and ggml-quants.c, 2026).

import type { BlockFormat } from "./block-format.ts";
import { iqGrid, loadSignedOctet, signsOf7Bits } from "./iq-grids.ts";
import { type SuperBlock, superBlockFormat } from "./super-block.ts";
import { readF16, readI32 } from "./unaligned.ts";

function loadXxs(bytes: Uint8Array, offset: number, into: SuperBlock): void {
  const grid = iqGrid("iq2xxs"); // (256, 8)
  into.d = readF16(bytes, offset) / 8;
  for (let group = 0; group < 8; group++) {
    const at = offset + 2 + 8 * group;
    const a = readI32(bytes, at + 4);
    const scale = 2 * (a >>> 28) + 1;
    into.scales[2 * group] = scale;
    into.scales[2 * group + 1] = scale;
    for (let octet = 0; octet < 4; octet++) {
      const signs = signsOf7Bits((a >>> (7 * octet)) & 127);
      loadSignedOctet(into.levels, 32 * group + 8 * octet, grid, 8 * bytes[at + octet]!, signs);
    }
  }
}

function loadXs(bytes: Uint8Array, offset: number, into: SuperBlock): void {
  const grid = iqGrid("iq2xs"); // (512, 8)
  into.d = readF16(bytes, offset) / 8;
  loadNibbleScales(bytes, offset + 66, into);
  for (let octet = 0; octet < 32; octet++) {
    const q = bytes[offset + 2 + 2 * octet]! | (bytes[offset + 3 + 2 * octet]! << 8);
    loadSignedOctet(into.levels, 8 * octet, grid, 8 * (q & 511), signsOf7Bits(q >> 9));
  }
}

function loadS(bytes: Uint8Array, offset: number, into: SuperBlock): void {
  const grid = iqGrid("iq2s"); // (1024, 8)
  into.d = readF16(bytes, offset) / 8;
  loadNibbleScales(bytes, offset + 74, into);
  for (let octet = 0; octet < 32; octet++) {
    const high = bytes[offset + 66 + (octet >> 2)]! >> (2 * (octet & 3));
    const index = bytes[offset + 2 + octet]! | ((high & 3) << 8);
    loadSignedOctet(into.levels, 8 * octet, grid, 8 * index, bytes[offset + 34 + octet]!);
  }
}

function loadNibbleScales(bytes: Uint8Array, offset: number, into: SuperBlock): void {
  for (let group = 0; group < 16; group++) {
    into.scales[group] = 2 * ((bytes[offset + (group >> 1)]! >> (4 * (group & 1))) & 15) + 1;
  }
}

export const iq2_xxs: BlockFormat = /* @__PURE__ */ superBlockFormat("iq2_xxs", 66, [0], loadXxs);
export const iq2_xs: BlockFormat = /* @__PURE__ */ superBlockFormat("iq2_xs", 74, [0], loadXs);
export const iq2_s: BlockFormat = /* @__PURE__ */ superBlockFormat("iq2_s", 82, [0], loadS);
