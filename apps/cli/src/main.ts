// The command line: finds the program and runs it.

import { stat } from "node:fs/promises";
import { printable } from "@ll/bytes";
import type { Io } from "./command.ts";
import { type CompletedProgram, completionScript } from "./completion.ts";
import { UsageError } from "./errors.ts";
import { ExitCode } from "./exit-codes.ts";
import { helpRow } from "./option-table.ts";
import { runAsProcess, runReported } from "./run-program.ts";
import { closest } from "./suggest.ts";
import { columnsOf, wrapText } from "./text-wrap.ts";
import { VERBS } from "./verbs.ts";
import { versionLine } from "./version.ts";

/** Runs a program of this package as this process: `main("ll-convert", process.argv.slice(2))`. */
export async function main(bin: string, argv: readonly string[]): Promise<void> {
  await runAsProcess((io) => run(bin, argv, io));
}

/** Runs a program and returns its exit code. Nothing is thrown. */
export async function run(bin: string, given: readonly string[], io: Io): Promise<number> {
  const argv = given[0]?.startsWith("--completion=") ? [...given[0].split("="), ...given.slice(1)] : given;
  return runReported(bin, argv, io, async () => {
    if (bin === "ll") return runVerb(argv, io);
    const verb = VERBS.get(bin.replace(/^ll-/, ""));
    if (verb === undefined) throw new UsageError(`no such program: ${bin}`);
    if (argv[0] === "--completion") {
      io.out.write(completionScript(argv[1], await completedPrograms()));
      return ExitCode.ok;
    }
    return (await verb.load())(bin, argv, io);
  });
}

function completedPrograms(): Promise<CompletedProgram[]> {
  const programs = [...VERBS].map(async ([verb, { summary, options, words }]) => {
    return { verb, summary, options: await options(), words: (await words?.()) ?? [] };
  });
  return Promise.all(programs);
}

async function runVerb(argv: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = argv;
  if (name === "help" && rest[0] !== undefined) return run("ll", [rest[0].replace(/^ll-/, ""), "--help"], io);
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    io.out.write(help(columnsOf(io.out, io.env)));
  } else if (name === "--version") io.out.write(versionLine("ll"));
  else if (name === "--completion") io.out.write(completionScript(rest[0], await completedPrograms()));
  else if (name !== undefined && VERBS.has(name)) return run(`ll-${name}`, rest, io);
  else {
    const suggestion = closest(name.replace(/^ll-/, ""), [
      ...VERBS.keys(),
      "help",
      "--help",
      "--version",
      "--completion",
    ]);
    const hint = suggestion === undefined ? "" : `Did you mean ll ${suggestion}?\n`;
    throw new UsageError(`no such program: ${name}`, `${hint}${await fileHint(name)}ll help lists the programs`);
  }
  return ExitCode.ok;
}

/** Columns of the names of programs in the help. */
const PROGRAM_COLUMNS = 22;

function help(columns: number): string {
  const verbs = [...VERBS].flatMap(([name, verb]) => helpRow(`  ll-${name}`, verb.summary, columns, PROGRAM_COLUMNS));
  const wrapped = (text: string): string => wrapText(text, columns);
  const about =
    "ll converts, quantises and runs LLaMA models on this machine. It reads checkpoints, ggml, ggjt and GGUF files, and computes " +
    "what llama.cpp's build 803 computed, bit for bit. Nothing is sent anywhere.";
  const examples = [
    "  ll-convert models/7B --outfile model-f16.bin",
    "  ll-quantize model-f16.bin model-q4_0.bin q4_0",
    '  ll-main model-q4_0.bin "Once upon a time"',
    "  ll-chat model-q4_0.bin",
  ].map((example) => wrapText(example, columns, 4));
  const lines = [
    wrapped(about),
    "",
    "Examples:",
    ...examples,
    "",
    wrapped("Programs (`ll VERB` is the same as `ll-VERB`; `ll help VERB` explains it):"),
    ...verbs,
    "",
    wrapped("ll --completion bash, zsh or fish prints a completion script for all of them."),
  ];
  return `${lines.join("\n")}\n`;
}

/** For a model file where the name of a program should be. */
async function fileHint(name: string): Promise<string> {
  const isFile = await stat(name).then(
    (found) => found.isFile(),
    () => false,
  );
  return isFile ? `${printable(name)} is a file: ll main FILE runs a model, ll inspect FILE says what it is\n` : "";
}
