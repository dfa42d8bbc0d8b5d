// What binary16 conversions must give, by an independent implementation.

import { getFloat16, setFloat16 } from "@petamoriken/float16";
import { expect } from "vitest";
import { encodeF16, f32ToF16 } from "../src/index.ts";

const view = new DataView(new ArrayBuffer(2));

/** The value of a binary16 bit pattern. */
export function oracleValue(bits: number): number {
  view.setUint16(0, bits);
  return getFloat16(view, 0);
}

/** The binary16 bit pattern nearest to a value. */
function oracleBits(value: number): number {
  setFloat16(view, 0, value);
  return view.getUint16(0);
}

/** Every `stride`-th bit pattern of binary32, but NaN, whose bits are not the oracle's business. */
export function sampleOfF32(stride: number): Float32Array {
  const bits = Uint32Array.from({ length: Math.floor(2 ** 32 / stride) }, (_, i) => i * stride);
  return new Float32Array(bits.buffer).filter((value) => !Number.isNaN(value));
}

/** Checks both encoders on `values`, bulk and single. */
export function checkEncoding(values: Float32Array): void {
  const bulk = encodeF16(values, new Uint16Array(values.length));
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    const expected = oracleBits(value);
    if (bulk[i] !== expected)
      expect.unreachable(`encodeF16(${value}) = ${bulk[i]?.toString(16)}, not ${expected.toString(16)}`);
    if (f32ToF16(value) !== expected) expect.unreachable(`f32ToF16(${value}), not ${expected.toString(16)}`);
  }
}
