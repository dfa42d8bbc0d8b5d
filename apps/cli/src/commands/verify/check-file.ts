// One file held against its checksum.

import { createHash } from "node:crypto";
import { isIoError } from "@ll/bytes";
import { openFileSource } from "@ll/bytes/node";
import type { SumAlgorithm, SumsEntry } from "./sums-file.ts";

/** Bytes hashed at a time, and between two calls of `onBytes`. */
const PIECE_BYTES = 16 * 1024 * 1024;

export interface FileCheck {
  /** `unreadable`: there is something, but no regular file that can be read. */
  readonly status: "valid" | "mismatch" | "missing" | "unreadable";
  /** Of what is there, in lower-case hexadecimal digits. */
  readonly found: string | undefined;
  /** Why it is unreadable. */
  readonly reason: string | undefined;
}

/** @param onBytes told how many more bytes were read */
export async function checkFile(
  path: string,
  { algorithm, sum }: Pick<SumsEntry, "algorithm" | "sum">,
  onBytes: (bytes: number) => void,
): Promise<FileCheck> {
  try {
    const found = await sumOf(path, algorithm, onBytes);
    return { status: found === sum ? "valid" : "mismatch", found, reason: undefined };
  } catch (error) {
    if (!isIoError(error)) throw error;
    const code = (error.cause as NodeJS.ErrnoException | undefined)?.code;
    const isMissing = code === "ENOENT" || code === "ENOTDIR";
    return { status: isMissing ? "missing" : "unreadable", found: undefined, reason: error.message };
  }
}

async function sumOf(path: string, algorithm: SumAlgorithm, onBytes: (bytes: number) => void): Promise<string> {
  const source = await openFileSource(path);
  try {
    const hash = createHash(algorithm);
    const buffer = new Uint8Array(Math.min(PIECE_BYTES, source.byteLength));
    for (let offset = 0; offset < source.byteLength; offset += buffer.byteLength) {
      const piece = buffer.subarray(0, Math.min(buffer.byteLength, source.byteLength - offset));
      await source.read(offset, piece);
      hash.update(piece);
      onBytes(piece.byteLength);
    }
    return hash.digest("hex");
  } finally {
    await source.close();
  }
}
