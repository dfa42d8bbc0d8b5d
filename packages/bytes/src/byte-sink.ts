// Where a writer puts its bytes, in order.

export interface ByteSink {
  /** Bytes taken so far. */
  readonly bytesWritten: number;
  /** Takes all of `bytes`; the caller may reuse the array once the promise settles. */
  write(bytes: Uint8Array): Promise<void>;
}

/** A sink that keeps everything in memory; `bytes()` returns what was written. */
export function memorySink(): ByteSink & { bytes(): Uint8Array } {
  const parts: Uint8Array[] = [];
  let bytesWritten = 0;
  return {
    get bytesWritten() {
      return bytesWritten;
    },
    async write(bytes) {
      parts.push(new Uint8Array(bytes)); // not slice(): that of a Buffer shares its memory
      bytesWritten += bytes.byteLength;
    },
    bytes() {
      const all = new Uint8Array(bytesWritten);
      let offset = 0;
      for (const part of parts) {
        all.set(part, offset);
        offset += part.byteLength;
      }
      return all;
    },
  };
}
