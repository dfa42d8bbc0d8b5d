// The file system under an `OutFile`, with a hook before every call, also those on open files.

import * as nodeFs from "node:fs/promises";
import type { OutFileSystem } from "../src/out-file-options.ts";

/** Called with the number of the call, from 1, and its name; what it throws, the call rejects with. */
export type Hook = (call: number, name: string) => void;

const CALLS = ["open", "stat", "lstat", "statfs", "rename", "unlink", "readdir", "realpath"] as const;
const HANDLE_CALLS = ["write", "read", "sync", "chmod", "close", "utimes"] as const;

export interface FsChanges {
  /** Writes at most this many bytes a call. */
  readonly writeAtMost?: number;
  /** Changes bytes on their way to the disk. */
  readonly onWrite?: (bytes: Uint8Array) => Uint8Array;
}

export function hookedFs(hook: Hook, changes: FsChanges = {}): OutFileSystem {
  let call = 0;
  const hooked = <T extends object>(target: T, names: readonly (keyof T & string)[]): T => {
    const own = Object.fromEntries(
      names.map((name) => [
        name,
        async (...args: unknown[]) => {
          try {
            hook(++call, name);
          } catch (error) {
            if (name === "close") await (target as nodeFs.FileHandle).close(); // a failed close still lets go
            throw error;
          }
          if (name === "write") {
            const [bytes, offset, length] = args as [Uint8Array, number, number];
            const part = bytes.subarray(offset, offset + Math.min(length, changes.writeAtMost ?? length));
            const written = changes.onWrite?.(part.slice()) ?? part;
            return (target as nodeFs.FileHandle).write(written);
          }
          const result = await (target[name] as (...args: unknown[]) => Promise<unknown>).apply(target, args);
          return name === "open" ? hooked(result as nodeFs.FileHandle, HANDLE_CALLS) : result;
        },
      ]),
    );
    return own as T;
  };
  return hooked(nodeFs as OutFileSystem, CALLS);
}

/** An error as the system reports it. */
export function systemError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: injected`), { code });
}
