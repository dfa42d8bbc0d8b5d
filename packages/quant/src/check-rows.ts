// Looks for blocks whose scale is no number. Build 803 of llama.cpp loads them and computes NaN.

import { readBf16 } from "./bf16.ts";
import { formatOf } from "./block-types.ts";
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

/**
 * Checks that every floating-point field (scales and minimums; the values themselves for f16 and f32) is finite.
 *
 * @param bytes (nBlocks * blockBytes)
 * @throws WeightError `E_NUMBER` naming tensor and block, with `offset` counted from the tensor's first byte;
 *   RangeError for an unknown type or a length that does not fit
 */
export function checkRows(type: string, bytes: Uint8Array, origin: CheckOrigin = {}): void {
  const { blockBytes, floatFields } = formatOf(type);
  assertBytes(bytes, "bytes");
  assertMultiple(bytes.length, blockBytes, "bytes");
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
