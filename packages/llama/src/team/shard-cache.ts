// Keys and values of a shard's heads for one context, in a region of the shard's memory: the heads of layer 0, of layer 1 and so
// on, then what attention needs to work.

import { assertMemorySpan } from "@ll/quant";
import { derivedSizes, type ModelConfig } from "../config.ts";
import type { AttentionKernels, AttentionShape, LlamaKernels } from "../kernels/index.ts";
import type { KvType } from "../kv-type.ts";
import { aligned } from "./arena.ts";
import type { MemoryRegions } from "./memory-regions.ts";
import { ATTENTION_PIECE_PRODUCTS, type Pieces } from "./pieces.ts";

/** Sizes of a region, in bytes. */
interface RegionSizes {
  readonly heads: number;
  readonly work: number;
  /** One head's keys or values as they are in a session file. */
  readonly transfer: number;
}

/** Bytes that a context takes in the memory of a shard with `nKvHeads` of the key heads. */
export function cacheBytes(
  kernels: LlamaKernels,
  config: ModelConfig,
  nKvHeads: number,
  contextTokens: number,
  kvType: KvType,
  sliceTokens: number,
): number {
  const attention = kernels.attention(shapeOf(config, contextTokens, kvType));
  const { heads, work, transfer } = regionSizes(attention, config.nLayers * nKvHeads, sliceTokens);
  return heads + work + transfer;
}

export class ShardCache {
  readonly #kernels: LlamaKernels;
  readonly #attention: AttentionKernels;
  readonly #regions: MemoryRegions;
  readonly #nKvHeads: number;
  readonly #start: number;
  readonly #work: number;
  readonly #transfer: number;

  /** @throws MemoryError */
  constructor(
    kernels: LlamaKernels,
    regions: MemoryRegions,
    config: ModelConfig,
    nKvHeads: number,
    contextTokens: number,
    kvType: KvType,
    sliceTokens: number,
  ) {
    this.#kernels = kernels;
    this.#regions = regions;
    this.#nKvHeads = nKvHeads;
    this.#attention = kernels.attention(shapeOf(config, contextTokens, kvType));
    const sizes = regionSizes(this.#attention, config.nLayers * nKvHeads, sliceTokens);
    const bytes = sizes.heads + sizes.work + sizes.transfer;
    this.#start = regions.allocate(bytes, `a context of ${contextTokens} tokens`);
    assertMemorySpan(kernels.memory, "cache", this.#start, bytes);
    this.#work = this.#start + sizes.heads;
    this.#transfer = this.#work + sizes.work;
    for (let i = 0; i < config.nLayers * nKvHeads; i++)
      this.#attention.clear(this.#start + i * this.#attention.headBytes);
  }

  /** Stores rotated keys and values, (n, own key heads, headDim) each, of positions from `position`. */
  store(layer: number, position: number, k: number, v: number, n: number): void {
    const { headDim } = this.#attention.shape;
    for (let head = 0; head < this.#nKvHeads; head++) {
      const offset = 4 * head * headDim;
      this.#attention.store(this.#head(layer, head), k + offset, v + offset, position, n, this.#nKvHeads * headDim);
    }
  }

  /** out = attention of `n` queries from `position` over all positions up to their own; q and out: (n, own heads, headDim). */
  *attend(out: number, q: number, layer: number, position: number, n: number): Pieces {
    const { headDim, headsPerKvHead } = this.#attention.shape;
    const groupChannels = headsPerKvHead * headDim;
    const stride = this.#nKvHeads * groupChannels;
    const productsPerToken = 2 * groupChannels * (position + n);
    const pieceTokens = Math.max(1, Math.floor(ATTENTION_PIECE_PRODUCTS / productsPerToken));
    for (let head = 0; head < this.#nKvHeads; head++) {
      for (let first = 0; first < n; first += pieceTokens) {
        if (head + first > 0) yield "piece";
        const offset = 4 * (first * stride + head * groupChannels);
        const nTokens = Math.min(pieceTokens, n - first);
        const keyHead = this.#head(layer, head);
        this.#attention.attend(
          keyHead,
          q + offset,
          out + offset,
          this.#work,
          position + first,
          nTokens,
          stride,
          stride,
          Math.fround(1 / Math.fround(Math.sqrt(headDim))),
        );
      }
    }
  }

  /** Keys (position, own channel), then values (own channel, position), of one layer. */
  read(layer: number, nTokens: number): Uint8Array<ArrayBuffer> {
    const { headDim } = this.#attention.shape;
    const headRow = headDim * this.#elementBytes;
    const part = new Uint8Array(2 * nTokens * this.#nKvHeads * headRow);
    for (let head = 0; head < this.#nKvHeads; head++) {
      const keyHead = this.#head(layer, head);
      this.#attention.readKeys(keyHead, this.#transfer, nTokens, headDim);
      for (let t = 0; t < nTokens; t++) {
        part.set(this.#bytes(t * headRow, headRow), (t * this.#nKvHeads + head) * headRow);
      }
      this.#attention.readValues(keyHead, this.#transfer, nTokens);
      part.set(this.#bytes(0, nTokens * headRow), (this.#nKvHeads + head) * nTokens * headRow);
    }
    return part;
  }

  /** The inverse of `read`. */
  write(layer: number, nTokens: number, part: Uint8Array): void {
    const { headDim } = this.#attention.shape;
    const headRow = headDim * this.#elementBytes;
    for (let head = 0; head < this.#nKvHeads; head++) {
      const keyHead = this.#head(layer, head);
      for (let t = 0; t < nTokens; t++) {
        const start = (t * this.#nKvHeads + head) * headRow;
        this.#bytes(t * headRow, headRow).set(part.subarray(start, start + headRow));
      }
      this.#attention.writeKeys(keyHead, this.#transfer, nTokens, headDim);
      const start = (this.#nKvHeads + head) * nTokens * headRow;
      this.#bytes(0, nTokens * headRow).set(part.subarray(start, start + nTokens * headRow));
      this.#attention.writeValues(keyHead, this.#transfer, nTokens);
    }
  }

  dispose(): void {
    this.#regions.free(this.#start);
  }

  get #elementBytes(): number {
    return elementBytes(this.#attention.shape.kvType);
  }

  #head(layer: number, head: number): number {
    return this.#start + (layer * this.#nKvHeads + head) * this.#attention.headBytes;
  }

  /** `length` bytes from `offset` of the transfer space; a view. */
  #bytes(offset: number, length: number): Uint8Array {
    return new Uint8Array(this.#kernels.memory.buffer, this.#transfer + offset, length);
  }
}

function shapeOf(config: ModelConfig, contextTokens: number, kvType: KvType): AttentionShape {
  const { headDim } = config;
  const { headsPerKvHead } = derivedSizes(config);
  return { kvType, headDim, headsPerKvHead, contextTokens };
}

function regionSizes(
  { shape, headBytes, workBytes }: AttentionKernels,
  nHeads: number,
  sliceTokens: number,
): RegionSizes {
  const transfer = aligned(shape.headDim * shape.contextTokens * elementBytes(shape.kvType));
  return { heads: nHeads * headBytes, work: workBytes(sliceTokens), transfer };
}

function elementBytes(kvType: KvType): number {
  return kvType === "f16" ? 2 : 4;
}
