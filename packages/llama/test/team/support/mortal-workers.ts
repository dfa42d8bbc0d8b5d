// Teams whose workers can be killed.

import { MessageChannel, Worker } from "node:worker_threads";
import type { SpawnWorker } from "@ll/bytes/workers";
import type { ModelConfig, TeamModel, TensorSource } from "../../../src/index.ts";
import { loadForTest } from "./engines.ts";

/** Ways for a worker to die: from outside at any moment, or by its own code between evaluations. */
export type Death = "terminate" | "exit" | "throw";

export interface MortalWorker {
  readonly worker: Worker;
  kill(death: Death): void;
}

/** Starts workers that can be killed; they are added to `workers`. */
export function mortalWorkers(workers: MortalWorker[]): SpawnWorker {
  return ({ message, death }) => {
    const { port1, port2 } = new MessageChannel();
    port1.unref();
    const worker = new Worker(new URL("./mortal-worker.ts", import.meta.url), {
      execArgv: ["--conditions=@ll/source"],
      workerData: port2,
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

export async function loadMortal(
  source: TensorSource,
  config: ModelConfig,
  threads: number,
): Promise<{ readonly model: TeamModel; readonly workers: readonly MortalWorker[] }> {
  const workers: MortalWorker[] = [];
  const model = await loadForTest(source, config, { threads }, { spawn: mortalWorkers(workers) });
  return { model, workers };
}
