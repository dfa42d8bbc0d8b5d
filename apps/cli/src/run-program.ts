// Runs a program as a process: what it throws becomes two lines and an exit code.

import { inspect } from "node:util";
import { printable } from "@ll/bytes";
import type { Io } from "./command.ts";
import { CommandError, ReportedError } from "./errors.ts";
import { ExitCode, exitCodeOf } from "./exit-codes.ts";
import { installSignals } from "./signals.ts";
import { inert, term } from "./terminal.ts";
import { wrapFor } from "./text-wrap.ts";

/** Longest error line, in characters. */
const MESSAGE_CHARS = 512;

/** Runs a program as this process, whose exit code is what it resolves to. */
export async function runAsProcess(program: (io: Io) => Promise<number>): Promise<void> {
  // the one place that exits; everything else sets the exit code and lets the process end by itself
  installSignals((code) => process.exit(code));
  process.exitCode = await program({ out: term(process.stdout), err: term(process.stderr), env: process.env });
}

/** The exit code that `work` resolves to, or that what it throws deserves. Nothing is thrown. */
export async function runReported(
  bin: string,
  argv: readonly string[],
  io: Io,
  work: () => Promise<number>,
): Promise<number> {
  try {
    return await work();
  } catch (error) {
    const code = exitCodeOf(error);
    if (io.out.isMidLine && io.out.isTty && io.err.isTty) io.err.write("\n"); // behind generated text
    if (!(error instanceof ReportedError)) io.err.write(wrapFor(io.err, io.env, describeError(bin, error, code)));
    if (isVerbose(argv, io)) io.err.write(`${inert(inspect(error))}\n`);
    return code;
  }
}

/** One line that says what happened, then a hint where there is one. */
function describeError(bin: string, error: unknown, code: number): string {
  const text = error instanceof Error ? error.message : String(error);
  const prefix = code === ExitCode.internal ? "internal error (bug): " : "";
  const hint = error instanceof CommandError && error.hint !== undefined ? `${error.hint}\n` : "";
  return `${bin}: ${printable(prefix + text, MESSAGE_CHARS)}\n${hint}`;
}

/** `--verbose` or `-v` before a `--`, or `LL_DEBUG=1`. */
function isVerbose(argv: readonly string[], io: Io): boolean {
  const end = argv.indexOf("--");
  const flags = end === -1 ? argv : argv.slice(0, end);
  const { LL_DEBUG } = io.env;
  return flags.includes("--verbose") || flags.includes("-v") || LL_DEBUG === "1";
}
