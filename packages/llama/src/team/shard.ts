// One shard: a WebAssembly memory with its share of the weights, and the operations of the model bound to it, in stages.

import type { Graph, Op, Value } from "@ll/architectures";
import type { Kernels } from "@ll/quant";
import type { InputCounter } from "../input-sums.ts";
import type { LlamaKernels } from "../kernels/kernels.ts";
import type { KvTypes } from "../kv-type.ts";
import { opKind } from "../ops/index.ts";
import { nRowsOf, type ShardBinding, type Slice, type Step } from "../ops/op.ts";
import type { Exchange } from "./exchange.ts";
import type { MemoryRegions } from "./memory-regions.ts";
import type { ShardPlan } from "./planner.ts";
import { ShardCache } from "./shard-cache.ts";
import { ShardMemory } from "./shard-memory.ts";

/** What a shard is made of. */
export interface ShardParts {
  readonly plan: ShardPlan;
  readonly graph: Graph;
  readonly kernels: Kernels;
  readonly llama: LlamaKernels;
  /** Of the same memory, for caches. */
  readonly regions: MemoryRegions;
  readonly exchange: Exchange;
  readonly sliceTokens: number;
  /** The shard that shows what every shard has. */
  readonly isFirst: boolean;
  /** Adds up what meets the matrices. */
  readonly inputs: InputCounter | undefined;
}

export class Shard {
  readonly plan: ShardPlan;
  readonly kernels: Kernels;
  /** What is done between two barriers. */
  readonly stages: readonly (readonly Step[])[];
  /** Stages in front of the one whose results only logits need. */
  readonly nStagesToLogits: number;
  readonly #parts: ShardParts;

  constructor(parts: ShardParts) {
    const { plan, kernels, graph } = parts;
    const { values, weights, scratch } = plan.layout;
    this.plan = plan;
    this.kernels = kernels;
    this.#parts = parts;
    const binding: Omit<ShardBinding, "scratch"> = {
      ...parts,
      memory: new ShardMemory(kernels.memory),
      value: ({ id }) => values[id]!,
      weight: ({ id }) => weights[id]!,
    };
    const stages: Step[][] = [[]];
    let nStagesToLogits = 0;
    for (const [i, op] of graph.ops.entries()) {
      if (op.kind === "select") nStagesToLogits = stages.length - 1;
      const count = countingStep(op, parts.inputs, binding);
      if (count !== undefined) stages.at(-1)!.push(count);
      for (const step of opKind(op).bind(op, { ...binding, scratch: scratch[i]!.address })) {
        if (step === "barrier") stages.push([]);
        else stages.at(-1)!.push(step);
      }
    }
    this.stages = stages;
    this.nStagesToLogits = nStagesToLogits;
  }

  /** @throws MemoryError */
  createCache(contextTokens: number, kvType: KvTypes): ShardCache {
    const { llama, regions, graph, sliceTokens } = this.#parts;
    return new ShardCache(llama, regions, graph, this.plan.share, contextTokens, kvType, sliceTokens);
  }
}

/** Undefined where nothing is to be added up. */
function countingStep(
  op: Op,
  inputs: InputCounter | undefined,
  { memory, value }: Pick<ShardBinding, "memory" | "value">,
): Step | undefined {
  const { x, route } = inputs?.input(op) ?? {};
  if (inputs === undefined || x === undefined) return undefined;
  const numbersOf = (of: Value, slice: Slice): Float32Array =>
    memory.floats(value(of).address, nRowsOf(of, slice) * of.width);
  return (slice) => inputs.add(op, numbersOf(x, slice), route && numbersOf(route, slice));
}
