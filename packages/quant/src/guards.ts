// Checks of arguments. What they refuse is a mistake of the caller, not of a file.

import { isBytes, isTypedArray, kindOf } from "@ll/bytes";

export function assertCount(count: number, name: string): void {
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new RangeError(`"${name}" expected an integer >= 0, got ${String(count)}`);
  }
}

export function assertFloats(values: Float32Array, name: string): void {
  if (!isTypedArray(values, "Float32Array"))
    throw new TypeError(`"${name}" expected a Float32Array, got ${kindOf(values)}`);
}

export function assertBytes(bytes: Uint8Array, name: string): void {
  if (!isBytes(bytes)) throw new TypeError(`"${name}" expected a Uint8Array, got ${kindOf(bytes)}`);
}

export function assertMultiple(length: number, unit: number, name: string): void {
  if (length % unit !== 0)
    throw new RangeError(`"${name}" expected a length that is a multiple of ${unit}, got ${length}`);
}

export function assertLength(length: number, expected: number, name: string): void {
  if (length !== expected) throw new RangeError(`"${name}" expected length ${expected}, got ${length}`);
}
