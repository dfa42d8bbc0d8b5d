// What must hold before an `OutFile` is begun: the target may be replaced, is no input, and there is room for it.

import * as nodeFs from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { IoError, isIoError } from "./errors.ts";
import { reason } from "./file-source.ts";
import type { OutFileSystem, OutFileTestOptions } from "./out-file-options.ts";

/** A little more than the file itself, for the directory entry and block rounding. */
const FREE_SPACE_MARGIN = 1.01;

/**
 * Whether a file may be begun at a path, without beginning it: asked before long work whose result it will be.
 * @param inputs as those of `createOutFile`
 * @throws IoError as `createOutFile`
 */
export async function assertWritable(path: string, inputs: readonly string[]): Promise<void> {
  const target = await resolveTarget(nodeFs, path);
  await assertReplaceable(nodeFs, target, { inputs });
  await nodeFs.access(dirname(target), nodeFs.constants.W_OK).catch((cause: unknown) => fail(path, cause));
}

/**
 * A symbolic link is followed, so that the file it names is replaced and the link stays.
 * @throws IoError `E_IO` if the link leads nowhere.
 */
export async function resolveTarget(fs: OutFileSystem, path: string): Promise<string> {
  try {
    return await fs.realpath(path);
  } catch (cause) {
    if (!isAbsent(cause)) fail(path, cause);
  }
  const link = await fs.lstat(path).catch((cause: unknown) => (isAbsent(cause) ? undefined : fail(path, cause)));
  // anything else has come up meanwhile
  if (link?.isSymbolicLink() === true) {
    throw new IoError({ code: "E_IO", file: path, message: `cannot write ${path}: a symbolic link to a missing file` });
  }
  return resolve(path);
}

/**
 * Permission bits of the file that will be replaced, or `undefined` if there is none.
 * @throws IoError `E_IO` if it is not a regular file; `E_SAME_FILE` if it is one of the inputs; `E_EXISTS` for `noClobber`.
 */
export async function assertReplaceable(
  fs: OutFileSystem,
  target: string,
  options: OutFileTestOptions,
): Promise<number | undefined> {
  const old = await statIfPresent(fs, target, target);
  if (old === undefined) return undefined;
  if (!old.isFile()) {
    throw new IoError({ code: "E_IO", file: target, message: `cannot write ${target}: not a regular file` });
  }
  for (const input of options.inputs ?? []) {
    const stat = await statIfPresent(fs, input, target);
    if (stat !== undefined && stat.dev === old.dev && stat.ino === old.ino) {
      throw new IoError({ code: "E_SAME_FILE", file: target, message: `output ${target} is the input ${input}` });
    }
  }
  if (options.noClobber) throw new IoError({ code: "E_EXISTS", file: target, message: `${target} exists` });
  return Number(old.mode & 0o7777n);
}

/** @throws IoError `E_NOSPACE`. A file system that does not say how much is free is trusted. */
export async function assertSpace(fs: OutFileSystem, path: string, directory: string, bytes: number): Promise<void> {
  const stat = await fs.statfs(directory).catch(() => undefined);
  if (stat === undefined) return;
  const free = stat.bavail * stat.bsize;
  if (free < bytes * FREE_SPACE_MARGIN) {
    throw new IoError({
      code: "E_NOSPACE",
      file: path,
      message: `not enough space for ${path}: ${bytes} bytes needed, ${free} free`,
    });
  }
}

/** Throws `cause` as an IoError about `path`; `where` completes the message. */
export function fail(path: string, cause: unknown, where = ""): never {
  if (isIoError(cause)) throw cause;
  const code = errorCode(cause);
  const full = code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG";
  throw new IoError({
    code: full ? "E_NOSPACE" : "E_IO",
    file: path,
    message: `cannot write ${path}: ${reason(cause)}${where}`,
    cause,
  });
}

export function errorCode(cause: unknown): string | undefined {
  return (cause as NodeJS.ErrnoException | undefined)?.code;
}

function isAbsent(cause: unknown): boolean {
  return errorCode(cause) === "ENOENT";
}

/** Only "no such file" counts as absent: any other failure could hide an input that is about to be overwritten. */
async function statIfPresent(fs: OutFileSystem, path: string, target: string) {
  return fs.stat(path, { bigint: true }).catch((cause: unknown) => {
    if (!isAbsent(cause)) fail(target, cause, path === target ? "" : ` (looking at the input ${path})`);
  });
}
