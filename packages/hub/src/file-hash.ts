// Hashes a file while it comes, as far as it is there from its beginning on. A large one is hashed beside the thread that downloads.

import { createHash } from "node:crypto";
import { Worker } from "node:worker_threads";
import { IoError, type AbortSignal as Signal } from "@ll/bytes";
import type { PartFile } from "@ll/bytes/node";
import type { HubFile } from "./choose-files.ts";

export interface FileHash {
  /** Goes on as far as the file is there. */
  advance(): Promise<void>;
  /** The digest in hexadecimal digits; the file must be whole. @throws IoError; the signal's reason */
  end(): Promise<string>;
  /** Lets go of what is not finished. */
  close(): Promise<void>;
}

/** Bytes that are hashed in one step. */
const STEP_BYTES = 4 * 1024 * 1024;
/** Bytes from which on a thread of its own is worth its start, some 50 ms. */
const LARGE_BYTES = 256 * 1024 * 1024;

/** A text and no file: there would be one more to put beside every bundle. */
const SCRIPT = `
const { createHash } = require("node:crypto");
const { openSync, readSync } = require("node:fs");
const { parentPort, workerData } = require("node:worker_threads");
const { path, algorithm, start, bytes, stepBytes } = workerData;
const digest = createHash(algorithm).update(start);
const buffer = new Uint8Array(stepBytes);
const file = openSync(path, "r");
let offset = 0;
let isDone = false;
parentPort.on("message", (end) => {
  while (offset < end) {
    const n = readSync(file, buffer, 0, Math.min(stepBytes, end - offset), offset);
    if (n === 0) throw new Error("bytes that were written are not there");
    digest.update(buffer.subarray(0, n));
    offset += n;
  }
  if (end < bytes || isDone) return;
  isDone = true;
  parentPort.postMessage(digest.digest("hex"));
});
`;

export interface FileHashOptions {
  readonly signal?: Signal | undefined;
  /** Of files that get a thread; other than the default in tests. */
  readonly largeBytes?: number | undefined;
}

export function hashFile(
  part: PartFile,
  { bytes, hash }: Pick<HubFile, "bytes" | "hash">,
  { signal, largeBytes = LARGE_BYTES }: FileHashOptions = {},
): FileHash {
  const algorithm = hash?.kind === "git-sha1" ? "sha1" : "sha256";
  const start = hash?.kind === "git-sha1" ? `blob ${bytes}\0` : "";
  const there = (): number => part.missing()[0]?.start ?? bytes;
  return bytes >= largeBytes ? beside() : here();

  function here(): FileHash {
    const digest = createHash(algorithm).update(start);
    const buffer = new Uint8Array(Math.min(bytes, STEP_BYTES));
    let offset = 0;
    let turn: Promise<void> = Promise.resolve();
    const advance = (): Promise<void> => {
      turn = turn.then(async () => {
        const end = there();
        while (offset < end) {
          signal?.throwIfAborted();
          const piece = buffer.subarray(0, Math.min(STEP_BYTES, end - offset));
          await part.read(offset, piece);
          digest.update(piece);
          offset += piece.byteLength;
        }
      });
      turn.catch(() => undefined); // whoever awaits it hears of it
      return turn;
    };
    const end = async (): Promise<string> => {
      await advance();
      return digest.digest("hex");
    };
    return { advance, end, close: async () => undefined };
  }

  function beside(): FileHash {
    const workerData = { path: part.partPath, algorithm, start, bytes, stepBytes: STEP_BYTES };
    const worker = new Worker(SCRIPT, { eval: true, workerData });
    const result = new Promise<string>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", (cause) => reject(failure(String((cause as Error).message), cause)));
      worker.once("exit", () => reject(failure("the thread that hashes has ended")));
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    result.catch(() => undefined); // whoever awaits it hears of it
    const advance = async (): Promise<void> => worker.postMessage(there());
    return {
      advance,
      async end() {
        signal?.throwIfAborted();
        await advance();
        return result;
      },
      close: async () => void (await worker.terminate()),
    };
  }

  function failure(reason: string, cause?: unknown): IoError {
    return new IoError({ code: "E_IO", file: part.path, message: `cannot check ${part.path}: ${reason}`, cause });
  }
}
