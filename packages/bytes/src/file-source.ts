// A regular file as a byte source.

import { constants, type FileHandle, open } from "node:fs/promises";
import { assertSpan, type ByteSource } from "./byte-source.ts";
import { IoError } from "./errors.ts";

/** Node rejects reads of 2^31 bytes and more; smaller pieces also keep an abort prompt. */
const READ_BYTES = 64 * 1024 * 1024;

export interface FileSource extends ByteSource {
  readonly path: string;
  /** @throws IoError `E_CHANGED` if size, modification time or identity differ from when the file was opened. */
  assertUnchanged(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a regular file for reading.
 * @throws IoError `E_IO` if it is missing, unreadable, a directory, a pipe or a device.
 */
export async function openFileSource(path: string): Promise<FileSource> {
  // O_NONBLOCK: opening a FIFO must not wait for a writer
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    throw new IoError({ code: "E_IO", file: path, message: `failed to open ${path}: ${reason(cause)}`, cause });
  });
  const opened = await handle.stat();
  if (!opened.isFile()) {
    await handle.close();
    throw new IoError({ code: "E_IO", file: path, message: `failed to open ${path}: not a regular file` });
  }
  return {
    name: path,
    path,
    byteLength: opened.size,
    async read(offset, target) {
      assertSpan(offset, target.byteLength, opened.size);
      await readExactly(handle, path, offset, target);
    },
    async assertUnchanged() {
      const now = await handle.stat();
      if (now.size !== opened.size || now.mtimeMs !== opened.mtimeMs || now.ino !== opened.ino) {
        throw new IoError({ code: "E_CHANGED", file: path, message: `${path} changed while it was read` });
      }
    },
    close: () => handle.close(),
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

/** The system's own words for an error, such as `No such file or directory`. */
export function reason(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  const words: Record<string, string> = {
    ENOENT: "No such file or directory",
    EACCES: "Permission denied",
    EISDIR: "Is a directory",
    ENOTDIR: "Not a directory",
    ELOOP: "Too many levels of symbolic links",
    ENOSPC: "No space left on device",
    EROFS: "Read-only file system",
    EFBIG: "File too large",
    EDQUOT: "Disk quota exceeded",
    EMFILE: "Too many open files",
    ENAMETOOLONG: "File name too long",
  };
  return (code === undefined ? undefined : words[code]) ?? (cause instanceof Error ? cause.message : String(cause));
}
