// Workers that can be killed: for tests of teams of them.

import { MessageChannel, Worker } from "node:worker_threads";
import type { SpawnWorker } from "@ll/bytes/workers";

/** Ways for a worker to die: from outside at any moment, or by its own code between two messages. */
export type Death = "terminate" | "exit" | "throw";

export interface MortalWorker {
  readonly worker: Worker;
  kill(death: Death): void;
}

/** Starts workers that run `script` and can be killed; they are added to `workers`. */
export function mortalWorkers(workers: MortalWorker[], script: URL): SpawnWorker {
  return ({ message, death }) => {
    const { port1, port2 } = new MessageChannel();
    port1.unref();
    const worker = new Worker(new URL("./mortal-worker.ts", import.meta.url), {
      execArgv: ["--conditions=@ll/source"],
      workerData: { script: script.href, port: port2 },
      transferList: [port2],
    });
    worker.on("message", message);
    worker.on("error", (error: Error) => death(error.message, error));
    worker.on("exit", (code) => death(`exit code ${code}`));
    workers.push({
      worker,
      kill(how) {
        if (how === "terminate") void worker.terminate();
        else port1.postMessage(how);
      },
    });
    return {
      post: (value, transfer) => worker.postMessage(value, transfer as ArrayBuffer[]),
      keepAlive() {},
      terminate: () => worker.terminate(),
    };
  };
}
