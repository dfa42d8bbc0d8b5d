// How much memory a model will take, from its header alone.

import type { TensorSource } from "@ll/bytes";
import type { ArithmeticName, KernelName } from "@ll/quant";
import { arithmeticOf, type ModelConfig } from "../config.ts";
import { stateBytes } from "../context-memory.ts";
import { type KvTypes, kvCacheBytes } from "../kv-type.ts";
import { findTensors } from "../weights.ts";
import { exchangeBytes } from "./exchange.ts";
import { checkedThreads, chooseKernels, kernelSizes, type TeamInternals } from "./load-model.ts";
import { wholePages } from "./memory-regions.ts";
import { planTeam } from "./planner.ts";
import { aligned } from "./ranges.ts";

export interface ModelMemoryOptions {
  /** As for `loadModel`. */
  readonly threads?: number | undefined;
  readonly kernels?: KernelName | undefined;
  readonly arithmetic?: ArithmeticName | undefined;
  /** Positions of a context. */
  readonly contextTokens: number;
  /** Default: f16. */
  readonly kvType?: KvTypes | undefined;
}

/** Bytes. */
export interface ModelMemory {
  /** From `loadModel` on: weights in the form that the kernels read, what they work in, and what threads show each other. */
  readonly model: number;
  /** Besides, for each context: keys and values, states of recurrent layers, and what attention works in. */
  readonly context: number;
}

/**
 * What `loadModel` will allocate for the weights, and `createContext` for a context. It reads no weights.
 *
 * The readable engine takes the bytes of the tensors and of keys and values, and little besides; for weights with scales that
 * are NaN or infinite `loadModel` turns to it, which only reading them shows.
 *
 * @throws as `loadModel` before it reads weights
 */
export async function modelMemory(
  source: TensorSource,
  config: ModelConfig,
  options: ModelMemoryOptions,
): Promise<ModelMemory> {
  return teamMemory(source, config, options, {});
}

export async function teamMemory(
  source: TensorSource,
  config: ModelConfig,
  options: ModelMemoryOptions,
  internals: TeamInternals,
): Promise<ModelMemory> {
  const { contextTokens, kvType = "f16" } = options;
  const threads = checkedThreads(options.threads);
  const found = findTensors(source, config);
  const { kernels, llamaKernels } = await chooseKernels(
    found,
    options.kernels,
    arithmeticOf(config, options.arithmetic),
  );
  if (llamaKernels === undefined) {
    return { model: found.bytes, context: kvCacheBytes(config, contextTokens, kvType) + stateBytes(found.graph) };
  }
  const sizes = kernelSizes(kernels, llamaKernels);
  const { graph } = found;
  const plan = planTeam(found, sizes, { ...internals, threads });
  let model = exchangeBytes(graph, plan.sliceTokens);
  let context = 0;
  for (const { share, layout } of plan.shards) {
    const before = wholePages(layout.bytes);
    const cache = sizes.cacheBytes(graph, share, contextTokens, plan.sliceTokens, kvType);
    model += before;
    context += Math.max(before, wholePages(aligned(layout.bytes) + cache)) - before;
  }
  return { model, context };
}
