// 256 two-bit levels in 64 bytes, as in Q2_K and Q3_K: byte 32·h + l holds the levels of values l, l+32, l+64 and l+96 of
// half h (128 values), lowest bits first.

/** Stores `levels` (256), each 0 … 3. */
export function packTwoBitLevels(levels: Uint8Array, out: Uint8Array, offset: number): void {
  for (let half = 0; half < 2; half++) {
    for (let l = 0; l < 32; l++) {
      const i = 128 * half + l;
      const low = levels[i]! | (levels[i + 32]! << 2);
      out[offset + 32 * half + l] = low | (levels[i + 64]! << 4) | (levels[i + 96]! << 6);
    }
  }
}

/** Level of value `i` (0 … 255). */
export function twoBitLevel(bytes: Uint8Array, offset: number, i: number): number {
  return (bytes[offset + 32 * (i >> 7) + (i & 31)]! >> (2 * ((i >> 5) & 3))) & 3;
}
