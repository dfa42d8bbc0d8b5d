// Where a new file goes: among the kept models, to a place on disk, or into memory. It is whole there, or not at all.

import type { ByteSink } from "@ll/bytes";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import type { ConvertRequest, Made } from "./jobs.ts";
import { createUnfinished } from "./store.ts";

export interface Output extends ByteSink {
  /** Of what was written so far, in hexadecimal. */
  sha256(): string;
  /** Has the file appear. */
  commit(): Promise<Pick<Made, "name" | "bytes" | "sha256" | "kept" | "file">>;
  /** Has it never been; harmless after the commit. */
  abort(): Promise<void>;
}

interface Target {
  write(bytes: Uint8Array): Promise<void>;
  commit(): Promise<Pick<Made, "name" | "kept" | "file">>;
  abort(): Promise<void>;
}

/** @throws StorageError */
export async function createOutput(to: ConvertRequest["to"], name: string, expectedBytes: number): Promise<Output> {
  const target =
    to === "kept" ? await keptTarget(name, expectedBytes) : to === "memory" ? memoryTarget(name) : await diskTarget(to);
  const hash = sha256.create();
  const sha256Text = (): string => bytesToHex(hash.clone().digest());
  let bytesWritten = 0;
  return {
    get bytesWritten() {
      return bytesWritten;
    },
    async write(bytes) {
      hash.update(bytes);
      await target.write(bytes);
      bytesWritten += bytes.byteLength;
    },
    async commit() {
      return { ...(await target.commit()), bytes: bytesWritten, sha256: sha256Text() };
    },
    sha256: sha256Text,
    abort: () => target.abort(),
  };
}

async function keptTarget(name: string, expectedBytes: number): Promise<Target> {
  const part = await createUnfinished(expectedBytes);
  return {
    write: (bytes) => part.write(bytes),
    commit: async () => ({ name, kept: await part.keep(name), file: undefined }),
    abort: () => part.discard(),
  };
}

/** A Blob of Blobs, which browsers keep on disk when they are many. */
function memoryTarget(name: string): Target {
  const parts: Blob[] = [];
  return {
    async write(bytes) {
      parts.push(new Blob([new Uint8Array(bytes)]));
    },
    commit: async () => ({ name, kept: undefined, file: new File(parts, name) }),
    async abort() {
      parts.length = 0;
    },
  };
}

/** What is written appears at its place when it is closed, and not before. */
async function diskTarget(handle: FileSystemFileHandle): Promise<Target> {
  const stream = await handle.createWritable();
  let isOver = false;
  return {
    write: (bytes) => stream.write(new Uint8Array(bytes)),
    async commit() {
      isOver = true;
      await stream.close();
      return { name: handle.name, kept: undefined, file: undefined };
    },
    async abort() {
      if (!isOver) await stream.abort();
      isOver = true;
    },
  };
}
