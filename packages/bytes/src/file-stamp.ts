// Which file is at a path, and in which state.

import { IoError } from "./errors.ts";

/** The fields of Node's `BigIntStats` that tell one file, and one state of it, from another. */
export interface FileIdentity {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

/** Differs for another file, and for the same after it was written again. */
export function stampOf({ dev, ino, size, mtimeNs }: FileIdentity): string {
  return [dev, ino, size, mtimeNs].join(":");
}

export function changed(path: string): IoError {
  return new IoError({ code: "E_CHANGED", file: path, message: `${path} changed while it was read` });
}
