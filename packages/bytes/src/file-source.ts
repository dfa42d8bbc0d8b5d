// A regular file as a byte source.

import { constants } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { isError } from "./arguments.ts";
import { assertSpan, type ByteSource } from "./byte-source.ts";
import { IoError } from "./errors.ts";
import { changed, stampOf } from "./file-stamp.ts";
import type { URL as UrlType } from "./platform-types.ts";

/** Node rejects reads of 2^31 bytes and more; smaller pieces also keep an abort prompt. */
const READ_BYTES = 64 * 1024 * 1024;

/**
 * Of files that were not closed yet. Node 26 ends a process whose garbage has an open handle in it; a file that stays open because somebody
 * forgot it harms less.
 */
export const openHandles: Set<FileHandle> = /* @__PURE__ */ new Set();

export interface FileSource extends ByteSource {
  readonly path: string;
  /** @throws IoError `E_CHANGED` if size, modification time or identity differ from when the file was opened. */
  assertUnchanged(): Promise<void>;
  close(): Promise<void>;
}

/** The path of what names a file: of a text itself, of an address that begins with file: what it stands for. Undefined for all else. */
export function pathOf(place: unknown): string | undefined {
  if (typeof place === "string") return place;
  return place instanceof URL && place.protocol === "file:" ? fileURLToPath(place) : undefined;
}

/**
 * Opens a regular file for reading.
 * @param place its path, or an address that begins with file:
 * @throws IoError `E_IO` if it is missing, unreadable, a directory, a pipe or a device; TypeError for another address.
 */
export async function openFileSource(place: string | UrlType): Promise<FileSource> {
  const path = typeof place === "string" ? place : fileURLToPath(place as URL);
  // O_NONBLOCK: opening a FIFO must not wait for a writer
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    throw new IoError({ code: "E_IO", file: path, message: `failed to open ${path}: ${reason(cause)}`, cause });
  });
  const opened = await handle.stat({ bigint: true }).catch(async (cause: unknown) => {
    await handle.close().catch(() => undefined);
    throw new IoError({ code: "E_IO", file: path, message: `failed to open ${path}: ${reason(cause)}`, cause });
  });
  if (!opened.isFile()) {
    await handle.close().catch(() => undefined);
    const what = opened.isDirectory() ? "Is a directory" : "not a regular file";
    throw new IoError({ code: "E_IO", file: path, message: `failed to open ${path}: ${what}` });
  }
  openHandles.add(handle);
  const byteLength = Number(opened.size);
  const stamp = stampOf(opened);
  return {
    name: path,
    path,
    byteLength,
    origin: { path, stamp },
    async read(offset, target) {
      assertSpan(offset, target.byteLength, byteLength);
      await readExactly(handle, path, offset, target);
    },
    async assertUnchanged() {
      // the handle shows writes to the file that was opened, the path shows that another file took its place
      const states = [await handle.stat({ bigint: true }), await stat(path, { bigint: true }).catch(() => undefined)];
      if (!states.every((state) => state !== undefined && stampOf(state) === stamp)) throw changed(path);
    },
    close() {
      openHandles.delete(handle);
      return handle.close();
    },
  };
}

async function readExactly(handle: FileHandle, path: string, offset: number, target: Uint8Array): Promise<void> {
  let done = 0;
  while (done < target.byteLength) {
    const length = Math.min(READ_BYTES, target.byteLength - done);
    const { bytesRead } = await handle.read(target, done, length, offset + done).catch((cause: unknown) => {
      throw new IoError({ code: "E_IO", file: path, message: `read error: ${reason(cause)}`, cause });
    });
    if (bytesRead === 0) {
      throw new IoError({ code: "E_CHANGED", file: path, message: `${path} became shorter while it was read` });
    }
    done += bytesRead;
  }
}

const REASONS: ReadonlyMap<string, string> = /* @__PURE__ */ new Map([
  ["EACCES", "Permission denied"],
  ["EDQUOT", "Disk quota exceeded"],
  ["EFBIG", "File too large"],
  ["EIO", "Input/output error"],
  ["EISDIR", "Is a directory"],
  ["ELOOP", "Too many levels of symbolic links"],
  ["EMFILE", "Too many open files"],
  ["ENAMETOOLONG", "File name too long"],
  ["ENOENT", "No such file or directory"],
  ["ENOSPC", "No space left on device"],
  ["ENOTDIR", "Not a directory"],
  ["EPERM", "Operation not permitted"],
  ["EROFS", "Read-only file system"],
]);

/** The C library's words for a failed system call, such as `No such file or directory`: those llama.cpp prints. */
export function reason(cause: unknown): string {
  const words = REASONS.get((cause as NodeJS.ErrnoException | undefined)?.code ?? "");
  return words ?? (isError(cause) ? cause.message : String(cause));
}
