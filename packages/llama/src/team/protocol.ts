// What the main thread of a team asks its threads: functions by their names. A worker answers each request, in order; it says nothing
// else but how many bytes it has loaded. If an evaluation fails, other workers wait at a barrier, and the team is broken.

import type { AbortSignal, TensorLocation, TensorSource } from "@ll/bytes";
import type { Slice } from "../ops/op.ts";
import type { LoadPiece } from "./load-pieces.ts";
import type { ThreadHost, ThreadSetup } from "./thread-host.ts";

/** What any thread does when it is asked. */
export type ThreadFunctions = Pick<
  ThreadHost,
  "createContext" | "readKv" | "writeKv" | "copyPrefix" | "readInputSums" | "disposeContext"
>;

/** What a worker does. */
export interface WorkerFunctions extends ThreadFunctions {
  setUp(setup: ThreadSetup): void;
  /** Reads all weights from where they are. @returns the number of blocks with a scale that is infinite or NaN */
  load(locations: ReadonlyMap<string, TensorLocation>): number;
  /** Takes a piece of the weights of the thread's `shard`-th shard. @returns as `load` */
  loadPiece(shard: number, piece: LoadPiece, bytes: Uint8Array): number;
  /** All threads of the team at the same time. @returns false if the evaluation was aborted */
  run(contexts: readonly number[], slice: Slice): boolean;
}

export interface Request<Name extends keyof WorkerFunctions = keyof WorkerFunctions> {
  readonly name: Name;
  readonly args: Parameters<WorkerFunctions[Name]>;
}

/** The threads of a team, for the main thread. */
export interface Threads {
  /** Why nothing can be asked any longer; undefined while it can. */
  readonly end: Error | undefined;
  /** What a function gives in each thread. It waits for all, also if one fails: they are in step again then. */
  askEach<Name extends keyof ThreadFunctions>(
    name: Name,
    argsOf: (thread: number) => Parameters<ThreadFunctions[Name]>,
  ): Promise<ReturnType<ThreadFunctions[Name]>[]>;
  /** @returns the number of blocks with a scale that is infinite or NaN, after which loading was not finished */
  load(source: TensorSource, options: LoadTeamOptions): Promise<number>;
  /** A slice in all shards. @param contexts of its parts @throws the signal's reason */
  evaluate(contexts: readonly number[], slice: Slice, signal: AbortSignal | undefined): Promise<void>;
  dispose(): Promise<void>;
}

export interface LoadTeamOptions {
  /** Called with the number of bytes loaded since the last call. */
  readonly onProgress: (bytes: number) => void;
  readonly signal: AbortSignal | undefined;
}
