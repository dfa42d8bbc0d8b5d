// A file that appears whole or not at all: written beside its target under a temporary name, synced, then renamed.

import { randomBytes } from "node:crypto";
import { unlinkSync } from "node:fs";
import * as nodeFs from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { ByteSink } from "./byte-sink.ts";
import { IoError } from "./errors.ts";
import { reason } from "./file-source.ts";

/** The part of `node:fs/promises` that an `OutFile` uses; a test passes one that fails at the n-th call. */
export type OutFileSystem = Pick<
  typeof nodeFs,
  "open" | "stat" | "lstat" | "statfs" | "rename" | "unlink" | "readdir" | "realpath"
>;

export interface OutFileOptions {
  /** Files being read; writing over one of them is refused, also through another path or a hard link. */
  readonly inputs?: readonly string[];
  /** Exact size of the finished file, checked against free space before and against the bytes written after. */
  readonly expectedBytes?: number;
  /** Refuse an existing target instead of replacing it. */
  readonly noClobber?: boolean;
  readonly fs?: OutFileSystem;
}

export interface OutFile extends ByteSink {
  readonly path: string;
  /** Temporary files of dead processes that were found beside the target and removed. */
  readonly removedStale: readonly string[];
  /** Makes the file appear under its own name. @throws IoError, after the temporary file was removed. */
  commit(): Promise<void>;
  /** Removes the temporary file; harmless after `commit`. */
  abort(): Promise<void>;
}

/** Temporary files of this process that exist now. */
const temporaryPaths = new Set<string>();

/** Removes what unfinished `OutFile`s left, synchronously: for the signal handlers of an application. */
export function removeTemporaryFiles(): void {
  for (const path of temporaryPaths) {
    try {
      unlinkSync(path);
    } catch {
      // already gone
    }
  }
  temporaryPaths.clear();
}

/** Node rejects writes of 2^31 bytes and more. */
const WRITE_BYTES = 64 * 1024 * 1024;

/** A little more than the file itself, for the directory entry and block rounding. */
const FREE_SPACE_MARGIN = 1.01;

/** @throws IoError `E_SAME_FILE`, `E_EXISTS`, `E_NOSPACE` or `E_IO` before anything is written. */
export async function createOutFile(path: string, options: OutFileOptions = {}): Promise<OutFile> {
  const fs = options.fs ?? nodeFs;
  const target = await resolveTarget(fs, path);
  const directory = dirname(target);
  const oldMode = await assertReplaceable(fs, target, options);
  const removedStale = await removeStale(fs, target);
  if (options.expectedBytes !== undefined) await assertSpace(fs, path, directory, options.expectedBytes);

  const temporary = join(directory, `.${basename(target)}.${process.pid}.${randomBytes(4).toString("hex")}.part`);
  const handle = await fs.open(temporary, "wx", 0o600).catch((cause: unknown) => fail(path, cause));
  temporaryPaths.add(temporary);
  let bytesWritten = 0;
  let open = true;

  const discard = async (): Promise<void> => {
    if (open) {
      open = false;
      await handle.close().catch(() => undefined);
    }
    if (temporaryPaths.delete(temporary)) await fs.unlink(temporary).catch(() => undefined);
  };
  const orDiscard = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (cause) {
      await discard();
      return fail(path, cause);
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
          // a write may be short without failing: only the count that comes back is true
          const length = Math.min(WRITE_BYTES, bytes.byteLength - done);
          const { bytesWritten: written } = await handle.write(bytes, done, length);
          if (written === 0) throw new Error("nothing was written");
          done += written;
          bytesWritten += written;
        }
      }),
    commit: () =>
      orDiscard(async () => {
        const expected = options.expectedBytes;
        if (expected !== undefined && bytesWritten !== expected) {
          throw new Error(`${bytesWritten} bytes written, ${expected} expected`);
        }
        await handle.sync(); // a failed sync is final: a second one may falsely succeed
        await handle.chmod(oldMode ?? 0o666 & ~process.umask());
        open = false;
        await handle.close();
        await fs.rename(temporary, target);
        temporaryPaths.delete(temporary);
        await syncDirectory(fs, directory);
      }),
    abort: discard,
  };
}

/** A symbolic link is followed, so that the file it names is replaced and the link stays. */
async function resolveTarget(fs: OutFileSystem, path: string): Promise<string> {
  return fs.realpath(path).catch(() => resolve(path));
}

/** Returns the permission bits of the file that will be replaced, if there is one. */
async function assertReplaceable(
  fs: OutFileSystem,
  target: string,
  options: OutFileOptions,
): Promise<number | undefined> {
  const old = await fs.stat(target).catch(() => undefined);
  if (old === undefined) return undefined;
  if (!old.isFile()) {
    throw new IoError({ code: "E_IO", file: target, message: `cannot write ${target}: not a regular file` });
  }
  for (const input of options.inputs ?? []) {
    const stat = await fs.stat(input).catch(() => undefined);
    if (stat !== undefined && stat.dev === old.dev && stat.ino === old.ino) {
      throw new IoError({ code: "E_SAME_FILE", file: target, message: `output ${target} is the input ${input}` });
    }
  }
  if (options.noClobber) throw new IoError({ code: "E_EXISTS", file: target, message: `${target} exists` });
  return old.mode & 0o7777;
}

async function assertSpace(fs: OutFileSystem, path: string, directory: string, bytes: number): Promise<void> {
  const stat = await fs.statfs(directory).catch((cause: unknown) => fail(path, cause));
  const free = stat.bavail * stat.bsize;
  if (free < bytes * FREE_SPACE_MARGIN) {
    throw new IoError({
      code: "E_NOSPACE",
      file: path,
      message: `not enough space for ${path}: ${bytes} bytes needed, ${free} free`,
    });
  }
}

/** Removes `.NAME.PID.RANDOM.part` files whose process is gone. */
async function removeStale(fs: OutFileSystem, target: string): Promise<string[]> {
  const prefix = `.${basename(target)}.`;
  const names = await fs.readdir(dirname(target)).catch(() => []);
  const removed: string[] = [];
  for (const name of names) {
    if (!name.startsWith(prefix)) continue;
    const match = /^(\d+)\.[0-9a-f]{8}\.part$/.exec(name.slice(prefix.length));
    if (match === null || isAlive(Number(match[1]))) continue;
    const stale = join(dirname(target), name);
    await fs.unlink(stale).then(
      () => removed.push(stale),
      () => undefined,
    );
  }
  return removed;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Makes the rename itself durable. Some file systems cannot; the file is whole either way. */
async function syncDirectory(fs: OutFileSystem, directory: string): Promise<void> {
  const handle = await fs.open(directory, "r").catch(() => undefined);
  if (handle === undefined) return;
  await handle.sync().catch(() => undefined);
  await handle.close().catch(() => undefined);
}

function fail(path: string, cause: unknown): never {
  if (cause instanceof IoError) throw cause;
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  const full = code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG";
  throw new IoError({
    code: full ? "E_NOSPACE" : "E_IO",
    file: path,
    message: `cannot write ${path}: ${reason(cause)}`,
    cause,
  });
}
