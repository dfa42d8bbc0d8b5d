// What tensors that are packed may be made of: the block types of @ll/quant, and bfloat16.

import { decodeBf16 } from "@ll/bytes";
import { blockInfo, unpackRows } from "@ll/quant";

/** The unit in which values of a type lie in a tensor. @throws RangeError for an unknown type */
export function sourceBlock(type: string): { readonly blockValues: number; readonly blockBytes: number } {
  return type === "bf16" ? { blockValues: 1, blockBytes: 2 } : blockInfo(type);
}

/** Fills `values` from the bytes that they take, whole blocks at a multiple of 2. */
export function unpackSource(type: string, bytes: Uint8Array, values: Float32Array): void {
  if (type === "bf16") decodeBf16(new Uint16Array(bytes.buffer, bytes.byteOffset, values.length), values);
  else unpackRows(type, bytes, values);
}
