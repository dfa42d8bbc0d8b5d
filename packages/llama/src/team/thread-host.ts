// The shards of one thread and the caches of all contexts in them: what a worker, or the main thread of a team without workers,
// does when it is asked.

import { bindKernels } from "@ll/quant";
import type { StatesCopied } from "../context-memory.ts";
import { InputCounter } from "../input-sums.ts";
import { bindLlamaKernels } from "../kernels/wasm-kernels.ts";
import type { KvTypes } from "../kv-type.ts";
import type { Slice } from "../ops/op.ts";

import { exchangeOver } from "./exchange.ts";
import { finishPiece, type LoadPiece } from "./load-pieces.ts";
import { createMemory, MemoryRegions } from "./memory-regions.ts";
import type { ThreadSetup } from "./protocol.ts";
import { Shard } from "./shard.ts";
import type { ShardCache } from "./shard-cache.ts";
import { evaluateSlice, type Seat } from "./stages.ts";

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

  /** The work of this thread; see `evaluateSlice`. */
  evaluate(contexts: readonly number[], slice: Slice): Generator<"piece" | "barrier", void, void> {
    const caches = contexts.map((context) => this.#cachesOf(context)); // (parts, shards)
    for (const [part, ofPart] of caches.entries()) {
      for (const cache of ofPart) cache.begin(slice.parts[part]!.copies);
    }
    const seats = this.shards.map((shard, i): Seat => ({ shard, caches: caches.map((ofPart) => ofPart[i]!) }));
    return evaluateSlice(seats, slice);
  }

  /** For each shard: keys (position, own channel), then values (own channel, position), of one layer. */
  readKv(context: number, layer: number, nTokens: number): Uint8Array<ArrayBuffer>[] {
    return this.#cachesOf(context).map((cache) => cache.read(layer, nTokens));
  }

  writeKv(context: number, layer: number, nTokens: number, parts: readonly Uint8Array[]): void {
    for (const [i, cache] of this.#cachesOf(context).entries()) cache.write(layer, nTokens, parts[i]!);
  }

  copyPrefix(from: number, to: number, nTokens: number, states: StatesCopied | undefined): void {
    const sources = this.#cachesOf(from);
    for (const [i, cache] of this.#cachesOf(to).entries()) cache.copyPrefix(sources[i]!, nTokens, states);
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
