// IQ1_S and IQ1_M: 256 values in 32 octets. An octet is a point of a grid of -1, 0, 1, moved up or down by ⅛.
//
//   IQ1_S, 50 bytes, 1.56 bits per value
//   byte  0         2          34                                           50
//         ├─ d: f16 ┼─ qs[32] ─┼─ qh: 8 times u16 ──────────────────────────┤
//                                4 times 3 high bits of an index, 3 bits of scale, the sign of the shift, for 32 values
//   IQ1_M, 56 bytes, 1.75 bits per value
//   byte  0          32                        48                           56
//         ├─ qs[32] ─┼─ qh[16]: a nibble an octet ┼─ 4 times u16 ───────────┤
//                      3 high bits of the index,   4 times 3 bits of scale, a scale for each 16 values; the high nibbles
//                      then the sign of the shift  of the four, lowest first, are d: f16
//
//   value = (d · (2 · scale + 1)) · (point ± ⅛) = (d / 8 · (2 · scale + 1)) · (8 · point ± 1), all exact
//
// Facts: ggml (ggml-common.h and ggml-quants.c, 2026).

import { f16ToF32 } from "@ll/bytes";
import type { BlockFormat } from "./block-format.ts";
import { iqGrid } from "./iq-grids.ts";
import { type SuperBlock, superBlockFormat } from "./super-block.ts";
import { readF16 } from "./unaligned.ts";

const S_BYTES = 50;
const M_BYTES = 56;

function loadS(bytes: Uint8Array, offset: number, into: SuperBlock): void {
  into.d = readF16(bytes, offset) / 8;
  for (let group = 0; group < 8; group++) {
    const qh = bytes[offset + 34 + 2 * group]! | (bytes[offset + 35 + 2 * group]! << 8);
    const scale = 2 * ((qh >> 12) & 7) + 1;
    into.scales[2 * group] = scale;
    into.scales[2 * group + 1] = scale;
    for (let octet = 0; octet < 4; octet++) {
      const index = bytes[offset + 2 + 4 * group + octet]! | (((qh >> (3 * octet)) & 7) << 8);
      loadShiftedOctet(into.levels, 32 * group + 8 * octet, index, (qh & 0x8000) !== 0);
    }
  }
}

function scaleOfM(bytes: Uint8Array, offset: number): number {
  let d = 0;
  for (let word = 0; word < 4; word++) d |= (bytes[offset + 49 + 2 * word]! >> 4) << (4 * word);
  return f16ToF32(d);
}

function loadM(bytes: Uint8Array, offset: number, into: SuperBlock): void {
  for (let word = 0; word < 4; word++) {
    const packed = bytes[offset + 48 + 2 * word]! | (bytes[offset + 49 + 2 * word]! << 8);
    for (let j = 0; j < 4; j++) into.scales[4 * word + j] = 2 * ((packed >> (3 * j)) & 7) + 1;
  }
  into.d = scaleOfM(bytes, offset) / 8;
  for (let octet = 0; octet < 32; octet++) {
    const high = bytes[offset + 32 + (octet >> 1)]! >> (4 * (octet & 1));
    loadShiftedOctet(into.levels, 8 * octet, bytes[offset + octet]! | ((high & 7) << 8), (high & 8) !== 0);
  }
}

function loadShiftedOctet(levels: Int8Array, at: number, index: number, isDown: boolean): void {
  const grid = iqGrid("iq1s"); // (2048, 8)
  const shift = isDown ? -1 : 1;
  for (let j = 0; j < 8; j++) levels[at + j] = 8 * grid[8 * index + j]! + shift;
}

export const iq1_s: BlockFormat = /* @__PURE__ */ superBlockFormat("iq1_s", S_BYTES, [0], loadS);

export const iq1_m: BlockFormat = /* @__PURE__ */ superBlockFormat("iq1_m", M_BYTES, [], loadM, scaleOfM);
