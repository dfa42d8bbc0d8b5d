// Workers and cores on Node and in browsers. Nothing here is imported from either: `process.getBuiltinModule` gives Node's
// modules where there are any, and bundlers for browsers see none.

/** The main thread's side of a worker. */
export interface WorkerHandle {
  post(message: unknown, transfer?: readonly ArrayBuffer[]): void;
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

interface NodeWorker {
  postMessage(message: unknown, transfer?: readonly ArrayBuffer[]): void;
  on(event: string, listener: (value: never) => void): void;
  terminate(): Promise<number>;
}

interface NodeModules {
  readonly "node:worker_threads": {
    readonly Worker: new (url: URL, options: object) => NodeWorker;
    readonly parentPort: NodeWorker | null;
  };
}

interface Globals {
  readonly process?: { readonly getBuiltinModule?: (name: string) => unknown };
}

const globals = globalThis as unknown as Globals;

function nodeModule<Name extends keyof NodeModules>(name: Name): NodeModules[Name] | undefined {
  return globals.process?.getBuiltinModule?.(name) as NodeModules[Name] | undefined;
}

/** Sources run as they are, with Node's type stripping; a build is two files side by side. */
const IS_SOURCE: boolean = /* @__PURE__ */ import.meta.url.endsWith(".ts");

export const spawnWorker: SpawnWorker = (listeners) => {
  const threads = nodeModule("node:worker_threads");
  return threads === undefined ? spawnBrowserWorker(listeners) : spawnNodeWorker(threads, listeners);
};

function spawnNodeWorker(
  threads: NodeModules["node:worker_threads"],
  { message, death }: WorkerListeners,
): WorkerHandle {
  const options = IS_SOURCE ? { execArgv: ["--conditions=@ll/source"] } : {};
  const worker = new threads.Worker(new URL(IS_SOURCE ? "../worker.ts" : "./worker.js", import.meta.url), options);
  worker.on("message", message);
  worker.on("messageerror", (error) => death("a message could not be read", error));
  worker.on("error", (error: Error) => death(String(error), error));
  worker.on("exit", (code: number) => death(`exit code ${code}`));
  return {
    post: (value, transfer) => worker.postMessage(value, transfer),
    terminate: () => worker.terminate(),
  };
}

function spawnBrowserWorker({ message, death }: WorkerListeners): WorkerHandle {
  // in this form bundlers find the second file
  const worker = IS_SOURCE
    ? new Worker(new URL("../worker.ts", import.meta.url), { type: "module" })
    : new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  worker.onmessage = (event) => message(event.data);
  worker.onmessageerror = () => death("a message could not be read");
  worker.onerror = (event) => death(event.message);
  return {
    post: (value, transfer) => worker.postMessage(value, [...(transfer ?? [])]),
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
