// What packing did to values: how the levels are spread and how far the values moved.

import type { BlockType, NameIn } from "./block-format.ts";
import { formatOf } from "./block-types.ts";
import { assertBytes, assertFloats, assertLength, assertMultiple } from "./guards.ts";

/** Bins of every histogram. */
const BINS = 16;

/** Blocks unpacked at a time. */
const BLOCKS_PER_STEP = 64;

export interface PackStats {
  /**
   * How often each level occurs, in 16 bins: 4-bit levels one by one, 5-bit levels in pairs, q8_0 levels in steps of 16
   * (bin 8 holds -15 … 15); all zero for other types.
   */
  readonly histogram: Float64Array; // (16)
  /** Root of the mean squared difference between a value and what it unpacks to; 0 without values. */
  readonly rmse: number;
  /** Largest such difference. */
  readonly maxError: number;
}

/**
 * Compares `values` (nBlocks * blockValues) with the blocks they were packed to (nBlocks * blockBytes). The histogram counts
 * what is there; the one that build 803 of llama.cpp prints is `toolHistogram`.
 *
 * @throws RangeError for an unknown type or a length that does not fit; TypeError for arrays of another kind
 */
export function packStats<T extends string>(
  type: NameIn<BlockType, T>,
  values: Float32Array,
  packed: Uint8Array,
): PackStats {
  const format = formatOf(type);
  assertFloats(values, "values");
  assertBytes(packed, "packed");
  assertMultiple(values.length, format.blockValues, "values");
  assertLength(packed.length, (values.length / format.blockValues) * format.blockBytes, "packed");

  const histogram = new Float64Array(BINS); // (16)
  format.countLevels?.(packed, histogram);

  const stepValues = BLOCKS_PER_STEP * format.blockValues;
  const stepBytes = BLOCKS_PER_STEP * format.blockBytes;
  const unpacked = new Float32Array(stepValues); // (stepValues)
  let squares = 0;
  let maxError = 0;
  for (let v = 0, o = 0; v < values.length; v += stepValues, o += stepBytes) {
    const count = Math.min(stepValues, values.length - v);
    format.unpack(packed.subarray(o, o + stepBytes), unpacked.subarray(0, count));
    for (let i = 0; i < count; i++) {
      const error = Math.abs(values[v + i]! - unpacked[i]!);
      squares += error * error;
      maxError = Math.max(maxError, error);
    }
  }
  return { histogram, rmse: values.length === 0 ? 0 : Math.sqrt(squares / values.length), maxError };
}

/**
 * Adds the histogram that build 803 of llama.cpp prints for these blocks to `counts`. For q5_0 and q5_1 that program pairs
 * levels with the wrong fifth bits; its counts are reproduced as they are. K types, f16 and f32 count nothing.
 *
 * @param packed (nBlocks * blockBytes)
 * @param counts (16); new zeros if absent
 * @returns `counts`
 * @throws RangeError for an unknown type or a length that does not fit; TypeError for arrays of another kind
 */
export function toolHistogram<T extends string>(
  type: NameIn<BlockType, T>,
  packed: Uint8Array,
  counts: Float64Array = new Float64Array(BINS),
): Float64Array {
  const format = formatOf(type);
  assertBytes(packed, "packed");
  assertMultiple(packed.length, format.blockBytes, "packed");
  assertLength(counts.length, BINS, "counts");
  (format.countLevelsAsPrinted ?? format.countLevels)?.(packed, counts);
  return counts;
}
