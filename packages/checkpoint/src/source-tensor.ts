// A tensor that is somewhere: its bytes are read when they are asked for, never kept.

import { assertSpan, type ByteSource, type SourceTensor } from "@ll/bytes";

/** Bytes per element of every type that a checkpoint may hold. */
export const ELEMENT_BYTES: ReadonlyMap<string, number> = new Map([
  ["f64", 8],
  ["f32", 4],
  ["f16", 2],
  ["bf16", 2],
  ["f8_e4m3", 1],
  ["f8_e5m2", 1],
  ["i64", 8],
  ["i32", 4],
  ["i16", 2],
  ["i8", 1],
  ["u64", 8],
  ["u32", 4],
  ["u16", 2],
  ["u8", 1],
  ["bool", 1],
]);

/** Bytes per element of a type that is known to be in `ELEMENT_BYTES`. */
export function elementBytes(type: string): number {
  const bytes = ELEMENT_BYTES.get(type);
  if (bytes === undefined) throw new TypeError(`"type" expected an element type, got ${JSON.stringify(type)}`);
  return bytes;
}

/** Number of elements of a shape, or undefined if it is over 2^53 − 1. */
export function countElements(shape: readonly number[]): number | undefined {
  let product = 1n;
  for (const size of shape) product *= BigInt(size);
  return product > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : Number(product);
}

/** A tensor whose bytes lie in one piece at `dataOffset` of `source`. The caller has checked that they do. */
export function spanTensor(
  name: string,
  type: string,
  shape: readonly number[],
  source: Pick<ByteSource, "read">,
  dataOffset: number,
  byteLength: number,
): SourceTensor {
  return {
    name,
    type,
    shape,
    byteLength,
    async read(offset, target) {
      assertSpan(offset, target.byteLength, byteLength);
      await source.read(dataOffset + offset, target);
    },
  };
}

/** The same tensor under another name. */
export function renamed(tensor: SourceTensor, name: string): SourceTensor {
  return spanTensor(name, tensor.type, tensor.shape, tensor, 0, tensor.byteLength);
}
