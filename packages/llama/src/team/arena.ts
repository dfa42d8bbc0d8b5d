// Where everything lies in the memory of one shard: working memory, then the weights in the order in which an evaluation
// reads them. Caches come behind, when contexts are created.

import { GROUP_ROWS, rowBytes } from "@ll/quant";
import type { ModelConfig } from "../config.ts";
import { expectedTensors } from "../weights.ts";
import { type Range, type ShardShare, scaled, sizeOf } from "./ranges.ts";

/** Sizes that depend on the kernels. */
export interface KernelSizes {
  /** Bytes of a repacked matrix. */
  weightBytes(type: string, nRows: number, rowValues: number): number;
  /** Bytes of packed vectors. */
  activationBytes(type: string, nVectors: number, rowValues: number): number;
  /** Constants and working memory of the matrix kernels. */
  readonly scratchBytes: number;
  /** Constants and tables of the other kernels. */
  readonly llamaScratchBytes: number;
  /** Bytes of a context with `nKvHeads` of the key heads, in f16. */
  cacheBytes(config: ModelConfig, nKvHeads: number, contextTokens: number, sliceTokens: number): number;
}

/** Rows of a matrix in a shard's memory. */
export interface PlacedMatrix {
  readonly name: string;
  readonly type: string;
  readonly rows: Range;
  readonly columns: number;
  /** Start of the repacked rows; of the rows as they are in the file for the embedding matrix. */
  readonly address: number;
  readonly bytes: number;
}

/** A norm's weights: every shard has all of them. */
export interface PlacedVector {
  readonly name: string;
  /** Start of the binary32 values. */
  readonly address: number;
  readonly length: number;
}

export interface PlacedLayer {
  readonly attentionNorm: PlacedVector; // (nEmbd)
  readonly wq: PlacedMatrix; // (own heads · headDim, nEmbd)
  readonly wk: PlacedMatrix; // (own key heads · headDim, nEmbd)
  readonly wv: PlacedMatrix; // (own key heads · headDim, nEmbd)
  readonly wo: PlacedMatrix; // (own channels, nEmbd)
  readonly ffnNorm: PlacedVector; // (nEmbd)
  readonly w1: PlacedMatrix; // (own ffChannels, nEmbd)
  readonly w3: PlacedMatrix; // (own ffChannels, nEmbd)
  readonly w2: PlacedMatrix; // (own channels, nFf)
}

/** Working memory: starts of binary32 arrays for a slice of tokens. */
export interface WorkLayout {
  /** Where rows from a file come while weights are loaded; the arrays below overlap it. */
  readonly staging: Span;
  /** What a step takes from the other shards; the normalised stream. */
  readonly input: number; // (sliceTokens, max(nEmbd, nFf))
  /** Packed inputs, one for each type of the weights that meet them. */
  readonly packed: number;
  /** Own channels of the residual stream. */
  readonly residual: number; // (sliceTokens, own channels)
  readonly q: number; // (sliceTokens, own heads, headDim)
  readonly k: number; // (sliceTokens, own key heads, headDim)
  readonly v: number; // (sliceTokens, own key heads, headDim)
  readonly attended: number; // (sliceTokens, own heads, headDim)
  /** Products on their way to the other shards. */
  readonly gate: number; // (sliceTokens, max(own ffChannels, own channels, 8))
  readonly up: number; // (sliceTokens, own ffChannels)
  /** RoPE's angles. */
  readonly angles: number; // (sliceTokens, headDim)
}

export interface Span {
  readonly address: number;
  readonly bytes: number;
}

export interface ArenaLayout {
  /** For the matrix kernels themselves. */
  readonly scratch: number;
  /** For the other kernels themselves. */
  readonly llamaScratch: number;
  readonly work: WorkLayout;
  readonly tokEmbeddings: PlacedMatrix; // (own rows, nEmbd), as in the file
  readonly layers: readonly PlacedLayer[]; // (nLayers)
  readonly norm: PlacedVector; // (nEmbd)
  readonly output: PlacedMatrix; // (own rows, nEmbd)
  /** Bytes of everything but caches. */
  readonly bytes: number;
}

/** Nothing lies below: kernels fold small offsets into addresses. */
const FIRST_ADDRESS = 1024;

/** A cache line; what kernels want is less. */
const ALIGNMENT = 64;

/** Most bytes read from a file at a time: enough for a disk, few enough to be still in the cache when they are repacked. */
const STAGING_BYTES = 1024 * 1024;

/** @param types the type of each tensor, by name */
export function layoutOf(
  config: ModelConfig,
  types: ReadonlyMap<string, string>,
  sizes: KernelSizes,
  share: ShardShare,
  sliceTokens: number,
): ArenaLayout {
  const { nEmbd, nFf } = config;
  const { headDim } = config;
  let end = FIRST_ADDRESS;
  const place = (bytes: number): number => {
    const address = aligned(end);
    end = address + bytes;
    return address;
  };
  const typeOf = (name: string): string => types.get(name) as string;
  const matrix = (name: string, rows: Range, columns: number): PlacedMatrix => {
    const type = typeOf(name);
    const bytes = sizes.weightBytes(type, sizeOf(rows), columns);
    return { name, type, rows, columns, address: place(bytes), bytes };
  };
  const vector = (name: string): PlacedVector => ({ name, address: place(4 * nEmbd), length: nEmbd });

  const scratch = place(sizes.scratchBytes);
  const llamaScratch = place(sizes.llamaScratchBytes);
  const work = placeWork();
  const tokEmbeddings = placeEmbeddings();
  const heads = scaled(share.heads, headDim); // rows of wq
  const kvHeads = scaled(share.kvHeads, headDim); // rows of wk and wv
  const layers = Array.from({ length: config.nLayers }, (_, i): PlacedLayer => {
    const attention = `layers.${i}.attention`;
    const feedForward = `layers.${i}.feed_forward`;
    return {
      attentionNorm: vector(`${attention}_norm.weight`),
      wq: matrix(`${attention}.wq.weight`, heads, nEmbd),
      wk: matrix(`${attention}.wk.weight`, kvHeads, nEmbd),
      wv: matrix(`${attention}.wv.weight`, kvHeads, nEmbd),
      wo: matrix(`${attention}.wo.weight`, share.channels, nEmbd),
      ffnNorm: vector(`layers.${i}.ffn_norm.weight`),
      w1: matrix(`${feedForward}.w1.weight`, share.ffChannels, nEmbd),
      w3: matrix(`${feedForward}.w3.weight`, share.ffChannels, nEmbd),
      w2: matrix(`${feedForward}.w2.weight`, share.channels, nFf),
    };
  });
  const norm = vector("norm.weight");
  const output = matrix("output.weight", share.vocabRows, nEmbd);
  return { scratch, llamaScratch, work, tokEmbeddings, layers, norm, output, bytes: end };

  function placeWork(): WorkLayout {
    const rows = (columns: number): number => place(4 * sliceTokens * columns);
    const input = rows(Math.max(nEmbd, nFf));
    const packed = place(mostPackedBytes());
    const residual = rows(sizeOf(share.channels));
    const q = rows(sizeOf(share.heads) * headDim);
    const k = rows(sizeOf(share.kvHeads) * headDim);
    const v = rows(sizeOf(share.kvHeads) * headDim);
    const attended = rows(sizeOf(share.heads) * headDim);
    const gate = rows(Math.max(sizeOf(share.ffChannels), sizeOf(share.channels), GROUP_ROWS));
    const up = rows(sizeOf(share.ffChannels));
    const angles = rows(headDim);
    const staging = { address: input, bytes: stagingBytes() };
    end = Math.max(end, staging.address + staging.bytes);
    return { staging, input, packed, residual, q, k, v, attended, gate, up, angles };
  }

  function placeEmbeddings(): PlacedMatrix {
    const name = "tok_embeddings.weight";
    const type = typeOf(name);
    const bytes = sizeOf(share.embeddingRows) * rowBytes(type, nEmbd);
    return { name, type, rows: share.embeddingRows, columns: nEmbd, address: place(bytes), bytes };
  }

  /** Bytes of the inputs of one step, packed once for each type that meets them. */
  function mostPackedBytes(): number {
    const bytes = (names: readonly string[], columns: number): number => {
      const stepTypes = new Set(names.map(typeOf));
      return [...stepTypes].reduce((sum, type) => sum + aligned(sizes.activationBytes(type, sliceTokens, columns)), 0);
    };
    let most = bytes(["output.weight"], nEmbd);
    for (let i = 0; i < config.nLayers; i++) {
      const attention = `layers.${i}.attention`;
      const feedForward = `layers.${i}.feed_forward`;
      most = Math.max(
        most,
        bytes([`${attention}.wq.weight`, `${attention}.wk.weight`, `${attention}.wv.weight`], nEmbd),
        bytes([`${attention}.wo.weight`], nEmbd),
        bytes([`${feedForward}.w1.weight`, `${feedForward}.w3.weight`], nEmbd),
        bytes([`${feedForward}.w2.weight`], nFf),
      );
    }
    return most;
  }

  /** Enough for a group of rows of any matrix: whole groups are repacked at a time. */
  function stagingBytes(): number {
    let groupBytes = 0;
    let mostBytes = 0;
    for (const [name, shape] of expectedTensors(config)) {
      if (shape.length === 1) continue;
      const [rows, columns] = shape as readonly [number, number];
      const bytes = rowBytes(typeOf(name), columns);
      groupBytes = Math.max(groupBytes, GROUP_ROWS * bytes);
      mostBytes = Math.max(mostBytes, rows * bytes);
    }
    return Math.max(groupBytes, Math.min(STAGING_BYTES, mostBytes));
  }
}

export function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}
