// Which files are open, told by the calls that open and close them. The n-th call of all can be made to fail.

import fs, { type FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";

export interface FileHandleWatch {
  /** Paths of the files that were opened and not closed since. */
  open(): string[];
  /** Calls made so far: of `open`, and of `stat`, `read` and `close` of what it gave. */
  calls(): number;
  /** Ends the watch. */
  restore(): void;
}

/** Watches `open` of node:fs/promises. A `close` that fails has closed, as with the system's own. */
export function watchFileHandles(failAt: number = Number.POSITIVE_INFINITY): FileHandleWatch {
  const original = fs.open;
  const paths = new Map<FileHandle, string>();
  let calls = 0;
  const count = (): void => {
    if (++calls === failAt) throw Object.assign(new Error("EIO: injected"), { code: "EIO", syscall: "test" });
  };
  fs.open = async (path, flags, mode) => {
    count();
    const handle = await original(path, flags, mode);
    paths.set(handle, String(path));
    for (const name of ["stat", "read", "close"] as const) {
      const call = handle[name] as (...args: unknown[]) => Promise<unknown>;
      const counted = async (...args: unknown[]): Promise<unknown> => {
        if (name === "close") {
          paths.delete(handle);
          await call.apply(handle, args);
          count();
          return undefined;
        }
        count();
        return call.apply(handle, args);
      };
      Object.defineProperty(handle, name, { value: counted });
    }
    return handle;
  };
  syncBuiltinESMExports();
  return {
    open: () => [...paths.values()],
    calls: () => calls,
    restore() {
      fs.open = original;
      syncBuiltinESMExports();
    },
  };
}
