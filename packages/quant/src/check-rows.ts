// Looks for blocks whose scale is no number. Build 803 of llama.cpp loads them and computes NaN.

import { readBf16 } from "./bf16.ts";
import type { BlockType, FloatFields, NameIn } from "./block-format.ts";
import { blockInfo, formatOf } from "./block-types.ts";
import { WeightError } from "./errors.ts";
import { assertBytes, assertMultiple } from "./guards.ts";
import { readF16, readF32 } from "./unaligned.ts";

/** Where the bytes come from, for the error. */
export interface CheckOrigin {
  /** Name of the tensor. */
  readonly tensor?: string;
  /** Name of the file. */
  readonly file?: string;
  /** Number of the first block in its tensor, where the bytes are a piece of one. */
  readonly firstBlock?: number;
}

/** Largest magnitude that rounds to a binary16 number and not to infinity: below 65520, as binary32. */
const F16_LIMIT = 65519.99609375;

/**
 * Beyond what any scale of any block type can express (q6_K: 65504 · 128 · 32), and so small that no quantiser overflows on its
 * way to a scale: from there on the scale itself is infinite, which `checkRows` sees.
 */
const BLOCK_LIMIT: number = 2 ** 32;

const F32_LIMIT = 3.4028234663852886e38;

/**
 * Largest magnitude of a value that can be packed to `type`; what is above, and NaN, gives a block without meaning. For block
 * types some smaller values are too large as well: `checkRows` finds them in what they were packed to.
 *
 * @throws RangeError for an unknown type
 */
export function valueLimit<T extends string>(type: NameIn<BlockType, T>): number {
  if (blockInfo(type).isQuantized) return BLOCK_LIMIT;
  return type === "f16" ? F16_LIMIT : F32_LIMIT;
}

/**
 * Checks that every floating-point field (scales and minimums; the values themselves for f16 and f32) is finite.
 *
 * @param bytes (nBlocks * blockBytes)
 * @throws WeightError `E_NUMBER` naming tensor and block, with `offset` counted from the tensor's first byte;
 *   RangeError for an unknown type or a length that does not fit
 */
export function checkRows<T extends string>(
  type: NameIn<BlockType, T>,
  bytes: Uint8Array,
  origin: CheckOrigin = {},
): void {
  const { blockBytes, floatFields, scatteredScale } = formatOf(type);
  assertBytes(bytes, "bytes");
  assertMultiple(bytes.length, blockBytes, "bytes");
  for (let o = 0; scatteredScale !== undefined && o < bytes.length; o += blockBytes) {
    const value = scatteredScale(bytes, o);
    if (!Number.isFinite(value)) refuse(type, value, o, 0, blockBytes, origin);
  }
  if (allFinite(bytes, blockBytes, floatFields)) return;
  for (let o = 0; o < bytes.length; o += blockBytes) {
    // an exponent of all ones: infinity or NaN
    for (const field of floatFields.f16) {
      if ((bytes[o + field + 1]! & 0x7c) === 0x7c)
        refuse(type, readF16(bytes, o + field), o, field, blockBytes, origin);
    }
    for (const field of floatFields.bf16 ?? []) {
      const value = readBf16(bytes, o + field);
      if (!Number.isFinite(value)) refuse(type, value, o, field, blockBytes, origin);
    }
    for (const field of floatFields.f32) {
      const value = readF32(bytes, o + field);
      if (!Number.isFinite(value)) refuse(type, value, o, field, blockBytes, origin);
    }
  }
}

/** One pass per field, without a branch: packing to q4_0 takes 13 ns per block, this takes 1. */
function allFinite(bytes: Uint8Array, blockBytes: number, { f16, bf16 = [], f32 }: FloatFields): boolean {
  let found = 0;
  for (const field of f16) {
    for (let o = field + 1; o < bytes.length; o += blockBytes) found |= (bytes[o]! & 0x7c) + 0x04;
  }
  for (const field of [...bf16, ...f32.map((first) => first + 2)]) {
    for (let o = field; o < bytes.length; o += blockBytes) {
      found |= ((((bytes[o + 1]! & 0x7f) << 1) | (bytes[o]! >> 7)) + 1) >> 1;
    }
  }
  return (found & 0x80) === 0;
}

function refuse(
  type: string,
  value: number,
  blockOffset: number,
  field: number,
  blockBytes: number,
  origin: CheckOrigin,
): never {
  const firstBlock = origin.firstBlock ?? 0;
  const block = firstBlock + blockOffset / blockBytes;
  throw new WeightError({
    code: "E_NUMBER",
    file: origin.file,
    offset: firstBlock * blockBytes + blockOffset + field,
    field: `${origin.tensor ?? "tensor"}.block[${block}]`,
    expected: "a finite number",
    got: String(value),
    message: `${type} block ${block} holds ${value} where a finite number belongs`,
  });
}
