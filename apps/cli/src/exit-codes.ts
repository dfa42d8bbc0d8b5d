// Every exit code of the command line, and which error leads to which.

import { type FormatError, isFormatError, isIoError, isWorkerError } from "@ll/bytes";
import { Refusal, ReportedError, UsageError } from "./errors.ts";

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
const REFUSALS: ReadonlySet<string> = new Set(["E_INPUT", "E_EXISTS", "E_SAME_FILE"]);

/** The exit code for an error that ended a program. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof ReportedError || isWorkerError(error)) return exitCodeOf(error.cause);
  if (error instanceof UsageError) return ExitCode.usage;
  if (error instanceof Refusal) return ExitCode.failed;
  if (isFormatError(error)) return isRefusedInput(error) ? ExitCode.failed : ExitCode.badFile;
  if (isIoError(error)) return REFUSALS.has(error.code) ? ExitCode.failed : ExitCode.environment;
  if (isOutOfMemory(error) || isSystemError(error)) return ExitCode.environment;
  return ExitCode.internal;
}

/** A file that is in order, but not for what was asked: for @ll/quant, whatever a plan refuses. */
function isRefusedInput(error: FormatError): boolean {
  return REFUSALS.has(error.code) || error.name === "QuantizationError";
}

/** V8 reports an allocation that fails as a RangeError with one of these texts. */
function isOutOfMemory(error: unknown): boolean {
  return error instanceof RangeError && /allocation failed|Invalid typed array length/.test(error.message);
}

/** An error of the operating system that no layer below has put into its own words. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === "string";
}
