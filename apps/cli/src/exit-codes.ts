// Every exit code of the command line, and which error leads to which.

import { isError, isFormatError, isIoError, isWorkerError } from "@ll/bytes";
import { CommandError, ReportedError } from "./errors.ts";

export const ExitCode = {
  ok: 0,
  /** The operation failed or was refused. */
  failed: 1,
  usage: 2,
  /** A bad or unsupported file. */
  badFile: 3,
  /** Does not fit, or cannot be read or written: memory, disk space, I/O. */
  environment: 4,
  /** A bug. */
  internal: 5,
  hangup: 129,
  interrupted: 130,
  brokenPipe: 141,
  terminated: 143,
} as const;

/** Codes of errors that say no to a request although file and environment are in order. */
const REFUSALS: ReadonlySet<string> = new Set([
  ...["E_INPUT", "E_EXISTS", "E_SAME_FILE"],
  ...["E_TENSOR_SIZE", "E_REQUANTIZE", "E_IMPORTANCE", "E_LAYER"],
]);

/** The exit code for an error that ended a program. What an error says, and what its class is called, does not matter. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof ReportedError || isWorkerError(error)) return exitCodeOf(error.cause);
  const isOwn = error instanceof CommandError;
  if (isOwn || isFormatError(error) || isIoError(error)) {
    if (error.code === "E_ARG") return ExitCode.usage;
    if (isOwn || REFUSALS.has(error.code)) return ExitCode.failed;
    return isFormatError(error) ? ExitCode.badFile : ExitCode.environment;
  }
  return isSystemError(error) ? ExitCode.environment : ExitCode.internal;
}

/** An error of the operating system, or of Node for want of memory, that no layer below has put into its own words. */
function isSystemError(error: unknown): boolean {
  if (!isError(error)) return false;
  const { syscall, code } = error as NodeJS.ErrnoException;
  return typeof syscall === "string" || code === "ERR_MEMORY_ALLOCATION_FAILED";
}
