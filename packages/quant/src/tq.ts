// TQ1_0 and TQ2_0: 256 values of -1, 0 or 1 times a common scale.
//
//   TQ1_0, 54 bytes, 1.69 bits per value: five trits a byte, as a fraction of 256 whose digits to base 3 they are
//   byte  0          48        52        54
//         ├─ qs[48] ─┼─ qh[4] ─┼─ d: f16 ┤
//           values 0 … 159: digit n of bytes 0 … 31; values 160 … 239: digit n of bytes 32 … 47; then digit n < 4 of qh
//   TQ2_0, 66 bytes, 2.06 bits per value
//   byte  0          64        66
//         ├─ qs[64] ─┼─ d: f16 ┤
//           per 128 values 32 bytes; byte l holds the trits of values l, l+32, l+64, l+96, low bits first
//
//   value = d · (trit - 1)
//
// Facts: ggml (ggml-common.h and ggml-quants.c, 2026).

import type { BlockFormat } from "./block-format.ts";
import { QK_K, type SuperBlock, superBlockFormat } from "./super-block.ts";
import { twoBitLevel } from "./two-bit-levels.ts";
import { readF16 } from "./unaligned.ts";

const TQ1_BYTES = 54;
const TQ2_BYTES = 66;

function loadTq1(bytes: Uint8Array, offset: number, into: SuperBlock): void {
  into.d = readF16(bytes, offset + 52);
  into.scales.fill(1);
  loadTrits(bytes, offset, 32, 5, into.levels, 0);
  loadTrits(bytes, offset + 32, 16, 5, into.levels, 160);
  loadTrits(bytes, offset + 48, 4, 4, into.levels, 240);
}

/** The first `nDigits` digits of `nBytes` bytes, all first digits before all second ones. */
function loadTrits(
  bytes: Uint8Array,
  offset: number,
  nBytes: number,
  nDigits: number,
  levels: Int8Array,
  at: number,
): void {
  for (let digit = 0, power = 1; digit < nDigits; digit++, power *= 3) {
    for (let b = 0; b < nBytes; b++) {
      const fraction = (bytes[offset + b]! * power) & 255; // without the digits before this one
      levels[at + nBytes * digit + b] = ((fraction * 3) >> 8) - 1;
    }
  }
}

function loadTq2(bytes: Uint8Array, offset: number, into: SuperBlock): void {
  into.d = readF16(bytes, offset + 64);
  into.scales.fill(1);
  for (let i = 0; i < QK_K; i++) into.levels[i] = twoBitLevel(bytes, offset, i) - 1;
}

export const tq1_0: BlockFormat = /* @__PURE__ */ superBlockFormat("tq1_0", TQ1_BYTES, [52], loadTq1);

export const tq2_0: BlockFormat = /* @__PURE__ */ superBlockFormat("tq2_0", TQ2_BYTES, [64], loadTq2);
