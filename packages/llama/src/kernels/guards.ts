// Checks of what kernels themselves take on trust.

import type { AttentionShape } from "./kernels.ts";

/** Pointers below this are refused: the compiler folds small offsets into addresses because nothing lies here. */
export const LOWEST_POINTER = 1024;

/** @throws RangeError unless `byteLength` bytes at `pointer` lie inside `memory`, above `LOWEST_POINTER` */
export function assertMemorySpan(memory: WebAssembly.Memory, name: string, pointer: number, byteLength: number): void {
  const size = memory.buffer.byteLength;
  const isInside =
    Number.isSafeInteger(pointer) &&
    Number.isSafeInteger(byteLength) &&
    pointer >= LOWEST_POINTER &&
    byteLength >= 0 &&
    byteLength <= size - pointer;
  if (!isInside) {
    throw new RangeError(
      `"${name}" expected a span between ${LOWEST_POINTER} and ${size} bytes of memory, got ${pointer} + ${byteLength}`,
    );
  }
}

/** @throws RangeError unless sizes are counts, and `headDim` is even */
export function assertAttentionShape(shape: AttentionShape): void {
  for (const field of ["headDim", "headsPerKvHead", "contextTokens"] as const) {
    const value = shape[field];
    if (!Number.isInteger(value) || value < 1 || value > 0x7fffffff) {
      throw new RangeError(`"${field}" expected an integer from 1 to 2^31 - 1, got ${value}`);
    }
  }
  if (shape.headDim % 2 !== 0) throw new RangeError(`"headDim" expected an even number, got ${shape.headDim}`);
  if (shape.kvType !== "f16" && shape.kvType !== "f32") {
    throw new RangeError(`"kvType" expected "f16" or "f32", got ${JSON.stringify(shape.kvType)}`);
  }
}
