// A file that appears whole or not at all: written beside its target under a temporary name, synced, then renamed.
// After a power failure the target is the old file or the complete new one; a killed process leaves at most one
// temporary file, which the next `OutFile` for the same target removes.

import { createHash } from "node:crypto";
import * as nodeFs from "node:fs/promises";
import { dirname } from "node:path";
import type { ByteSink } from "./byte-sink.ts";
import type { OutFileSystem, OutFileTestOptions } from "./out-file-options.ts";
import { assertReplaceable, assertSpace, errorCode, fail, resolveTarget } from "./out-target.ts";
import { forgetTemporary, HEARTBEAT_MS, registerTemporary, removeStale } from "./temporary-files.ts";

export interface OutFile extends ByteSink {
  readonly path: string;
  /** Temporary files that nobody writes any more, which were found beside the target and removed. */
  readonly removedStale: readonly string[];
  /** Makes the file appear under its own name. @throws IoError, after the temporary file was removed. */
  commit(): Promise<void>;
  /** Removes the temporary file; harmless after `commit`. */
  abort(): Promise<void>;
}

/** Node rejects writes of 2^31 bytes and more. */
const WRITE_BYTES = 64 * 1024 * 1024;

/** `createOutFile` of `./node`, for tests also on another file system. */
export async function createOutFile(path: string, options: OutFileTestOptions = {}): Promise<OutFile> {
  const fs = options.fs ?? nodeFs;
  const target = await resolveTarget(fs, path);
  const directory = dirname(target);
  const oldMode = await assertReplaceable(fs, target, options);
  const removedStale = await removeStale(fs, target);
  if (options.expectedBytes !== undefined) await assertSpace(fs, path, directory, options.expectedBytes);

  const hash = options.verify ? createHash("sha256") : undefined;
  const temporary = registerTemporary(target);
  const handle = await fs.open(temporary, "wx", 0o600).catch((cause: unknown) => {
    forgetTemporary(temporary);
    return fail(path, cause);
  });
  let bytesWritten = 0;
  let open = true;
  const heartbeat = setInterval(() => {
    handle.utimes(new Date(), new Date()).catch(() => undefined);
  }, HEARTBEAT_MS).unref();
  const ended = (): void => {
    open = false;
    clearInterval(heartbeat);
  };

  const discard = async (): Promise<void> => {
    if (open) {
      ended();
      await handle.close().catch(() => undefined);
    }
    if (forgetTemporary(temporary)) await fs.unlink(temporary).catch(() => undefined);
  };
  const orDiscard = async (work: () => Promise<void>): Promise<void> => {
    if (!open) throw new Error(`${path} is already committed or aborted`);
    try {
      await work();
    } catch (cause) {
      await discard();
      fail(path, cause, ` (after ${bytesWritten} of ${options.expectedBytes ?? "an unknown number of"} bytes)`);
    }
  };

  return {
    path,
    removedStale,
    get bytesWritten() {
      return bytesWritten;
    },
    write: (bytes) =>
      orDiscard(async () => {
        let done = 0;
        while (done < bytes.byteLength) {
          // a write may be short without failing (measured at a file size limit): only the count that comes back is true
          const length = Math.min(WRITE_BYTES, bytes.byteLength - done);
          const { bytesWritten: written } = await handle.write(bytes, done, length);
          if (written === 0) throw new Error("nothing was written");
          done += written;
          bytesWritten += written;
        }
        hash?.update(bytes);
      }),
    commit: () =>
      orDiscard(async () => {
        const expected = options.expectedBytes;
        if (expected !== undefined && bytesWritten !== expected) throw new Error("the size is not the expected one");
        await handle.sync(); // a failed sync is final: a second one may falsely succeed
        if (!options.isPrivate) await handle.chmod(oldMode ?? 0o666 & ~process.umask());
        ended();
        await handle.close();
        if (hash !== undefined && (await fileSha256(fs, temporary)) !== hash.digest("hex")) {
          throw new Error("the bytes read back are not those written");
        }
        if (options.noClobber) await assertReplaceable(fs, target, options); // it may have come up meanwhile
        await fs.rename(temporary, target);
        forgetTemporary(temporary);
        await syncDirectory(fs, directory);
      }),
    abort: discard,
  };
}

async function fileSha256(fs: OutFileSystem, path: string): Promise<string> {
  const handle = await fs.open(path, "r");
  try {
    const hash = createHash("sha256");
    const chunk = new Uint8Array(1024 * 1024);
    for (;;) {
      const { bytesRead } = await handle.read(chunk, 0, chunk.byteLength);
      if (bytesRead === 0) return hash.digest("hex");
      hash.update(chunk.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}

/** What opening or syncing a directory says where it cannot be done; the file is whole all the same. */
const DIRECTORY_SYNC_UNSUPPORTED: ReadonlySet<string> = /* @__PURE__ */ new Set([
  "EINVAL",
  "EPERM",
  "EACCES",
  "EISDIR",
  "ENOTSUP",
]);

/** Makes a rename in it durable. */
export async function syncDirectory(fs: OutFileSystem, directory: string): Promise<void> {
  try {
    const handle = await fs.open(directory, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if (!DIRECTORY_SYNC_UNSUPPORTED.has(errorCode(cause) ?? "")) throw cause;
  }
}
