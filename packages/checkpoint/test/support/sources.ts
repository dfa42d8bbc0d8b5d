// Byte sources that watch how they are read.

import { type ByteSource, memorySource } from "@ll/bytes";

export interface CountingSource extends ByteSource {
  reads: number;
  bytesRead: number;
  largestRead: number;
}

export function countingSource(bytes: Uint8Array, name = "counted"): CountingSource {
  const source = memorySource(bytes, name);
  const counting: CountingSource = {
    name,
    byteLength: source.byteLength,
    reads: 0,
    bytesRead: 0,
    largestRead: 0,
    async read(offset, target) {
      counting.reads++;
      counting.bytesRead += target.byteLength;
      counting.largestRead = Math.max(counting.largestRead, target.byteLength);
      await source.read(offset, target);
    },
  };
  return counting;
}
