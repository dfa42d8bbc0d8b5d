// What an `OutFile` is told, and the file system under it.

import type * as nodeFs from "node:fs/promises";

/** The part of `node:fs/promises` that an `OutFile` uses; a test passes one that fails at the n-th call. */
export type OutFileSystem = Pick<
  typeof nodeFs,
  "open" | "stat" | "lstat" | "statfs" | "rename" | "unlink" | "readdir" | "realpath"
>;

export interface OutFileOptions {
  /**
   * All files that were or are being read for this one, which may be none; writing over one of them is refused, also through
   * another path or a hard link.
   */
  readonly inputs: readonly string[];
  /** Exact size of the finished file, checked against free space before and against the bytes written after. */
  readonly expectedBytes?: number;
  /** Refuse an existing target instead of replacing it. */
  readonly noClobber?: boolean;
  /** Before the file appears, read it back and compare its SHA-256 with that of the bytes written. */
  readonly verify?: boolean;
  /** Nobody but its owner may read the file, whatever holds for the one that it replaces. */
  readonly isPrivate?: boolean;
}

/** For tests. Not in `./node`: the declarations of Node's types are not for every user of this package. */
export interface OutFileTestOptions extends Partial<OutFileOptions> {
  /** `node:fs/promises` if absent. */
  readonly fs?: OutFileSystem;
}
