// What a shard remembers for one context, in a region of the shard's memory: the keys and values of its heads, of layer 0, of layer 1
// and so on, the copies of its part of all recurrent states, then what attention needs to work.

import type { Graph } from "@ll/architectures";
import { assertMemorySpan } from "@ll/quant";
import { STATE_COPIES, type StateCopies } from "../context-memory.ts";
import type { AttentionKernels, LlamaKernels, ScoreRule } from "../kernels/kernels.ts";
import type { KvTypes } from "../kv-type.ts";
import type { Pieces } from "../pace.ts";
import type { MemoryRegions } from "./memory-regions.ts";
import { aligned, type ShardShare, sizeOf } from "./ranges.ts";

/** Products of queries with keys, and of probabilities with values, in a piece. */
const PIECE_PRODUCTS = 2 ** 23;

/** A shard's heads of one layer. */
interface LayerHeads {
  readonly attention: AttentionKernels;
  readonly nKvHeads: number;
  /** From the start of the region. */
  readonly offset: number;
}

/** What lies where in a region, in bytes from its start. */
interface RegionLayout {
  readonly layers: readonly LayerHeads[];
  /** The first copy; the others are behind it. */
  readonly states: number;
  readonly copyBytes: number;
  /** Of each state in a copy. */
  readonly stateOffsets: readonly number[];
  readonly work: number;
  /** One head's keys or values as they are in a session file. */
  readonly transfer: number;
  readonly bytes: number;
}

function regionLayout(
  kernels: LlamaKernels,
  { caches, states: shapes }: Graph,
  share: ShardShare,
  contextTokens: number,
  kvType: KvTypes,
  sliceTokens: number,
): RegionLayout {
  let end = 0;
  let workBytes = 0;
  let transferBytes = 0;
  const layers = caches.map(({ axis, headDim, headsPerKvHead }): LayerHeads => {
    const attention = kernels.attention({ kvType, headDim, headsPerKvHead, contextTokens });
    const nKvHeads = sizeOf(share[axis.id]!);
    const offset = end;
    end += nKvHeads * attention.headBytes;
    workBytes = Math.max(workBytes, attention.workBytes(sliceTokens));
    const rowBytes = Math.max(attention.keyBytes, attention.valueBytes);
    transferBytes = Math.max(transferBytes, aligned(contextTokens * rowBytes));
    return { attention, nKvHeads, offset };
  });
  const states = end;
  let copyBytes = 0;
  const stateOffsets = shapes.map(({ axis, unitLength }) => {
    const offset = copyBytes;
    copyBytes += aligned(4 * sizeOf(share[axis.id]!) * unitLength);
    return offset;
  });
  const work = states + STATE_COPIES * copyBytes;
  const transfer = work + workBytes;
  return { layers, states, copyBytes, stateOffsets, work, transfer, bytes: transfer + transferBytes };
}

/** Bytes that a context takes in the memory of a shard. */
export function cacheBytes(...context: Parameters<typeof regionLayout>): number {
  return regionLayout(...context).bytes;
}

export class ShardCache {
  /** Positions that there is room for. */
  readonly contextTokens: number;
  readonly #kernels: LlamaKernels;
  readonly #regions: MemoryRegions;
  readonly #region: RegionLayout;
  readonly #start: number;

  /** @throws MemoryError */
  constructor(
    kernels: LlamaKernels,
    regions: MemoryRegions,
    graph: Graph,
    share: ShardShare,
    contextTokens: number,
    kvType: KvTypes,
    sliceTokens: number,
  ) {
    const region = regionLayout(kernels, graph, share, contextTokens, kvType, sliceTokens);
    const { layers, bytes } = region;
    this.contextTokens = contextTokens;
    this.#kernels = kernels;
    this.#regions = regions;
    this.#region = region;
    this.#start = regions.allocate(bytes, `a context of ${contextTokens} tokens`);
    assertMemorySpan(kernels.memory, "cache", this.#start, bytes);
    for (const layer of layers)
      for (let head = 0; head < layer.nKvHeads; head++) layer.attention.clear(this.#head(layer, head));
  }

  /** To be called in front of each slice: states begin as zeros. */
  begin({ from, to }: StateCopies): void {
    if (from !== undefined) return;
    const { states, copyBytes } = this.#region;
    new Uint8Array(this.#kernels.memory.buffer, this.#start + states + to * copyBytes, copyBytes).fill(0);
  }

  /** Addresses of the `state`-th state, as it is in front of a slice and as it will be behind it; they may be the same. */
  state(state: number, { from, to }: StateCopies): readonly [before: number, after: number] {
    const { states, copyBytes, stateOffsets } = this.#region;
    const first = this.#start + states + stateOffsets[state]!;
    return [first + (from ?? to) * copyBytes, first + to * copyBytes];
  }

  /** Stores rotated keys and values, (n, own key heads, headDim) each, of positions from `position`. */
  store(layer: number, position: number, k: number, v: number, n: number): void {
    const heads = this.#region.layers[layer]!;
    const { attention, nKvHeads } = heads;
    const { headDim } = attention.shape;
    for (let head = 0; head < nKvHeads; head++) {
      const offset = 4 * head * headDim;
      attention.store(this.#head(heads, head), k + offset, v + offset, position, n, nKvHeads * headDim);
    }
  }

  /**
   * out = attention of `n` queries from `position` on over positions up to their own; q and out: (n, own heads, headDim); sinks:
   * (own heads).
   */
  *attend(layer: number, position: number, n: number, q: number, out: number, scores: ScoreRule): Pieces {
    const heads = this.#region.layers[layer]!;
    const { attention, nKvHeads } = heads;
    const { headDim, headsPerKvHead } = attention.shape;
    const groupChannels = headsPerKvHead * headDim;
    const stride = nKvHeads * groupChannels;
    const { window = Number.POSITIVE_INFINITY, sinks } = scores;
    const productsPerToken = 2 * groupChannels * Math.min(window, position + n);
    const pieceTokens = Math.max(1, Math.floor(PIECE_PRODUCTS / productsPerToken));
    for (let head = 0; head < nKvHeads; head++) {
      const keyHead = this.#head(heads, head);
      const rule = sinks === undefined ? scores : { ...scores, sinks: sinks + 4 * head * headsPerKvHead };
      for (let first = 0; first < n; first += pieceTokens) {
        if (head + first > 0) yield "piece";
        const at = 4 * (first * stride + head * groupChannels);
        const nTokens = Math.min(pieceTokens, n - first);
        const [nPast, work] = [position + first, this.#start + this.#region.work];
        attention.attend(keyHead, q + at, out + at, work, nPast, nTokens, stride, stride, rule);
      }
    }
  }

  /** Keys (position, own head), then values (own head), of one layer. */
  read(layer: number, nTokens: number): Uint8Array<ArrayBuffer> {
    const { attention, nKvHeads } = this.#region.layers[layer]!;
    const part = new Uint8Array(nTokens * nKvHeads * (attention.keyBytes + attention.valueBytes));
    this.#eachHead(layer, nTokens, part, (keyHead, keys, values) => {
      attention.readKeys(keyHead, this.#transfer, nTokens);
      for (const [t, key] of keys.entries()) key.set(this.#bytes(t * key.length, key.length));
      attention.readValues(keyHead, this.#transfer, nTokens);
      values.set(this.#bytes(0, values.length));
    });
    return part;
  }

  /** The inverse of `read`. */
  write(layer: number, nTokens: number, part: Uint8Array): void {
    const { attention } = this.#region.layers[layer]!;
    this.#eachHead(layer, nTokens, part, (keyHead, keys, values) => {
      for (const [t, key] of keys.entries()) this.#bytes(t * key.length, key.length).set(key);
      attention.writeKeys(keyHead, this.#transfer, nTokens);
      this.#bytes(0, values.length).set(values);
      attention.writeValues(keyHead, this.#transfer, nTokens);
    });
  }

  /** Gives views of `part`, which is as `read` makes it: of each head its key of every position, and its values. */
  #eachHead(
    layer: number,
    nTokens: number,
    part: Uint8Array,
    visit: (keyHead: number, keys: readonly Uint8Array[], values: Uint8Array) => void,
  ): void {
    const heads = this.#region.layers[layer]!;
    const { nKvHeads } = heads;
    const { keyBytes, valueBytes } = heads.attention;
    for (let head = 0; head < nKvHeads; head++) {
      const keys = Array.from({ length: nTokens }, (_, t) => {
        const start = (t * nKvHeads + head) * keyBytes;
        return part.subarray(start, start + keyBytes);
      });
      const start = nTokens * (nKvHeads * keyBytes + head * valueBytes);
      visit(this.#head(heads, head), keys, part.subarray(start, start + nTokens * valueBytes));
    }
  }

  /** Takes the first positions of another context of this shard, and, if it is given, a copy of its states as the first copy here. */
  copyPrefix(from: ShardCache, nTokens: number, stateCopy: number | undefined): void {
    for (let layer = 0; layer < this.#region.layers.length; layer++)
      this.write(layer, nTokens, from.read(layer, nTokens));
    if (stateCopy === undefined) return;
    const { copyBytes } = this.#region;
    const [source, target] = [from, this].map((cache) => cache.#start + cache.#region.states) as [number, number];
    const bytes = new Uint8Array(this.#kernels.memory.buffer);
    const first = source + stateCopy * copyBytes;
    bytes.copyWithin(target, first, first + copyBytes);
  }

  dispose(): void {
    this.#regions.free(this.#start);
  }

  get #transfer(): number {
    return this.#start + this.#region.transfer;
  }

  #head({ attention, offset }: LayerHeads, head: number): number {
    return this.#start + offset + head * attention.headBytes;
  }

  /** `length` bytes from `offset` of the transfer space; a view. */
  #bytes(offset: number, length: number): Uint8Array {
    return new Uint8Array(this.#kernels.memory.buffer, this.#transfer + offset, length);
  }
}
