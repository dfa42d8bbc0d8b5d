// The check of what the attention kernels themselves take on trust.

import type { AttentionShape } from "./kernels.ts";

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
