// Rows of weights to be timed.

import { blockInfo } from "../src/index.ts";

/** Random levels, with scales like those of real files: subnormal ones make every kernel slow. */
export function fillRows(bytes: Uint8Array, type: string): void {
  const { blockBytes } = blockInfo(type);
  let state = 1;
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  // of the binary16 fields; 2^-60 for binary32 and bfloat16, 2^-6 for MXFP4
  const upperBytes: Readonly<Record<string, readonly number[]>> = {
    f32: [3],
    q4_1: [1, 3],
    q5_1: [1, 3],
    mxfp4: [0],
    q2_K: [81, 83],
    q3_K: [109],
    q4_K: [1, 3],
    q5_K: [1, 3],
    q6_K: [209],
    iq1_m: [49, 51, 53, 55],
    tq1_0: [53],
    tq2_0: [65],
    nvfp4: [0, 1, 2, 3],
  };
  const upper = type === "f32" || type === "bf16" ? 0x3c : type === "mxfp4" ? 0x7a : 0x21;
  for (let o = 0; o < bytes.length; o += blockBytes) {
    for (const at of upperBytes[type] ?? [1]) bytes[o + at] = upper;
  }
}
