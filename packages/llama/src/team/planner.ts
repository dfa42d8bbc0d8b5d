// Who owns what: rows and heads of every matrix cut over the shards of a team, and the shards over its threads.

import { GROUP_ROWS, rowBytes } from "@ll/quant";
import { derivedSizes, type ModelConfig } from "../config.ts";
import { expectedTensors } from "../weights.ts";
import { type ArenaLayout, aligned, type KernelSizes, layoutOf } from "./arena.ts";
import { MemoryError } from "./errors.ts";
import { cutEvenly, type Range, type ShardShare, scaled, sizeOf } from "./ranges.ts";

/** What one memory can hold: 65536 pages of 64 KiB. */
export const MAX_MEMORY_BYTES: number = 65536 * 65536;

/** Shards per thread beyond which no model is loaded; with 4 GiB each this is more than 250 GiB per thread. */
const MAX_SHARDS_PER_THREAD = 64;

export interface ShardPlan {
  readonly thread: number;
  readonly share: ShardShare;
  readonly layout: ArenaLayout;
}

export interface TeamPlan {
  /** Tokens that go through the layers together. */
  readonly sliceTokens: number;
  /** In the order of their threads, each thread with as many. */
  readonly shards: readonly ShardPlan[];
}

export interface PlanOptions {
  readonly threads: number;
  readonly sliceTokens: number;
  /** What each shard's memory may grow to, in bytes. */
  readonly memoryLimitBytes: number;
  /** Positions of one f16 cache for which there shall be room besides the weights. */
  readonly reservedTokens: number;
}

/**
 * As few shards as fit, the same number on each thread.
 * @param types the type of each tensor, by name
 * @throws MemoryError if no number of shards fits the limit
 */
export function planTeam(
  config: ModelConfig,
  types: ReadonlyMap<string, string>,
  sizes: KernelSizes,
  options: PlanOptions,
): TeamPlan {
  const { threads, sliceTokens, memoryLimitBytes, reservedTokens } = options;
  const weightBytes = matrixBytes(config, types);
  const fewest = Math.min(MAX_SHARDS_PER_THREAD, Math.max(1, Math.ceil(weightBytes / threads / memoryLimitBytes)));
  let fewestBytes = Number.POSITIVE_INFINITY;
  for (let perThread = fewest; perThread <= MAX_SHARDS_PER_THREAD; perThread++) {
    const shares = cutModel(config, threads * perThread);
    const shards = shares.map((share, i) => ({
      thread: Math.floor(i / perThread),
      share,
      layout: layoutOf(config, types, sizes, share, sliceTokens),
    }));
    const bytes = Math.max(
      ...shards.map(({ share, layout }) => {
        return aligned(layout.bytes) + sizes.cacheBytes(config, sizeOf(share.kvHeads), reservedTokens, sliceTokens);
      }),
    );
    if (bytes <= memoryLimitBytes) return { sliceTokens, shards };
    fewestBytes = Math.min(fewestBytes, bytes);
  }
  throw new MemoryError("the weights", fewestBytes, memoryLimitBytes);
}

/** Bytes of all matrices in the file. Kernels store rows in no fewer. */
function matrixBytes(config: ModelConfig, types: ReadonlyMap<string, string>): number {
  let bytes = 0;
  for (const [name, shape] of expectedTensors(config)) {
    if (shape.length === 2) bytes += shape[0]! * rowBytes(types.get(name)!, shape[1]!);
  }
  return bytes;
}

/** Nearly equal shares for `nShards`. Heads are whole; rows are cut between groups of 8, as the kernels store them. */
export function cutModel(config: ModelConfig, nShards: number): ShardShare[] {
  const { headsPerKvHead } = derivedSizes(config);
  const kvHeads = cutEvenly(config.nKvHeads, nShards, 1);
  const channels = cutEvenly(config.nEmbd, nShards, GROUP_ROWS);
  const ffChannels = cutEvenly(config.nFf, nShards, GROUP_ROWS);
  const vocabRows = cutEvenly(config.nVocab, nShards, GROUP_ROWS);
  const embeddingRows = cutEvenly(config.nVocab, nShards, 1);
  return kvHeads.map((range, i) => ({
    kvHeads: range,
    heads: scaled(range, headsPerKvHead),
    channels: channels[i] as Range,
    ffChannels: ffChannels[i] as Range,
    vocabRows: vocabRows[i] as Range,
    embeddingRows: embeddingRows[i] as Range,
  }));
}
