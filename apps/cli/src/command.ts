// What a program of this package is, seen from the frame that runs it.

import type { Terminal } from "./terminal.ts";

/** Where a command prints, and what it may know of its surroundings. */
export interface Io {
  /** Standard output: the product and nothing else. */
  readonly out: Terminal;
  /** Standard error: everything that is said about the work. */
  readonly err: Terminal;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The clock of progress lines: milliseconds from any origin. Default: `performance.now`. */
  readonly now?: () => number;
}

/**
 * Runs a program. `bin` is the name it was called by, for messages.
 * Resolves to the exit code; whatever it throws is reported by the frame and mapped by `exitCodeOf`.
 */
export type Command = (bin: string, argv: readonly string[], io: Io) => Promise<number>;
