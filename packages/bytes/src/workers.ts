// Workers on Node and in browsers. A worker is a script of the package that starts it.

import { IoError } from "./errors.ts";
import { nodeModule } from "./node-modules.ts";
import type { URL, Worker } from "./platform-types.ts";

export type { URL, Worker } from "./platform-types.ts";
export { isSyncReadable, openSyncFile, type SyncFile } from "./sync-file.ts";

/** The main thread's side of a worker. */
export interface WorkerHandle {
  post(message: unknown, transfer?: readonly ArrayBuffer[]): void;
  /** Whether the worker keeps the process alive; at first it does. */
  keepAlive(isNeeded: boolean): void;
  /** Resolves when the worker is gone. */
  terminate(): Promise<unknown>;
}

export interface WorkerListeners {
  readonly message: (message: unknown) => void;
  /** The worker ended or threw; may be called more than once. */
  readonly death: (message: string, cause?: unknown) => void;
}

export type SpawnWorker = (listeners: WorkerListeners) => WorkerHandle;

/** The worker's side. */
export interface ParentPort {
  post(message: unknown, transfer?: readonly ArrayBuffer[]): void;
  onMessage(listener: (message: unknown) => void): void;
}

/** What Node says of a thread that was denied what it needs, such as one more open file: no fault of what runs in it. */
const DENIED: ReadonlyMap<string, string> = /* @__PURE__ */ new Map([
  ["ERR_WORKER_INIT_FAILED", "E_IO"],
  ["ERR_INVALID_PACKAGE_CONFIG", "E_IO"], // while its script is loaded: the package.json of a package could not be read
  ["ERR_WORKER_OUT_OF_MEMORY", "E_NOMEM"],
]);

/** Starts a worker on Node; undefined in browsers. A `.ts` script is run as it is, with the sources of the other packages. */
export function spawnNodeWorker(script: URL, { message, death }: WorkerListeners): WorkerHandle | undefined {
  const threads = nodeModule("node:worker_threads");
  if (threads === undefined) return undefined;
  const options = script.pathname.endsWith(".ts") ? { execArgv: ["--conditions=@ll/source"] } : {};
  const worker = new threads.Worker(script, options);
  worker.on("message", message);
  worker.on("messageerror", (error) => death("a message could not be read", error));
  worker.on("error", (error: Error & { code?: string }) => {
    const code = DENIED.get(error.code ?? "");
    if (code === undefined) death(String(error), error);
    else death(error.message, new IoError({ code, message: error.message, cause: error }));
  });
  worker.on("exit", (code: number) => death(`exit code ${code}`));
  let ending: Promise<unknown> | undefined; // Node listens for the end anew in each call, and warns of more than ten
  return {
    post: (value, transfer) => worker.postMessage(value, transfer),
    keepAlive: (isNeeded) => (isNeeded ? worker.ref() : worker.unref()),
    terminate() {
      ending ??= worker.terminate();
      return ending;
    },
  };
}

/** Takes over a worker of a browser. The caller starts it: bundlers look for `new Worker(new URL(…, import.meta.url))`. */
export function browserWorker(worker: Worker, { message, death }: WorkerListeners): WorkerHandle {
  worker.onmessage = (event) => message(event.data);
  worker.onmessageerror = () => death("a message could not be read");
  worker.onerror = (event) => death(event.message);
  return {
    post: (value, transfer) => worker.postMessage(value, [...(transfer ?? [])]),
    keepAlive() {},
    async terminate() {
      worker.terminate();
    },
  };
}

/** Inside a worker. */
export function parentPort(): ParentPort {
  const port = nodeModule("node:worker_threads")?.parentPort;
  if (port != null) {
    return {
      post: (value, transfer) => port.postMessage(value, transfer),
      onMessage: (listener) => port.on("message", listener),
    };
  }
  const scope = globalThis as unknown as Worker; // a DedicatedWorkerGlobalScope, which has the same functions
  return {
    post: (value, transfer) => scope.postMessage(value, [...(transfer ?? [])]),
    onMessage(listener) {
      scope.onmessage = (event) => listener(event.data);
    },
  };
}

/** Cores this process may use; at least 1. */
export function availableCores(): number {
  return nodeModule("node:os")?.availableParallelism() ?? navigator.hardwareConcurrency ?? 1;
}
