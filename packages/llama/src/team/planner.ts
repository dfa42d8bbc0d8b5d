// Who owns what: the axes of a model cut over the shards of a team, and the shards over its threads.

import type { Axis, Graph } from "@ll/architectures";
import { rowBytes } from "@ll/quant";
import { MemoryError } from "../errors.ts";
import type { FoundTensors } from "../weights.ts";
import { type KernelSizes, layoutOf, matrixOf, type ShardLayout } from "./layout.ts";
import { aligned, cutEvenly, type ShardShare } from "./ranges.ts";

/** What one memory can hold: 65536 pages of 64 KiB. */
export const MAX_MEMORY_BYTES: number = 65536 * 65536;

/** Shards per thread beyond which no model is loaded; with 4 GiB each this is more than 250 GiB per thread. */
const MAX_SHARDS_PER_THREAD = 64;

export interface ShardPlan {
  readonly thread: number;
  readonly share: ShardShare;
  readonly layout: ShardLayout;
}

export interface TeamPlan {
  /** Tokens that go through the operations together. */
  readonly sliceTokens: number;
  /** What each shard's memory may grow to. */
  readonly memoryLimitBytes: number;
  /** In the order of their threads, each thread with as many. */
  readonly shards: readonly ShardPlan[];
}

/**
 * Tokens that go through the layers together. Weights are streamed once for each slice, so more would not save much, and the
 * working memory grows with it.
 */
const SLICE_TOKENS = 128;

/** Room for a context of this size is made sure of before anything is loaded. */
const RESERVED_TOKENS = 2048;

export interface PlanOptions {
  readonly threads: number;
  readonly sliceTokens?: number;
  /** What each shard's memory may grow to, in bytes. */
  readonly memoryLimitBytes?: number;
  /** Positions of one f16 cache for which there shall be room besides the weights. */
  readonly reservedTokens?: number;
}

/**
 * As few shards as fit, the same number on each thread.
 * @throws MemoryError if no number of shards fits the limit
 */
export function planTeam(
  { graph, tensors }: Pick<FoundTensors, "graph" | "tensors">,
  sizes: KernelSizes,
  {
    threads,
    sliceTokens = SLICE_TOKENS,
    memoryLimitBytes = MAX_MEMORY_BYTES,
    reservedTokens = RESERVED_TOKENS,
  }: PlanOptions,
): TeamPlan {
  const weightBytes = matrixBytes(graph, tensors);
  const fewest = Math.min(MAX_SHARDS_PER_THREAD, Math.max(1, Math.ceil(weightBytes / threads / memoryLimitBytes)));
  let fewestBytes = Number.POSITIVE_INFINITY;
  for (let perThread = fewest; perThread <= MAX_SHARDS_PER_THREAD; perThread++) {
    const shards = cutAxes(graph.axes, threads * perThread).map((share, i) => ({
      thread: Math.floor(i / perThread),
      share,
      layout: layoutOf(graph, tensors, sizes, share, sliceTokens),
    }));
    const bytes = Math.max(
      ...shards.map(({ share, layout }) => {
        return aligned(layout.bytes) + sizes.cacheBytes(graph, share, reservedTokens, sliceTokens);
      }),
    );
    if (bytes <= memoryLimitBytes) return { sliceTokens, memoryLimitBytes, shards };
    fewestBytes = Math.min(fewestBytes, bytes);
  }
  throw new MemoryError("the weights", fewestBytes, memoryLimitBytes);
}

/** Bytes of all matrices in the file. Kernels store rows in no fewer. */
function matrixBytes(graph: Graph, tensors: FoundTensors["tensors"]): number {
  let bytes = 0;
  for (const weight of graph.weights) {
    const { role, form, shape, nExperts = 1 } = weight;
    if (form !== "numbers" && matrixOf(graph, weight) === undefined)
      bytes += nExperts * shape[0]! * rowBytes(tensors.get(role)!.tensor.type, shape[1]!);
  }
  return bytes;
}

/** Nearly equal shares for `nShards`. */
export function cutAxes(axes: readonly Axis[], nShards: number): ShardShare[] {
  const cuts = axes.map(({ n, grain }) => cutEvenly(n, nShards, grain)); // (axes, nShards)
  return Array.from({ length: nShards }, (_, i) => cuts.map((ranges) => ranges[i]!));
}
