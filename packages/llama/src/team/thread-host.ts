// The shards of one thread and the caches of all contexts in them: what a worker, or the main thread of a team without workers,
// does when it is asked.

import type { Graph } from "@ll/architectures";
import { bindKernels, type KernelSet } from "@ll/quant";
import { InputCounter } from "../input-sums.ts";
import { bindLlamaKernels } from "../kernels/wasm-kernels.ts";
import type { KvTypes } from "../kv-type.ts";
import type { Slice } from "../ops/op.ts";
import { exchangeOver } from "./exchange.ts";
import { finishPiece, type LoadPiece } from "./load-pieces.ts";
import { createMemory, MemoryRegions } from "./memory-regions.ts";
import type { ShardPlan } from "./planner.ts";
import { Shard } from "./shard.ts";
import type { ShardCache } from "./shard-cache.ts";

/** What a thread needs to know to set up its shards. */
export interface ThreadSetup {
  readonly graph: Graph;
  readonly kernels: KernelSet;
  readonly llamaKernels: WebAssembly.Module;
  /** The buffer of the exchange. */
  readonly exchange: ArrayBufferLike;
  readonly sliceTokens: number;
  readonly thread: number;
  readonly threads: number;
  /** This thread's, in order. */
  readonly shards: readonly ShardPlan[];
  readonly memoryLimitBytes: number;
  /** Whether what meets the matrices is added up. */
  readonly sumInputs: boolean;
}

export class ThreadHost {
  readonly shards: readonly Shard[];
  /** Caches by context, one for each shard. */
  readonly #caches = new Map<number, readonly ShardCache[]>();
  /** One for each shard, if what meets the matrices is added up. */
  readonly #inputs: readonly InputCounter[];

  /** @throws MemoryError */
  constructor(setup: ThreadSetup) {
    const { graph, sliceTokens } = setup;
    const exchange = exchangeOver(setup.exchange, graph, sliceTokens);
    const [perThread, first] = [setup.shards.length, setup.thread * setup.shards.length];
    this.#inputs = !setup.sumInputs
      ? []
      : setup.shards.map((_, i) => new InputCounter(graph, first + i, setup.threads * perThread));
    this.shards = setup.shards.map((plan, i) => {
      const memory = createMemory(plan.layout.bytes, setup.memoryLimitBytes);
      const kernels = bindKernels(setup.kernels, memory, plan.layout.kernelScratch);
      const llama = bindLlamaKernels(setup.llamaKernels, setup.kernels.arithmetic, memory, plan.layout.llamaScratch);
      const regions = new MemoryRegions(memory, plan.layout.bytes, setup.memoryLimitBytes);
      return new Shard({
        plan,
        graph,
        kernels,
        llama,
        regions,
        exchange,
        sliceTokens,
        isFirst: setup.thread === 0 && i === 0,
        inputs: this.#inputs[i],
      });
    });
  }

  /** Where the bytes of a piece are to be put. */
  target(shard: number, { address, bytes }: LoadPiece): Uint8Array {
    return new Uint8Array(this.shards[shard]!.kernels.memory.buffer, address, bytes);
  }

  /** To be called when they are there. @returns the number of blocks with a scale that is infinite or NaN */
  finish(shard: number, piece: LoadPiece): number {
    return finishPiece(this.shards[shard]!.kernels, piece);
  }

  /** @throws MemoryError, and nothing is kept then */
  createContext(context: number, contextTokens: number, kvType: KvTypes): void {
    const caches: ShardCache[] = [];
    try {
      for (const shard of this.shards) caches.push(shard.createCache(contextTokens, kvType));
    } catch (error) {
      for (const cache of caches) cache.dispose();
      throw error;
    }
    this.#caches.set(context, caches);
  }

  /**
   * A slice of tokens through all stages. All threads of a team do this at the same time, because each stage needs what all shards
   * computed in the one before. Yields "barrier" where they have to meet, also behind the last stage, and "piece" where the work may be
   * interrupted. What shards show each other is valid only between barriers.
   */
  *evaluate(contexts: readonly number[], slice: Slice): Generator<"piece" | "barrier", void, void> {
    const caches = contexts.map((context) => this.#cachesOf(context)); // (parts, shards)
    for (const [part, ofPart] of caches.entries()) {
      for (const cache of ofPart) cache.begin(slice.parts[part]!.copies);
    }
    const ofShards = this.shards.map((_, i) => caches.map((ofPart) => ofPart[i]!)); // (shards, parts)
    const { stages, nStagesToLogits } = this.shards[0]!;
    const nStages = slice.nLogitRows === 0 ? nStagesToLogits : stages.length;
    for (let stage = 0; stage < nStages; stage++) {
      for (const [i, shard] of this.shards.entries()) {
        for (const step of shard.stages[stage]!) {
          const pieces = step(slice, ofShards[i]!);
          if (pieces !== undefined) yield* pieces;
        }
      }
      yield "barrier";
    }
  }

  /** For each shard: keys (position, own channel), then values (own channel, position), of one layer. */
  readKv(context: number, layer: number, nTokens: number): Uint8Array<ArrayBuffer>[] {
    return this.#cachesOf(context).map((cache) => cache.read(layer, nTokens));
  }

  writeKv(context: number, layer: number, nTokens: number, parts: readonly Uint8Array[]): void {
    for (const [i, cache] of this.#cachesOf(context).entries()) cache.write(layer, nTokens, parts[i]!);
  }

  copyPrefix(from: number, to: number, nTokens: number, stateCopy: number | undefined): void {
    const sources = this.#cachesOf(from);
    for (const [i, cache] of this.#cachesOf(to).entries()) cache.copyPrefix(sources[i]!, nTokens, stateCopy);
  }

  /** Of each shard, a copy of the numbers of its `InputCounter`. */
  readInputSums(): Float64Array<ArrayBuffer>[] {
    return this.#inputs.map(({ numbers }) => numbers.slice());
  }

  /** Does nothing if there is no such context. */
  disposeContext(context: number): void {
    for (const cache of this.#caches.get(context) ?? []) cache.dispose();
    this.#caches.delete(context);
  }

  #cachesOf(context: number): readonly ShardCache[] {
    const caches = this.#caches.get(context);
    if (caches === undefined) throw new Error(`no context ${context}`);
    return caches;
  }
}
