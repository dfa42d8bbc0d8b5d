// Errors of the command line itself. Files and environment have theirs in @ll/bytes.

import { printable } from "@ll/bytes";

/** Two paths and some words. The frame cuts what it shows further. */
const MESSAGE_CHARS = 9000;

/** A request that cannot be met, in words for the person who made it. */
export class CommandError extends Error {
  override readonly name: string = "CommandError";
  readonly code: string;
  /** What to type instead; shown on a line of its own. */
  readonly hint: string | undefined;

  /** @param message may hold names from anywhere: what is not printable in it becomes escapes */
  constructor(code: string, message: string, hint?: string) {
    super(printable(message, MESSAGE_CHARS));
    this.code = code;
    this.hint = hint;
  }
}

/** The command line was not understood. Exit code 2. */
export class UsageError extends CommandError {
  override readonly name: string = "UsageError";

  constructor(message: string, hint?: string) {
    super("E_ARG", message, hint);
  }
}

/** The command line was understood and the answer is no. Exit code 1. */
export class Refusal extends CommandError {
  override readonly name: string = "Refusal";

  constructor(message: string, hint?: string) {
    super("E_INPUT", message, hint);
  }
}

/** Wraps an error that a program has already put into its own words, so that only its exit code is left to find. */
export class ReportedError extends Error {
  override readonly name: string = "ReportedError";
  override readonly cause: unknown;

  constructor(cause: unknown) {
    super("already reported");
    this.cause = cause;
  }
}
