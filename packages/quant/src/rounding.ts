// The two ways in which build 803 of llama.cpp turns a binary32 number into an integer level, with its answers for numbers
// that no level can hold (they come from blocks whose scale overflows or underflows).

const float = new Float32Array(1); // (1)
const floatBits = new Int32Array(float.buffer); // (1): the same number as bits

/** 1.5 · 2^23: adding it to a binary32 number below 2^22 rounds that number to an integer, ties to even. */
const ROUNDER = 12582912;

/**
 * `value` rounded to an integer, ties to even, for |value| < 2^22; NaN gives 0. Outside that range the result is what the
 * bits of the sum happen to say (an infinity gives -4194304), as in build 803.
 */
export function nearestInt(value: number): number {
  const sum = Math.fround(value + ROUNDER);
  if (sum >= 0x800000 && sum < 0x1000000) return (sum - ROUNDER) | 0;
  float[0] = sum;
  return (floatBits[0]! & 0x7fffff) - 0x400000;
}

/** `nearestInt` held between `low` and `high`. */
export function nearestLevel(value: number, low: number, high: number): number {
  const level = nearestInt(value);
  // branches, which mostly go one way: Math.min and Math.max made packing Q2_K 1.5× slower in bench/rows.ts
  if (level < low) return low;
  if (level > high) return high;
  return level;
}

/** `value` rounded to an integer, ties away from zero (C's roundf), as an int8; NaN and infinities give 0, as on x86. */
export function roundToInt8(value: number): number {
  // the sum is formed in double and is exact there; |0 cuts towards zero
  return (value + (value < 0 ? -0.5 : 0.5)) | 0;
}
