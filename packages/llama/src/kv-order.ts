// Keys and values between the order of a session file and the parts that an engine holds.
//
//   file   keys (layer, position, head), then values (layer, head)
//   part   of one layer and the heads of one part: keys (position, own head), then values (own head)

import { type Range, sizeOf } from "./team/ranges.ts";

/** One layer. */
export interface KvLayer {
  readonly nHeads: number;
  /** Of a head's key of one position. */
  readonly keyBytes: number;
  /** Of a head's value of one position. */
  readonly valueBytes: number;
}

export interface KvShape {
  readonly layers: readonly KvLayer[];
  readonly nTokens: number;
}

/** Copies the part with `heads` into `file`, or out of it. */
function copyPart(
  file: Uint8Array,
  part: Uint8Array,
  { layers, nTokens }: KvShape,
  layer: number,
  heads: Range,
  toFile: boolean,
): void {
  const sum = (of: readonly KvLayer[], bytes: "keyBytes" | "valueBytes"): number =>
    of.reduce((total, one) => total + one.nHeads * one[bytes], 0);
  const { nHeads, keyBytes, valueBytes } = layers[layer]!;
  const before = layers.slice(0, layer);
  const nOwn = sizeOf(heads);
  const copy = (fileOffset: number, partOffset: number, bytes: number): void => {
    if (toFile) file.set(part.subarray(partOffset, partOffset + bytes), fileOffset);
    else part.set(file.subarray(fileOffset, fileOffset + bytes), partOffset);
  };
  const keys = sum(before, "keyBytes") * nTokens + heads.start * keyBytes;
  for (let t = 0; t < nTokens; t++) copy(keys + t * nHeads * keyBytes, t * nOwn * keyBytes, nOwn * keyBytes);
  const values = (sum(layers, "keyBytes") + sum(before, "valueBytes") + heads.start * valueBytes) * nTokens;
  copy(values, nTokens * nOwn * keyBytes, nTokens * nOwn * valueBytes);
}

/** Puts a part of a layer where it belongs in `file`. */
export function gatherPart(file: Uint8Array, part: Uint8Array, shape: KvShape, layer: number, heads: Range): void {
  copyPart(file, part, shape, layer, heads, true);
}

/** The part of a layer with `heads`. */
export function partOf(file: Uint8Array, shape: KvShape, layer: number, heads: Range): Uint8Array<ArrayBuffer> {
  const { keyBytes, valueBytes } = shape.layers[layer]!;
  const part = new Uint8Array(shape.nTokens * sizeOf(heads) * (keyBytes + valueBytes));
  copyPart(file, part, shape, layer, heads, false);
  return part;
}
