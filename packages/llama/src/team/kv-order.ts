// Keys and values between the order of a session file and the parts that shards hold.
//
//   file   keys (layer, position, channel), then values (layer, channel, position)
//   part   of one layer and the channels of one shard: keys (position, own channel), then values (own channel, position)

import { type Range, sizeOf } from "./ranges.ts";

export interface KvShape {
  /** Channels of all key heads, of each layer. */
  readonly kvDims: readonly number[];
  readonly nTokens: number;
  /** 2 or 4. */
  readonly elementBytes: number;
}

/** Copies the part with `channels` into `file`, or out of it. */
function copyPart(
  file: Uint8Array,
  part: Uint8Array,
  shape: KvShape,
  layer: number,
  channels: Range,
  toFile: boolean,
): void {
  const { kvDims, nTokens, elementBytes } = shape;
  const bytesOf = (dims: readonly number[]): number => dims.reduce((sum, dim) => sum + dim, 0) * elementBytes;
  const rowBytes = kvDims[layer]! * elementBytes;
  const before = bytesOf(kvDims.slice(0, layer)); // of a position in the layers before
  const ownBytes = sizeOf(channels) * elementBytes;
  const copy = (fileOffset: number, partOffset: number, bytes: number): void => {
    if (toFile) file.set(part.subarray(partOffset, partOffset + bytes), fileOffset);
    else part.set(file.subarray(fileOffset, fileOffset + bytes), partOffset);
  };
  const keys = before * nTokens + channels.start * elementBytes;
  for (let t = 0; t < nTokens; t++) copy(keys + t * rowBytes, t * ownBytes, ownBytes);
  const values = (bytesOf(kvDims) + before) * nTokens + channels.start * nTokens * elementBytes;
  copy(values, nTokens * ownBytes, nTokens * ownBytes);
}

/** Puts a shard's part of a layer where it belongs in `file`. */
export function gatherPart(file: Uint8Array, part: Uint8Array, shape: KvShape, layer: number, channels: Range): void {
  copyPart(file, part, shape, layer, channels, true);
}

/** A shard's part of a layer. */
export function partOf(file: Uint8Array, shape: KvShape, layer: number, channels: Range): Uint8Array<ArrayBuffer> {
  const part = new Uint8Array(2 * shape.nTokens * sizeOf(channels) * shape.elementBytes);
  copyPart(file, part, shape, layer, channels, false);
  return part;
}
