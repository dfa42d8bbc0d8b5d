// One shape for the workers of Node and of browsers, seen from the thread that starts them and from inside.

import { IoError } from "./errors.ts";
import { nodeModule } from "./node-modules.ts";
import type { URL as Url } from "./platform-types.ts";

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

/** Starts one worker. */
export type SpawnWorker = (listeners: WorkerListeners) => WorkerHandle;

/** The worker's side. */
export interface ParentPort {
  post(message: unknown, transfer?: readonly ArrayBuffer[]): void;
  onMessage(listener: (message: unknown) => void): void;
}

/** The first message of a worker: its script is loaded, and this is what it is. */
export interface ReadyMessage {
  readonly ready: string;
}

/** What Node says of a thread that was denied what it needs, such as one more open file: no fault of what runs in it. */
const DENIED: ReadonlyMap<string, string> = /* @__PURE__ */ new Map([
  ["ERR_WORKER_INIT_FAILED", "E_IO"],
  ["ERR_INVALID_PACKAGE_CONFIG", "E_IO"], // while its script is loaded: the package.json of a package could not be read
  ["ERR_WORKER_OUT_OF_MEMORY", "E_NOMEM"],
]);

/** What starts workers of the script at `url`. */
export function workerSpawner(url: Url): SpawnWorker {
  return (listeners) => spawnNodeWorker(url, listeners) ?? spawnBrowserWorker(url, listeners);
}

/** Undefined in browsers. A `.ts` script is run as it is, with the sources of the other packages. */
function spawnNodeWorker(script: URL, { message, death }: WorkerListeners): WorkerHandle | undefined {
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

function spawnBrowserWorker(script: URL, { message, death }: WorkerListeners): WorkerHandle {
  const worker = new Worker(sameOriginUrl(script), { type: "module" });
  worker.onmessage = (event) => message(event.data);
  worker.onmessageerror = () => death("a message could not be read");
  // a script that cannot be had or read is an event without a message
  worker.onerror = (event: Partial<ErrorEvent>) =>
    death(
      event.message ?? "the browser does not say why: the file is missing, is no JavaScript, or a policy forbids it",
    );
  return {
    post: (value, transfer) => worker.postMessage(value, [...(transfer ?? [])]),
    keepAlive() {},
    async terminate() {
      worker.terminate();
    },
  };
}

/** Browsers start no worker from another origin, such as that of a CDN, but a worker may import a script from there. */
function sameOriginUrl(script: URL): URL | string {
  if (!/^https?:$/.test(script.protocol) || script.origin === globalThis.location?.origin) return script;
  return URL.createObjectURL(new Blob([`import ${JSON.stringify(script.href)};`], { type: "text/javascript" }));
}

/**
 * Inside a worker. The thread that started it learns from the first `onMessage` that it runs.
 * @param name package and version, which that thread compares with its own
 */
export function parentPort(name: string): ParentPort {
  const ready: ReadyMessage = { ready: name };
  const port = nodeModule("node:worker_threads")?.parentPort;
  if (port != null) {
    return {
      post: (value, transfer) => port.postMessage(value, transfer),
      onMessage(listener) {
        port.on("message", listener);
        port.postMessage(ready);
      },
    };
  }
  const scope = globalThis as unknown as Worker; // a DedicatedWorkerGlobalScope, which has the same functions
  return {
    post: (value, transfer) => scope.postMessage(value, [...(transfer ?? [])]),
    onMessage(listener) {
      scope.onmessage = (event) => listener(event.data);
      scope.postMessage(ready);
    },
  };
}

/** Cores this process may use; at least 1. */
export function availableCores(): number {
  return nodeModule("node:os")?.availableParallelism() ?? globalThis.navigator?.hardwareConcurrency ?? 1;
}
