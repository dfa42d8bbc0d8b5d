// Reading without waiting for the event loop, in workers.

import type { SourceOrigin } from "./byte-source.ts";
import { IoError } from "./errors.ts";
import { changed, stampOf } from "./file-stamp.ts";
import { type NodeModules, nodeModule } from "./node-modules.ts";

export interface SyncFile {
  /** Fills all of `target`. @throws IoError `E_IO` or `E_CHANGED` */
  read(offset: number, target: Uint8Array): void;
  close(): void;
}

/** Whether this runtime can read there without waiting: paths on Node, blobs in the workers of browsers. */
export function isSyncReadable(origin: SourceOrigin): boolean {
  return "path" in origin === (nodeModule("node:fs") !== undefined);
}

/**
 * For an origin that is readable so. Opening never waits, whatever has taken the file's place.
 * @throws IoError `E_CHANGED` if the file at the path is not the one of the origin's stamp; `E_IO`
 */
export function openSyncFile(origin: SourceOrigin): SyncFile {
  return "path" in origin ? openPath(origin.path, origin.stamp) : openBlob(origin.blob);
}

function openPath(path: string, stamp: string | undefined): SyncFile {
  const fs = nodeModule("node:fs") as NodeModules["node:fs"];
  const failed = (cause: unknown): never => {
    throw new IoError({ code: "E_IO", file: path, message: `cannot read ${path}: ${String(cause)}`, cause });
  };
  let fd = 0;
  try {
    fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  } catch (cause) {
    if (stamp !== undefined && (cause as { code?: string }).code === "ENOENT") throw changed(path);
    failed(cause);
  }
  const found = fs.fstatSync(fd, { bigint: true });
  if (stamp === undefined ? !found.isFile() : stampOf(found) !== stamp) {
    fs.closeSync(fd);
    throw stamp === undefined
      ? new IoError({ code: "E_IO", file: path, message: `cannot read ${path}: not a regular file` })
      : changed(path);
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
