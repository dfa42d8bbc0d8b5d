// MXFP4 and NVFP4: 4-bit floating-point levels (E2M1) with a shared scale. Levels are kept doubled, which makes them integers.
//
//   MXFP4, 32 values, 17 bytes, 4.25 bits per value
//   byte  0       1                                         17
//         ├─ e: u8 ┼─ qs[0] … qs[15] ────────────────────────┤
//                    qs[j]: low nibble value j, high nibble value j + 16
//   value = 2^(e - 128) · FP4_LEVELS[nibble]
//
//   NVFP4, 64 values in 4 groups of 16, 36 bytes, 4.5 bits per value
//   byte  0                4                                36
//         ├─ scales[0 … 3] ┼─ qs[0] … qs[31] ────────────────┤
//           e4m3 without sign   8 bytes a group; qs[j]: low nibble value j, high nibble value j + 8
//   value = scale / 2 · FP4_LEVELS[nibble]
//
// Facts: ggml (ggml-common.h and ggml-quants.c, 2026); OCP Microscaling Formats specification 1.0.

import type { BlockFormat } from "./block-format.ts";
import { Q8_0_BYTES } from "./q8_0.ts";
import { readF16, readI8 } from "./unaligned.ts";

/** Twice what a nibble means. */
export const FP4_LEVELS: Int8Array = /* @__PURE__ */ Int8Array.of(
  0,
  1,
  2,
  3,
  4,
  6,
  8,
  12,
  0,
  -1,
  -2,
  -3,
  -4,
  -6,
  -8,
  -12,
); // (16)

const MX_VALUES = 32;
const MX_BYTES = 17;
const NV_VALUES = 64;
const NV_BYTES = 36;

/** Half of the block's power of two. From 2^127 / 12 on, values pass the range of binary32. */
const mxScale = (exponent: number): number => 2 ** (exponent - 128);

function unpackMx(bytes: Uint8Array, out: Float32Array): void {
  for (let o = 0, v = 0; o < bytes.length; o += MX_BYTES, v += MX_VALUES) {
    const d = mxScale(bytes[o]!);
    for (let j = 0; j < 16; j++) {
      const pair = bytes[o + 1 + j]!;
      out[v + j] = d * FP4_LEVELS[pair & 15]!;
      out[v + 16 + j] = d * FP4_LEVELS[pair >> 4]!;
    }
  }
}

/** MXFP4 · Q8_0: the two scales are multiplied first, then the integer sum of the block. */
function dotMx(weights: Uint8Array, activations: Uint8Array): number {
  let sum = 0;
  for (let o = 0, a = 0; o < weights.length; o += MX_BYTES, a += Q8_0_BYTES) {
    let levels = 0;
    for (let j = 0; j < 16; j++) {
      const pair = weights[o + 1 + j]!;
      const low = FP4_LEVELS[pair & 15]! * readI8(activations, a + 2 + j);
      const high = FP4_LEVELS[pair >> 4]! * readI8(activations, a + 18 + j);
      levels = (levels + low + high) | 0;
    }
    const d = Math.fround(mxScale(weights[o]!) * readF16(activations, a));
    sum = Math.fround(sum + Math.fround(levels * d));
  }
  return sum;
}

export const mxfp4: BlockFormat = {
  type: "mxfp4",
  blockValues: MX_VALUES,
  blockBytes: MX_BYTES,
  activationType: "q8_0",
  floatFields: { f16: [], f32: [] },
  unpack: unpackMx,
  dot: dotMx,
};

/** Half of an unsigned e4m3 number; 0 and 0x7f, which is no number, are 0. */
function nvScale(byte: number): number {
  if (byte === 0 || byte === 0x7f) return 0;
  const exponent = (byte >> 3) & 15;
  const mantissa = byte & 7;
  return exponent === 0 ? mantissa / 1024 : (1 + mantissa / 8) * 2 ** (exponent - 8);
}

function unpackNv(bytes: Uint8Array, out: Float32Array): void {
  for (let o = 0, v = 0; o < bytes.length; o += NV_BYTES, v += NV_VALUES) {
    for (let group = 0; group < 4; group++) {
      const d = nvScale(bytes[o + group]!);
      for (let j = 0; j < 8; j++) {
        const pair = bytes[o + 4 + 8 * group + j]!;
        out[v + 16 * group + j] = d * FP4_LEVELS[pair & 15]!;
        out[v + 16 * group + 8 + j] = d * FP4_LEVELS[pair >> 4]!;
      }
    }
  }
}

/** NVFP4 · Q8_0: for each 32 values the exact sums of two groups, each times its scale; their sum times the activations' scale. */
function dotNv(weights: Uint8Array, activations: Uint8Array): number {
  let sum = 0;
  for (let o = 0, a = 0; o < weights.length; o += NV_BYTES, a += 2 * Q8_0_BYTES) {
    for (let half = 0; half < 2; half++) {
      const at = a + half * Q8_0_BYTES;
      const first = nvGroup(weights, o, 2 * half, activations, at + 2);
      const second = nvGroup(weights, o, 2 * half + 1, activations, at + 18);
      sum = Math.fround(sum + Math.fround(Math.fround(first + second) * readF16(activations, at)));
    }
  }
  return sum;
}

function nvGroup(weights: Uint8Array, offset: number, group: number, activations: Uint8Array, at: number): number {
  let levels = 0;
  for (let j = 0; j < 8; j++) {
    const pair = weights[offset + 4 + 8 * group + j]!;
    const low = FP4_LEVELS[pair & 15]! * readI8(activations, at + j);
    const high = FP4_LEVELS[pair >> 4]! * readI8(activations, at + 8 + j);
    levels = (levels + low + high) | 0;
  }
  return Math.fround(nvScale(weights[offset + group]!) * levels);
}

export const nvfp4: BlockFormat = {
  type: "nvfp4",
  blockValues: NV_VALUES,
  blockBytes: NV_BYTES,
  activationType: "q8_0",
  floatFields: { f16: [], f32: [] },
  unpack: unpackNv,
  dot: dotNv,
};
