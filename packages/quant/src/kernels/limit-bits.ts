// A limit of magnitudes as the bits of the type whose values are held against it.

import type { PackSource } from "./kernels.ts";

/** Bits of the largest finite binary16 number, 65504. */
const LARGEST_F16 = 0x7bff;

/** Bits of the largest number of type `source` that is not above `limit`, which is 65504 or more. */
export function limitBits(source: PackSource, limit: number): number {
  if (source === "f16") return LARGEST_F16;
  const bits = new Uint32Array(Float32Array.of(limit).buffer)[0] as number;
  return source === "bf16" ? bits >>> 16 : bits;
}
