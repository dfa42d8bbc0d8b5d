// A worker of a team: answers the requests of the main thread, one after the other.

import type { TensorLocation } from "@ll/bytes";
import { answerRequests, openSyncFile, type ParentPort, type SyncFile } from "@ll/bytes/workers";
import type { Slice } from "../ops/op.ts";
import { Barrier } from "./barrier.ts";
import { exchangeOver } from "./exchange.ts";
import { type LoadPiece, loadPieces } from "./load-pieces.ts";
import type { Request, WorkerFunctions } from "./protocol.ts";
import { ThreadHost, type ThreadSetup } from "./thread-host.ts";

/** Bytes between two reports of progress. */
const PROGRESS_BYTES = 16 * 1024 * 1024;

export function serve(port: ParentPort): void {
  let worker: TeamWorker | undefined;
  answerRequests<Request>(
    port,
    ({ name, args }, onProgress) => {
      if (name === "setUp") {
        worker = new TeamWorker(args[0] as ThreadSetup, onProgress);
        return [undefined];
      }
      const value = (worker as unknown as Record<string, (...args: unknown[]) => unknown>)[name]?.(...args);
      return [value, Array.isArray(value) ? value.map(({ buffer }) => buffer) : []];
    },
    ({ name }) => name === "run",
  );
}

class TeamWorker extends ThreadHost implements Omit<WorkerFunctions, "setUp"> {
  readonly #barrier: Barrier;
  readonly #onProgress: (bytes: number) => void;

  constructor(setup: ThreadSetup, onProgress: (bytes: number) => void) {
    super(setup);
    const { words } = exchangeOver(setup.exchange, setup.graph, setup.sliceTokens);
    this.#barrier = new Barrier(words, setup.threads);
    this.#onProgress = onProgress;
  }

  /** @returns false if the evaluation was aborted */
  run(contexts: readonly number[], slice: Slice): boolean {
    for (const pause of this.evaluate(contexts, slice)) {
      // an abort seen between two pieces: what is left of the step does not matter, the next barrier ends the evaluation
      if ((pause === "barrier" || this.#barrier.isAborted) && !this.#barrier.arrive()) return false;
    }
    return true;
  }

  loadPiece(shard: number, piece: LoadPiece, bytes: Uint8Array): number {
    this.target(shard, piece).set(bytes);
    return this.finish(shard, piece);
  }

  /** Reads the weights of all shards. @returns the number of blocks with a scale that is infinite or NaN */
  load(locations: ReadonlyMap<string, TensorLocation>): number {
    const files = new Map<string | Blob, SyncFile>();
    let nBad = 0;
    let unreported = 0;
    try {
      for (const [shard, { plan }] of this.shards.entries()) {
        for (const piece of loadPieces(plan.layout)) {
          if (this.#barrier.isAborted) return nBad;
          const location = locations.get(piece.name) as TensorLocation;
          const key = "path" in location ? location.path : location.blob;
          let file = files.get(key);
          if (file === undefined) {
            file = openSyncFile(location);
            files.set(key, file);
          }
          file.read(location.offset + piece.offset, this.target(shard, piece));
          nBad += this.finish(shard, piece);
          unreported += piece.bytes;
          if (unreported >= PROGRESS_BYTES) {
            this.#onProgress(unreported);
            unreported = 0;
          }
        }
      }
    } finally {
      for (const file of files.values()) file.close();
    }
    this.#onProgress(unreported);
    return nBad;
  }
}
