// Histograms of levels in 16 bins, for the types where build 803 of llama.cpp prints one.

/** Adds every nibble of the 16 bytes at `levelsOffset` of each block to `counts` (16). */
export function countNibbles(bytes: Uint8Array, blockBytes: number, levelsOffset: number, counts: Float64Array): void {
  for (let o = levelsOffset; o < bytes.length; o += blockBytes) {
    for (let j = 0; j < 16; j++) {
      counts[bytes[o + j]! & 15]! += 1;
      counts[bytes[o + j]! >> 4]! += 1;
    }
  }
}

/** Adds every 5-bit level, halved, to `counts` (16). A block has 4 bytes of fifth bits, then 16 of nibbles. */
export function countFiveBits(bytes: Uint8Array, blockBytes: number, bitsOffset: number, counts: Float64Array): void {
  for (let o = bitsOffset; o < bytes.length; o += blockBytes) {
    for (let j = 0; j < 16; j++) {
      countFiveBit(counts, bytes[o + 4 + j]! & 15, fifthBit(bytes, o, j));
      countFiveBit(counts, bytes[o + 4 + j]! >> 4, fifthBit(bytes, o, j + 16));
    }
  }
}

/**
 * The counts that build 803 prints instead: it steps the bit number by 2 where it steps the byte by 1, and so pairs the
 * nibbles of byte k with the fifth bits 2k and 2k + 16. Shift counts past 31 wrap on x86, hence the two special cases.
 */
export function countFiveBitsAsPrinted(
  bytes: Uint8Array,
  blockBytes: number,
  bitsOffset: number,
  counts: Float64Array,
): void {
  for (let o = bitsOffset; o < bytes.length; o += blockBytes) {
    for (let j = 0; j < 32; j += 2) {
      const high = j < 16 ? fifthBit(bytes, o, j + 16) : j < 20 ? 0 : fifthBit(bytes, o, j - 16);
      countFiveBit(counts, bytes[o + 4 + j / 2]! & 15, fifthBit(bytes, o, j));
      countFiveBit(counts, bytes[o + 4 + j / 2]! >> 4, high);
    }
  }
}

function countFiveBit(counts: Float64Array, nibble: number, bit: number): void {
  counts[(nibble | (bit << 4)) >> 1]! += 1;
}

/** Fifth bit of value `j` (0 … 31); `bitsOffset` is that of the block's 4 bytes of fifth bits. */
function fifthBit(bytes: Uint8Array, bitsOffset: number, j: number): number {
  return (bytes[bitsOffset + (j >> 3)]! >> (j & 7)) & 1;
}
