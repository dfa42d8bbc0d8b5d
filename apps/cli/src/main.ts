// The frame of the command line: finds the program, runs it, turns what it throws into two lines and an exit code.

import { inspect } from "node:util";
import { printable } from "@ll/bytes";
import type { Io } from "./command.ts";
import { completionScript } from "./completion.ts";
import { CommandError, ReportedError, UsageError } from "./errors.ts";
import { ExitCode, exitCodeOf } from "./exit-codes.ts";
import { FRAME_OPTIONS } from "./program.ts";
import { installSignals } from "./signals.ts";
import { closest } from "./suggest.ts";
import { inert, term } from "./terminal.ts";
import { VERBS } from "./verbs.ts";
import { versionLine } from "./version.ts";

/** Longest error line, in characters. */
const MESSAGE_CHARS = 512;

/** Runs a program of this package as this process: `main("ll-convert", process.argv.slice(2))`. */
export async function main(bin: string, argv: readonly string[]): Promise<void> {
  // the one place that exits; everything else sets the exit code and lets the process end by itself
  installSignals((code) => process.exit(code));
  process.exitCode = await run(bin, argv, { out: term(process.stdout), err: term(process.stderr), env: process.env });
}

/** Runs a program and returns its exit code. Nothing is thrown. */
export async function run(bin: string, given: readonly string[], io: Io): Promise<number> {
  const argv = given[0]?.startsWith("--completion=") ? [...given[0].split("="), ...given.slice(1)] : given;
  try {
    if (bin === "ll") return await runVerb(argv, io);
    const verb = VERBS.get(bin.replace(/^ll-/, ""));
    if (verb === undefined) throw new UsageError(`no such program: ${bin}`);
    if (argv[0] === "--completion") {
      io.out.write(completionScript(argv[1], { bin, options: await verb.options(), words: [] }));
      return ExitCode.ok;
    }
    return await (await verb.load())(bin, argv, io);
  } catch (error) {
    const code = exitCodeOf(error);
    if (!(error instanceof ReportedError)) io.err.write(describeError(bin, error, code));
    if (isVerbose(argv, io)) io.err.write(`${inert(inspect(error))}\n`);
    return code;
  }
}

async function runVerb(argv: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = argv;
  if (name === "--help" || name === "-h") io.out.write(help());
  else if (name === "--version") io.out.write(versionLine("ll"));
  else if (name === "--completion") {
    io.out.write(completionScript(rest[0], { bin: "ll", options: FRAME_OPTIONS, words: [...VERBS.keys()] }));
  } else if (name !== undefined && VERBS.has(name)) return run(`ll-${name}`, rest, io);
  else {
    const found = name === undefined ? "no program named" : `no such program: ${name}`;
    const suggestion = closest(name ?? "", [...VERBS.keys()]);
    const hint = suggestion === undefined ? "" : `Did you mean ${suggestion}?\n`;
    throw new UsageError(found, `${hint}usage: ll ${[...VERBS.keys()].join("|")} [options] (see ll --help)`);
  }
  return ExitCode.ok;
}

function help(): string {
  const verbs = [...VERBS].map(([name, verb]) => `  ll-${name.padEnd(16)}${verb.summary}\n`);
  return [
    "Examples:\n",
    "  ll-convert models/7B --outfile model-f16.bin\n",
    "  ll-quantize model-f16.bin model-q4_0.bin q4_0\n",
    "  ll-chat model-q4_0.bin\n\n",
    "Programs (`ll VERB` is the same as `ll-VERB`; each has --help):\n",
    ...verbs,
  ].join("");
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
