// A worker of a team: answers the requests of the main thread, one after the other.

import type { TensorLocation } from "@ll/bytes";
import { answerRequests, openSyncFile, type ParentPort, type SyncFile } from "@ll/bytes/workers";
import type { Slice } from "../ops/op.ts";
import { Barrier } from "./barrier.ts";
import { exchangeOver } from "./exchange.ts";
import { loadPieces } from "./load-pieces.ts";
import type { Answers, Request, RequestKind, ThreadSetup } from "./protocol.ts";
import { ThreadHost } from "./thread-host.ts";

/** Bytes between two reports of progress. */
const PROGRESS_BYTES = 16 * 1024 * 1024;

export function serve(port: ParentPort): void {
  let worker: TeamWorker | undefined;
  answerRequests<Request>(
    port,
    (request, onProgress) => {
      if (request.kind === "set-up") {
        worker = new TeamWorker(request.setup);
        return [undefined];
      }
      const value = (worker as TeamWorker).answer(request, onProgress);
      return [value, Array.isArray(value) ? value.map(({ buffer }) => buffer) : []];
    },
    ({ kind }) => kind === "evaluate",
  );
}

class TeamWorker {
  readonly #host: ThreadHost;
  readonly #barrier: Barrier;

  constructor(setup: ThreadSetup) {
    this.#host = new ThreadHost(setup);
    const { words } = exchangeOver(setup.exchange, setup.graph, setup.sliceTokens);
    this.#barrier = new Barrier(words, setup.threads);
  }

  answer(request: Exclude<Request, { kind: "set-up" }>, onProgress: (bytes: number) => void): Answers[RequestKind] {
    const host = this.#host;
    switch (request.kind) {
      case "load":
        return this.#load(request.locations, onProgress);
      case "load-piece":
        host.target(request.shard, request.piece).set(request.bytes);
        return host.finish(request.shard, request.piece);
      case "create-context":
        return host.createContext(request.context, request.contextTokens, request.kvType) as undefined;
      case "evaluate":
        return this.#evaluate(request.contexts, request.slice);
      case "read-kv":
        return host.readKv(request.context, request.layer, request.nTokens);
      case "write-kv":
        return host.writeKv(request.context, request.layer, request.nTokens, request.parts) as undefined;
      case "copy-prefix":
        return host.copyPrefix(request.from, request.to, request.nTokens, request.states) as undefined;
      case "read-input-sums":
        return host.readInputSums();
      case "dispose-context":
        return host.disposeContext(request.context) as undefined;
    }
  }

  /** @returns false if the evaluation was aborted */
  #evaluate(contexts: readonly number[], slice: Slice): boolean {
    for (const pause of this.#host.evaluate(contexts, slice)) {
      // an abort seen between two pieces: what is left of the step does not matter, the next barrier ends the evaluation
      if ((pause === "barrier" || this.#barrier.isAborted) && !this.#barrier.arrive()) return false;
    }
    return true;
  }

  /** Reads the weights of all shards. @returns the number of blocks with a scale that is infinite or NaN */
  #load(locations: ReadonlyMap<string, TensorLocation>, onProgress: (bytes: number) => void): number {
    const files = new Map<string | Blob, SyncFile>();
    let nBad = 0;
    let unreported = 0;
    try {
      for (const [shard, { plan }] of this.#host.shards.entries()) {
        for (const piece of loadPieces(plan.layout)) {
          if (this.#barrier.isAborted) return nBad;
          const location = locations.get(piece.name) as TensorLocation;
          const key = "path" in location ? location.path : location.blob;
          let file = files.get(key);
          if (file === undefined) {
            file = openSyncFile(location);
            files.set(key, file);
          }
          file.read(location.offset + piece.offset, this.#host.target(shard, piece));
          nBad += this.#host.finish(shard, piece);
          unreported += piece.bytes;
          if (unreported >= PROGRESS_BYTES) {
            onProgress(unreported);
            unreported = 0;
          }
        }
      }
    } finally {
      for (const file of files.values()) file.close();
    }
    onProgress(unreported);
    return nBad;
  }
}
