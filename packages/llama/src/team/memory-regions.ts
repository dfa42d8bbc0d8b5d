// The part of a shard's memory behind the weights: regions for caches, handed out first fit. The memory grows when they no
// longer fit and never shrinks; regions that were given back are used again.

import { MemoryError } from "../errors.ts";
import { aligned } from "./ranges.ts";

const PAGE_BYTES = 65536;

/** A `WebAssembly.Memory`, as far as it is needed here. */
export interface GrowingMemory {
  readonly buffer: ArrayBufferLike;
  grow(pages: number): number;
}

interface Region {
  readonly address: number;
  readonly bytes: number;
}

export class MemoryRegions {
  readonly #memory: GrowingMemory;
  readonly #start: number;
  readonly #limitBytes: number;
  /** Regions in use, by address. */
  #used: Region[] = [];

  /** @param start first byte that may be handed out @param limitBytes what the memory may grow to */
  constructor(memory: GrowingMemory, start: number, limitBytes: number) {
    this.#memory = memory;
    this.#start = aligned(start);
    this.#limitBytes = limitBytes;
  }

  /** The address of `bytes` bytes, of any content. @throws MemoryError if the memory cannot grow so far */
  allocate(bytes: number, what: string): number {
    let address = this.#start;
    let place = 0; // among the used regions
    for (const region of this.#used) {
      if (region.address - address >= bytes) break;
      address = aligned(region.address + region.bytes);
      place++;
    }
    this.#growTo(address + bytes, what);
    this.#used.splice(place, 0, { address, bytes });
    return address;
  }

  free(address: number): void {
    this.#used = this.#used.filter((region) => region.address !== address);
  }

  #growTo(bytes: number, what: string): void {
    const missing = bytes - this.#memory.buffer.byteLength;
    if (missing <= 0) return;
    if (bytes > this.#limitBytes) throw new MemoryError(what, bytes, this.#limitBytes);
    try {
      this.#memory.grow(Math.ceil(missing / PAGE_BYTES));
    } catch (cause) {
      throw new MemoryError(what, bytes, this.#memory.buffer.byteLength, cause);
    }
  }
}

/** A memory of at least `bytes` that may grow to `limitBytes`. @throws MemoryError */
export function createMemory(bytes: number, limitBytes: number): WebAssembly.Memory {
  const pages = wholePages(bytes) / PAGE_BYTES;
  const maximum = Math.max(pages, Math.floor(limitBytes / PAGE_BYTES));
  try {
    return new WebAssembly.Memory({ initial: pages, maximum });
  } catch (cause) {
    throw new MemoryError("the weights", bytes, 0, cause);
  }
}

/** What a memory for `bytes` really takes. */
export function wholePages(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
}
