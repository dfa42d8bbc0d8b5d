// Node's modules where there are any, without importing them: bundlers for browsers see none. What is used of them is declared
// here, so that packages without Node's types can have these sources.

import type { FileIdentity } from "./file-stamp.ts";

export interface NodeWorker {
  postMessage(message: unknown, transfer?: readonly ArrayBuffer[]): void;
  on(event: string, listener: (value: never) => void): void;
  ref(): void;
  unref(): void;
  terminate(): Promise<number>;
}

export interface NodeModules {
  readonly "node:worker_threads": {
    readonly Worker: new (script: URL, options: object) => NodeWorker;
    readonly parentPort: NodeWorker | null;
  };
  readonly "node:os": { availableParallelism(): number };
  readonly "node:url": { pathToFileURL(path: string): URL };
  readonly "node:dns/promises": {
    lookup(hostname: string, options: { readonly all: true }): Promise<readonly { readonly address: string }[]>;
  };
  readonly "node:fs": {
    readonly constants: { readonly O_RDONLY: number; readonly O_NONBLOCK: number };
    openSync(path: string, flags: number): number;
    fstatSync(fd: number, options: { readonly bigint: true }): FileIdentity & { isFile(): boolean };
    readSync(fd: number, target: Uint8Array, start: number, length: number, position: number): number;
    closeSync(fd: number): void;
  };
}

/** Undefined in browsers. */
export function nodeModule<Name extends keyof NodeModules>(name: Name): NodeModules[Name] | undefined {
  const { process } = globalThis as { process?: { readonly getBuiltinModule?: (name: string) => unknown } };
  return process?.getBuiltinModule?.(name) as NodeModules[Name] | undefined;
}
