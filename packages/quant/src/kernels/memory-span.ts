// The check of pointers that kernels themselves leave out.

import { LOWEST_POINTER } from "./kernels.ts";
import type { WasmMemory } from "./web-assembly.ts";

/** @throws RangeError unless `byteLength` bytes at `pointer` lie inside `memory`, above `LOWEST_POINTER` */
export function assertMemorySpan(memory: WasmMemory, name: string, pointer: number, byteLength: number): void {
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
