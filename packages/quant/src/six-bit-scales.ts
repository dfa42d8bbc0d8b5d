// Sixteen 6-bit numbers in 12 bytes, in the two arrangements of the K types.
// Facts: llama.cpp build 803, get_scale_min_k4 and quantize_row_q3_K_reference.

// Q4_K and Q5_K: 8 scales and 8 minimums.
//
//   bytes 0-3    scale j      (6 bits) │ bits 4-5 of scale j+4  in bits 6-7      j = 0 … 3
//   bytes 4-7    minimum j    (6 bits) │ bits 4-5 of minimum j+4 in bits 6-7
//   bytes 8-11   bits 0-3 of scale j+4 │ bits 0-3 of minimum j+4 in bits 4-7

/** Stores `scales` (8) and `mins` (8), each 0 … 63. */
export function packScalesAndMins(scales: Uint8Array, mins: Uint8Array, out: Uint8Array, offset: number): void {
  for (let j = 0; j < 4; j++) {
    out[offset + j] = scales[j]! | ((scales[j + 4]! >> 4) << 6);
    out[offset + j + 4] = mins[j]! | ((mins[j + 4]! >> 4) << 6);
    out[offset + j + 8] = (scales[j + 4]! & 15) | ((mins[j + 4]! & 15) << 4);
  }
}

export function scaleOf(bytes: Uint8Array, offset: number, j: number): number {
  if (j < 4) return bytes[offset + j]! & 63;
  return (bytes[offset + j + 4]! & 15) | ((bytes[offset + j - 4]! >> 6) << 4);
}

export function minOf(bytes: Uint8Array, offset: number, j: number): number {
  if (j < 4) return bytes[offset + j + 4]! & 63;
  return (bytes[offset + j + 4]! >> 4) | ((bytes[offset + j]! >> 6) << 4);
}

// Q3_K: 16 scales.
//
//   bytes 0-7    bits 0-3 of scale j │ bits 0-3 of scale j+8                     j = 0 … 7
//   bytes 8-11   bits 4-5 of scales j, j+4, j+8, j+12                            j = 0 … 3

/** Stores `scales` (16), each 0 … 63. */
export function packSixteenScales(scales: Uint8Array, out: Uint8Array, offset: number): void {
  for (let j = 0; j < 8; j++) out[offset + j] = (scales[j]! & 15) | ((scales[j + 8]! & 15) << 4);
  for (let j = 0; j < 4; j++) {
    const low = (scales[j]! >> 4) | ((scales[j + 4]! >> 4) << 2);
    out[offset + 8 + j] = low | ((scales[j + 8]! >> 4) << 4) | ((scales[j + 12]! >> 4) << 6);
  }
}

export function sixteenthScaleOf(bytes: Uint8Array, offset: number, j: number): number {
  const low = j < 8 ? bytes[offset + j]! & 15 : bytes[offset + j - 8]! >> 4;
  return low | (((bytes[offset + 8 + (j & 3)]! >> (2 * (j >> 2))) & 3) << 4);
}
