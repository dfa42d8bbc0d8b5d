// What the main thread and the workers of a team say to each other. A worker answers each request, in order; it says nothing
// else but how many bytes it has loaded. If an evaluation fails, other workers wait at a barrier, and the team is broken.

import type { Graph } from "@ll/architectures";
import type { TensorLocation } from "@ll/bytes";
import type { KernelSet } from "@ll/quant";
import type { StatesCopied } from "../context-memory.ts";
import type { KvTypes } from "../kv-type.ts";
import type { Slice } from "../ops/op.ts";
import type { LoadPiece } from "./load-pieces.ts";
import type { ShardPlan } from "./planner.ts";

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

export type Request =
  | { readonly kind: "set-up"; readonly setup: ThreadSetup }
  /** Reads all weights from where they are. */
  | { readonly kind: "load"; readonly locations: ReadonlyMap<string, TensorLocation> }
  /** Takes a piece of the weights of the thread's `shard`-th shard. */
  | { readonly kind: "load-piece"; readonly shard: number; readonly piece: LoadPiece; readonly bytes: Uint8Array }
  | {
      readonly kind: "create-context";
      readonly context: number;
      readonly contextTokens: number;
      readonly kvType: KvTypes;
    }
  /** All threads of the team at the same time. */
  | { readonly kind: "evaluate"; readonly contexts: readonly number[]; readonly slice: Slice }
  | { readonly kind: "read-kv"; readonly context: number; readonly layer: number; readonly nTokens: number }
  | {
      readonly kind: "write-kv";
      readonly context: number;
      readonly layer: number;
      readonly nTokens: number;
      readonly parts: readonly Uint8Array[]; // one for each shard, as read-kv gives them
    }
  | {
      readonly kind: "copy-prefix";
      readonly from: number;
      readonly to: number;
      readonly nTokens: number;
      readonly states: StatesCopied | undefined;
    }
  | { readonly kind: "read-input-sums" }
  | { readonly kind: "dispose-context"; readonly context: number };

/** What the answer to each kind of request holds. */
export interface Answers {
  readonly "set-up": undefined;
  /** Blocks with a scale that is infinite or NaN. */
  readonly load: number;
  readonly "load-piece": number;
  readonly "create-context": undefined;
  /** False if the evaluation was aborted. */
  readonly evaluate: boolean;
  readonly "read-kv": Uint8Array<ArrayBuffer>[];
  readonly "write-kv": undefined;
  readonly "copy-prefix": undefined;
  readonly "read-input-sums": Float64Array<ArrayBuffer>[];
  readonly "dispose-context": undefined;
}

export type RequestKind = Request["kind"];
