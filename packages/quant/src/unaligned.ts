// Floats inside blocks. A block may start at any byte, so no typed-array view reaches into it: its numbers are read and
// written byte by byte, little-endian.

import { f16Values, f32ToF16 } from "@ll/bytes";

const float = new Float32Array(1); // (1): one number, seen as a float …
const floatBits = new Int32Array(float.buffer); // (1): … and as its bits

/** Stores `value` rounded to binary32 and then to binary16: ties to even, too large to infinity. */
export function writeF16(bytes: Uint8Array, offset: number, value: number): void {
  const bits = f32ToF16(Math.fround(value));
  bytes[offset] = bits; // a byte array keeps the low 8 bits
  bytes[offset + 1] = bits >> 8;
}

export function readF16(bytes: Uint8Array, offset: number): number {
  return f16Values()[bytes[offset]! | (bytes[offset + 1]! << 8)]!;
}

/** Stores `value` rounded to binary32. */
export function writeF32(bytes: Uint8Array, offset: number, value: number): void {
  float[0] = value;
  writeI32(bytes, offset, floatBits[0]!);
}

export function readF32(bytes: Uint8Array, offset: number): number {
  floatBits[0] = readI32(bytes, offset);
  return float[0]!;
}

export function writeI32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value;
  bytes[offset + 1] = value >> 8;
  bytes[offset + 2] = value >> 16;
  bytes[offset + 3] = value >> 24;
}

export function readI32(bytes: Uint8Array, offset: number): number {
  return bytes[offset]! | (bytes[offset + 1]! << 8) | (bytes[offset + 2]! << 16) | (bytes[offset + 3]! << 24);
}

/** The byte at `offset` as a two's complement number, -128 … 127. */
export function readI8(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! << 24) >> 24;
}

export function writeI16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value;
  bytes[offset + 1] = value >> 8;
}

export function readI16(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset]! | (bytes[offset + 1]! << 8)) << 16) >> 16;
}
