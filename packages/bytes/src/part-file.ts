// A file that comes in parts, in any order and over several runs, and appears under its name when all are there. Beside it, while it
// grows: `.NAME.KEY.part` with the bytes, `.NAME.KEY.done` with one byte for each chunk that is whole, `.NAME.KEY.lock` with who is at it.
// Contents are not trusted before whoever downloads has checked them: then a chunk that a power failure lost does no harm.

import { createHash } from "node:crypto";
import * as fs from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { openHandles } from "./file-source.ts";
import { lockFile } from "./lock-file.ts";
import { syncDirectory } from "./out-file.ts";
import { assertReplaceable, assertSpace, errorCode, fail, resolveTarget } from "./out-target.ts";

export interface PartFileOptions {
  /** Of the finished file. */
  readonly bytes: number;
  /** What says that contents are the same, such as their hash: parts of another key are no parts of this file. */
  readonly key: string;
  /** Default 16 MiB. */
  readonly chunkBytes?: number;
}

export interface PartFile {
  readonly path: string;
  /** Where the bytes are until the file appears. */
  readonly partPath: string;
  /** Spans, in order, that are not there yet. */
  missing(): readonly { readonly chunk: number; readonly start: number; readonly end: number }[];
  /** Pieces that follow one another are written in one step. */
  write(offset: number, pieces: readonly Uint8Array[]): Promise<void>;
  /** All bytes of the chunk are written. */
  finish(chunk: number): Promise<void>;
  /** Fills `target`; the bytes must be there. */
  read(offset: number, target: Uint8Array): Promise<void>;
  /** Makes the file appear. @throws IoError `E_EXISTS` if another one has its name */
  commit(): Promise<void>;
  /** Keeps what is there for another time. */
  close(): Promise<void>;
  /** Removes what is there. */
  discard(): Promise<void>;
}

const CHUNK_BYTES = 16 * 1024 * 1024;

/**
 * Opens or begins the parts of the file `path`, and makes the folders above it.
 * @throws IoError `E_LOCKED` while another process is at it, `E_EXISTS`, `E_NOSPACE`, `E_IO`
 */
export async function openPartFile(path: string, options: PartFileOptions): Promise<PartFile> {
  const { bytes, key, chunkBytes = CHUNK_BYTES } = options;
  await fs.mkdir(dirname(path), { recursive: true }).catch((cause: unknown) => fail(path, cause));
  const target = await resolveTarget(fs, path);
  const hash = createHash("sha256").update(`${key} ${bytes} ${chunkBytes}`).digest("hex").slice(0, 12);
  const stem = join(dirname(target), `.${[...basename(target)].slice(0, 48).join("")}.${hash}`);
  const [partPath, donePath] = [`${stem}.part`, `${stem}.done`];
  const unlock = await lockFile(`${stem}.lock`, path);
  let part: fs.FileHandle | undefined;
  let map: fs.FileHandle | undefined;
  try {
    await assertReplaceable(fs, target, { noClobber: true });
    part = await openOrCreate(partPath);
    map = await openOrCreate(donePath);
    const nChunks = Math.ceil(bytes / chunkBytes);
    const done = new Uint8Array(nChunks);
    // a map without its part says nothing
    if ((await part.stat()).size === 0) await map.truncate(0);
    await map.read(done, 0, nChunks, 0);
    const nMissing = done.reduce((sum, isDone) => sum + (isDone === 1 ? 0 : 1), 0);
    await assertSpace(fs, path, dirname(target), Math.min(bytes, nMissing * chunkBytes));
    return partFile(path, { part, map, done, chunkBytes, bytes, partPath, donePath, target, unlock });
  } catch (cause) {
    await part?.close().catch(() => undefined);
    await map?.close().catch(() => undefined);
    await unlock();
    fail(path, cause);
  }
}

interface Open {
  readonly part: fs.FileHandle;
  readonly map: fs.FileHandle;
  /** (chunks): 1 for those that are whole. */
  readonly done: Uint8Array;
  readonly chunkBytes: number;
  readonly bytes: number;
  readonly partPath: string;
  readonly donePath: string;
  readonly target: string;
  readonly unlock: () => Promise<void>;
}

function partFile(
  path: string,
  { part, map, done, chunkBytes, bytes, partPath, donePath, target, unlock }: Open,
): PartFile {
  let isOpen = true;
  openHandles.add(part).add(map);
  const close = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    for (const handle of [part, map]) openHandles.delete(handle);
    await Promise.all([part.close().catch(() => undefined), map.close().catch(() => undefined)]);
    await unlock();
  };
  const orFail = async <T>(work: () => Promise<T>): Promise<T> => {
    if (!isOpen) throw new Error(`${path} is closed already`);
    return work().catch((cause: unknown) => fail(path, cause));
  };
  return {
    path,
    partPath,
    missing: () =>
      Array.from(done, (isDone, chunk) => ({
        isDone,
        chunk,
        start: chunk * chunkBytes,
        end: Math.min(bytes, (chunk + 1) * chunkBytes),
      })).filter(({ isDone }) => isDone !== 1),
    write: (offset, pieces) =>
      orFail(async () => {
        let [at, left] = [offset, pieces.filter(({ byteLength }) => byteLength > 0)];
        while (left.length > 0) {
          const { bytesWritten } = await part.writev(left, at);
          if (bytesWritten === 0) throw new Error("nothing was written");
          at += bytesWritten;
          left = behind(left, bytesWritten);
        }
      }),
    finish: (chunk) =>
      orFail(async () => {
        done[chunk] = 1;
        await map.write(done, chunk, 1, chunk);
      }),
    read: (offset, into) =>
      orFail(async () => {
        for (let n = 0; n < into.byteLength; ) {
          const { bytesRead } = await part.read(into, n, into.byteLength - n, offset + n);
          if (bytesRead === 0) throw new Error("bytes that were written are not there");
          n += bytesRead;
        }
      }),
    commit: () =>
      orFail(async () => {
        if (done.includes(0)) throw new Error("parts are missing");
        await part.truncate(bytes);
        await part.sync();
        await part.chmod(0o666 & ~process.umask());
        await assertReplaceable(fs, target, { noClobber: true }); // it may have come up meanwhile
        await fs.rename(partPath, target);
        await fs.unlink(donePath).catch(() => undefined);
        await syncDirectory(fs, dirname(target));
        await close();
      }),
    close,
    async discard() {
      if (!isOpen) return;
      await Promise.all([partPath, donePath].map((name) => fs.unlink(name).catch(() => undefined)));
      await close();
    },
  };
}

/** What is left of the pieces behind their first bytes. */
function behind(pieces: readonly Uint8Array[], nBytes: number): Uint8Array[] {
  const left: Uint8Array[] = [];
  let n = nBytes;
  for (const piece of pieces) {
    if (piece.byteLength > n) left.push(piece.subarray(n));
    n = Math.max(0, n - piece.byteLength);
  }
  return left;
}

async function openOrCreate(path: string): Promise<fs.FileHandle> {
  try {
    return await fs.open(path, "r+");
  } catch (cause) {
    if (errorCode(cause) !== "ENOENT") throw cause;
    return fs.open(path, "wx+", 0o600);
  }
}
