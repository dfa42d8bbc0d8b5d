// Packing rows for GGUF files as llama.cpp does today: more types than build 803 knows, other fits for the K types, and weights that say
// which columns of a matrix matter most.

import type { BlockType, NameIn } from "../block-format.ts";
import { formatOf } from "../block-types.ts";
import { assertBytes, assertFloats, assertLength, assertMultiple } from "../guards.ts";
import type { GgufPack } from "./fits.ts";
import { packQ4_0, packQ4_1, packQ5_0, packQ5_1 } from "./four-five-bits.ts";
import { packIq4Nl, packIq4Xs } from "./iq4.ts";
import { packQ2K, packQ3K, packQ4K, packQ5K, packQ6K } from "./k-types.ts";
import { packMxfp4, packQ1_0, packQ2_0, packTq1, packTq2 } from "./small-types.ts";

/** Types that build 803 cannot pack, or packs to other bytes. */
const PACKERS: ReadonlyMap<string, GgufPack> = /* @__PURE__ */ new Map([
  ["q2_K", packQ2K],
  ["q3_K", packQ3K],
  ["q4_K", packQ4K],
  ["q5_K", packQ5K],
  ["q6_K", packQ6K],
  ["iq4_nl", packIq4Nl],
  ["iq4_xs", packIq4Xs],
  ["mxfp4", packMxfp4],
  ["tq1_0", packTq1],
  ["tq2_0", packTq2],
  ["q1_0", packQ1_0],
  ["q2_0", packQ2_0],
]);

/** Types that are packed as in build 803, unless there are weights. */
const WEIGHTED_PACKERS: ReadonlyMap<string, GgufPack> = /* @__PURE__ */ new Map([
  ["q4_0", packQ4_0],
  ["q4_1", packQ4_1],
  ["q5_0", packQ5_0],
  ["q5_1", packQ5_1],
]);

/** Types that only activations use. */
const ACTIVATION_TYPES: ReadonlySet<string> = /* @__PURE__ */ new Set(["q8_1", "q8_K"]);

/** Whether `packGgufRows` makes rows of this type: f32, f16, bf16 and the block types but IQ1, IQ2, IQ3 and NVFP4. @throws RangeError */
export function canPackGguf<T extends string>(type: NameIn<BlockType, T>): boolean {
  return PACKERS.has(type) || (formatOf(type).pack !== undefined && !ACTIVATION_TYPES.has(type));
}

/** Whether importance changes rows of this type. */
export function knowsImportance<T extends string>(type: NameIn<BlockType, T>): boolean {
  return WEIGHTED_PACKERS.has(type) || WEIGHTED_K_OR_IQ4.test(type);
}

const WEIGHTED_K_OR_IQ4 = /^(q[2-6]_K|iq4_nl|iq4_xs)$/;

/**
 * Whether `packGgufRows` without importance gives the bytes of `packRows`. Q3_K differs only where all values of a group are below 1e-15,
 * and binary16 has no such numbers but zero.
 */
export function packsAlike<T extends string>(type: NameIn<BlockType, T>, valuesFrom: string): boolean {
  return !PACKERS.has(type) || (type === "q3_K" && valuesFrom === "f16");
}

/**
 * Packs `values` as the quantizer of llama.cpp does for GGUF files (ggml 0.20.2, August 2026), to the bit.
 *
 * @param values (nBlocks * blockValues), or (nRows * rowValues) with `importance`; what `packRows` says of NaN and large values holds here
 * @param out (nBlocks * blockBytes); a new array if absent
 * @param importance (rowValues) how much each value of a row matters, for every row the same: finite, not negative. MXFP4, Q8_0, the
 *   ternary types, Q1_0, Q2_0 and floating-point types do not know it
 * @returns `out`
 * @throws RangeError for an unknown type, one that cannot be packed or a length that does not fit; TypeError for arrays of another kind
 */
export function packGgufRows<T extends string>(
  type: NameIn<BlockType, T>,
  values: Float32Array,
  out?: Uint8Array,
  importance?: Float32Array,
): Uint8Array {
  const { blockValues, blockBytes, pack } = formatOf(type);
  const weights = importance !== undefined && knowsImportance(type) ? importance : undefined;
  const packer = PACKERS.get(type) ?? (weights && WEIGHTED_PACKERS.get(type)) ?? pack;
  if (packer === undefined || !canPackGguf(type)) {
    throw new RangeError(`"type" expected a type that can be packed, got ${type}`);
  }
  assertFloats(values, "values");
  assertMultiple(values.length, blockValues, "values");
  if (weights !== undefined) {
    assertFloats(weights, "importance");
    assertMultiple(weights.length, blockValues, "importance");
    // no rows at all are whole rows of any length
    assertMultiple(values.length, Math.max(1, weights.length), "values");
  }
  const nBytes = (values.length / blockValues) * blockBytes;
  const target = out ?? new Uint8Array(nBytes);
  assertBytes(target, "out");
  assertLength(target.length, nBytes, "out");
  packer(values, target, weights);
  return target;
}
