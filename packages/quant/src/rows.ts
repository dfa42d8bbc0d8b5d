// Packing, unpacking and multiplying rows of any block type. A row is a sequence of whole blocks; every function also takes
// several rows at once, one after the other, because no block depends on another.

import type { BlockFormat, BlockType, NameIn } from "./block-format.ts";
import { formatOf } from "./block-types.ts";
import { assertBytes, assertFloats, assertLength, assertMultiple } from "./guards.ts";

/**
 * Packs `values` with the reference quantiser of build 803 of llama.cpp; f16 and bf16 are rounded to even.
 *
 * @param values (nBlocks * blockValues); NaN, an infinity or a value above `valueLimit` gives a block without meaning; `checkRows` finds
 *   blocks whose scale became infinite
 * @param out (nBlocks * blockBytes); a new array if absent; nothing else is allocated
 * @returns `out`
 * @throws RangeError for an unknown type, one that can only be read or a length that does not fit; TypeError for arrays of
 *   another kind
 */
export function packRows<T extends string>(
  type: NameIn<BlockType, T>,
  values: Float32Array,
  out?: Uint8Array,
): Uint8Array {
  return packWith(formatOf(type), values, out);
}

/**
 * Unpacks blocks to the values they mean.
 *
 * @param bytes (nBlocks * blockBytes), at any byte offset
 * @param out (nBlocks * blockValues); a new array if absent; nothing else is allocated
 * @returns `out`
 * @throws RangeError for an unknown type or a length that does not fit; TypeError for arrays of another kind
 */
export function unpackRows<T extends string>(
  type: NameIn<BlockType, T>,
  bytes: Uint8Array,
  out?: Float32Array,
): Float32Array {
  const format = formatOf(type);
  assertBytes(bytes, "bytes");
  assertMultiple(bytes.length, format.blockBytes, "bytes");
  const nValues = (bytes.length / format.blockBytes) * format.blockValues;
  const target = out ?? new Float32Array(nValues);
  assertFloats(target, "out");
  assertLength(target.length, nValues, "out");
  format.unpack(bytes, target);
  return target;
}

/** The first is that of ggml files, the second that of GGUF files. */
export const ARITHMETIC_NAMES = ["build803", "lanes"] as const;

/**
 * How numbers are rounded and summed where llama.cpp changed it: as build 803 did, or as this project does for GGUF files:
 * eight partial sums in binary32 (see lane-sums.ts), and Q8_K activations whose largest level is -127.
 */
export type ArithmeticName = (typeof ARITHMETIC_NAMES)[number];

/**
 * Packs a vector as `dot` wants it for rows of `type`: q8_0, q8_1 or q8_K levels, binary16 for f16, copied for f32.
 *
 * @param type of the weights; the name of an activation type does the same
 * @param values (nBlocks * blockValues)
 * @param out (nBlocks * blockBytes of the activation type); a new array if absent; nothing else is allocated
 * @returns `out`
 * @throws RangeError for an unknown type or a length that does not fit; TypeError for arrays of another kind
 */
export function packActivation<T extends string>(
  type: NameIn<BlockType, T>,
  values: Float32Array,
  out?: Uint8Array,
  arithmetic: ArithmeticName = "build803",
): Uint8Array {
  const format = formatOf(formatOf(type).activationType);
  return packWith(format, values, out, arithmetic === "lanes" ? (format.packForLanes ?? format.pack) : format.pack);
}

/**
 * Dot product of a row of weights with a packed activation row, in the summation order of the portable build 803
 * where it knows the type.
 *
 * @param weightRow (nBlocks * blockBytes)
 * @param activationRow what `packActivation` of as many values gives
 * @returns a binary32 number
 * @throws RangeError for an unknown type, one without rows (q8_1, q8_K) or a length that does not fit
 */
export function dot<T extends string>(
  type: NameIn<BlockType, T>,
  weightRow: Uint8Array,
  activationRow: Uint8Array,
  arithmetic: ArithmeticName = "build803",
): number {
  const format = formatOf(type);
  if (format.dot === undefined) throw new RangeError(`"type" expected a type of weights, got ${type}`);
  assertMultiple(weightRow.length, format.blockBytes, "weightRow");
  const partner = formatOf(format.activationType); // its blocks hold as many values, or a whole part of them
  const nValues = (weightRow.length / format.blockBytes) * format.blockValues;
  assertLength(activationRow.length, (nValues / partner.blockValues) * partner.blockBytes, "activationRow");
  const { laneDot = format.dot } = format;
  return arithmetic === "lanes" ? laneDot(weightRow, activationRow) : format.dot(weightRow, activationRow);
}

/**
 * `dot` with a vector that is packed first; to multiply one vector with many rows, pack it once instead.
 *
 * @param x (nBlocks * blockValues)
 * @throws as `dot` and `packActivation`
 */
export function dotValues<T extends string>(
  type: NameIn<BlockType, T>,
  weightRow: Uint8Array,
  x: Float32Array,
): number {
  return dot(type, weightRow, packActivation(type, x));
}

function packWith(
  format: BlockFormat,
  values: Float32Array,
  out: Uint8Array | undefined,
  pack: BlockFormat["pack"] = format.pack,
): Uint8Array {
  if (pack === undefined) throw new RangeError(`"type" expected a type that can be packed, got ${format.type}`);
  assertFloats(values, "values");
  assertMultiple(values.length, format.blockValues, "values");
  const nBytes = (values.length / format.blockValues) * format.blockBytes;
  const target = out ?? new Uint8Array(nBytes);
  assertBytes(target, "out");
  assertLength(target.length, nBytes, "out");
  pack(values, target);
  return target;
}
