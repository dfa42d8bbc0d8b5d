// The memory of a shard as numbers, and copies between it and arrays of all shards. Addresses are in bytes.

import { type Range, sizeOf } from "./ranges.ts";

export class ShardMemory {
  readonly #memory: { readonly buffer: ArrayBufferLike };
  #floats: Float32Array; // the whole memory

  constructor(memory: { readonly buffer: ArrayBufferLike }) {
    this.#memory = memory;
    this.#floats = new Float32Array(memory.buffer);
  }

  /** `length` numbers at `address`; a view, until the memory grows. */
  floats(address: number, length: number): Float32Array {
    return this.#all().subarray(address / 4, address / 4 + length);
  }

  /** `length` bytes at `address`; a view, until the memory grows. */
  bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, address, length);
  }

  /** `length` numbers from one address to another. */
  copy(to: number, from: number, length: number): void {
    this.#all().copyWithin(to / 4, from / 4, from / 4 + length);
  }

  /** The first `length` numbers of `from` to `address`. */
  copyIn(address: number, from: Float32Array, length: number): void {
    this.#all().set(from.subarray(0, length), address / 4);
  }

  /** (n, columns) numbers at `address` to `columns` of the first `n` rows of `to`, (rows, width). */
  copyColumnsOut(to: Float32Array, width: number, columns: Range, address: number, n: number): void {
    const floats = this.#all();
    const size = sizeOf(columns);
    for (let i = 0; i < n; i++) {
      const start = address / 4 + i * size;
      to.set(floats.subarray(start, start + size), i * width + columns.start);
    }
  }

  /** `columns` of (n, width) numbers at `from` to (n, columns) at `address`. */
  copyColumnsIn(address: number, columns: Range, from: number, width: number, n: number): void {
    const floats = this.#all();
    const size = sizeOf(columns);
    for (let i = 0; i < n; i++) {
      const start = from / 4 + i * width + columns.start;
      floats.copyWithin(address / 4 + i * size, start, start + size);
    }
  }

  /** A memory that has grown has another buffer. */
  #all(): Float32Array {
    const { buffer } = this.#memory;
    if (this.#floats.buffer !== buffer) this.#floats = new Float32Array(buffer);
    return this.#floats;
  }
}
