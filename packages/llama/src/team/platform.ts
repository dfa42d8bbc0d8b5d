// Workers, cores and files on Node and in browsers. Nothing here is imported from either: `process.getBuiltinModule` gives
// Node's modules where there are any, and bundlers for browsers see none.

import { IoError } from "@ll/bytes";
import type { TensorLocation } from "../tensor-source.ts";

/** The main thread's side of a worker. */
export interface WorkerHandle {
  post(message: unknown, transfer?: readonly ArrayBuffer[]): void;
  /** Whether the worker keeps the process alive. */
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

/** A file that is read without waiting for the event loop. */
export interface SyncFile {
  /** Fills all of `target`. */
  read(offset: number, target: Uint8Array): void;
  close(): void;
}

interface NodeWorker {
  postMessage(message: unknown, transfer?: readonly ArrayBuffer[]): void;
  on(event: string, listener: (value: never) => void): void;
  ref(): void;
  unref(): void;
  terminate(): Promise<number>;
}

interface NodeModules {
  readonly "node:worker_threads": {
    readonly Worker: new (url: URL, options: object) => NodeWorker;
    readonly parentPort: NodeWorker | null;
  };
  readonly "node:os": { availableParallelism(): number };
  readonly "node:fs": {
    openSync(path: string, flags: string): number;
    readSync(fd: number, target: Uint8Array, start: number, length: number, position: number): number;
    closeSync(fd: number): void;
  };
}

interface Globals {
  readonly process?: { readonly getBuiltinModule?: (name: string) => unknown };
  readonly navigator?: { readonly hardwareConcurrency?: number };
  readonly crossOriginIsolated?: boolean;
  readonly SharedArrayBuffer?: unknown;
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
  worker.unref();
  return {
    post: (value, transfer) => worker.postMessage(value, transfer),
    keepAlive: (isNeeded) => (isNeeded ? worker.ref() : worker.unref()),
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
  return nodeModule("node:os")?.availableParallelism() ?? globals.navigator?.hardwareConcurrency ?? 1;
}

/** Whether threads can share memory: browsers allow it to cross-origin isolated pages only. */
export function canShareMemory(): boolean {
  return globals.SharedArrayBuffer !== undefined && globals.crossOriginIsolated !== false;
}

/** Whether workers can read a tensor themselves. */
export function isReadableInWorkers(location: TensorLocation | undefined): boolean {
  if (location === undefined) return false;
  return "path" in location === (nodeModule("node:fs") !== undefined);
}

/** For locations that are readable in workers. @throws IoError `E_IO` or `E_CHANGED` */
export function openSync(location: TensorLocation): SyncFile {
  return "path" in location ? openPath(location.path) : openBlob(location.blob);
}

function openPath(path: string): SyncFile {
  const fs = nodeModule("node:fs") as NodeModules["node:fs"];
  const failed = (cause: unknown): never => {
    throw new IoError({ code: "E_IO", file: path, message: `cannot read ${path}: ${String(cause)}`, cause });
  };
  let fd = 0;
  try {
    fd = fs.openSync(path, "r");
  } catch (cause) {
    failed(cause);
  }
  return {
    read(offset, target) {
      for (let done = 0; done < target.byteLength; ) {
        let count = 0;
        try {
          count = fs.readSync(fd, target, done, target.byteLength - done, offset + done);
        } catch (cause) {
          failed(cause);
        }
        if (count === 0) {
          throw new IoError({ code: "E_CHANGED", file: path, message: `${path} became shorter while it was read` });
        }
        done += count;
      }
    },
    close: () => fs.closeSync(fd),
  };
}

function openBlob(blob: Blob): SyncFile {
  const { FileReaderSync } = globalThis as unknown as {
    FileReaderSync: new () => { readAsArrayBuffer(blob: Blob): ArrayBuffer };
  };
  return {
    read(offset, target) {
      target.set(
        new Uint8Array(new FileReaderSync().readAsArrayBuffer(blob.slice(offset, offset + target.byteLength))),
      );
    },
    close() {},
  };
}
