// The check of what the attention kernels themselves take on trust.

import { keysAndValues } from "../kv-type.ts";
import type { AttentionShape } from "./kernels.ts";

/** @throws RangeError unless sizes are counts, and `headDim` is even; TypeError for an unknown type of keys or values */
export function assertAttentionShape(shape: AttentionShape): void {
  for (const field of ["headDim", "headsPerKvHead", "contextTokens"] as const) {
    const value = shape[field];
    if (!Number.isInteger(value) || value < 1 || value > 0x7fffffff) {
      throw new RangeError(`"${field}" expected an integer from 1 to 2^31 - 1, got ${value}`);
    }
  }
  if (shape.headDim % 2 !== 0) throw new RangeError(`"headDim" expected an even number, got ${shape.headDim}`);
  keysAndValues(shape.kvType);
}
