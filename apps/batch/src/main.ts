// ll-batch: finds the command and runs it.

import {
  closest,
  columnsOf,
  completionScript,
  ExitCode,
  helpRow,
  type Io,
  runAsProcess,
  runReported,
  UsageError,
  versionLine,
  wrapText,
} from "@ll/cli/frame";
import { COMMANDS } from "./commands.ts";
import { Disagreement } from "./jobs/results.ts";

const BIN = "ll-batch";

/** Two machines gave other results for the same work. */
const DISAGREEMENT_EXIT_CODE = 7;

/** Columns of the names of commands in the help. */
const COMMAND_COLUMNS = 16;

export async function main(argv: readonly string[]): Promise<void> {
  await runAsProcess((io) => run(argv, io));
}

/** Runs the program and returns its exit code. Nothing is thrown. */
export function run(argv: readonly string[], io: Io): Promise<number> {
  return runReported(BIN, argv, io, () =>
    runVerb(argv, io).catch((error: unknown) => {
      if (!(error instanceof Disagreement)) throw error;
      io.err.write(`${BIN}: ${error.message}\n`);
      return DISAGREEMENT_EXIT_CODE;
    }),
  );
}

async function runVerb(argv: readonly string[], io: Io): Promise<number> {
  const [first, ...rest] = argv[0]?.startsWith("--completion=") ? [...argv[0].split("="), ...argv.slice(1)] : argv;
  if (first === "help" && rest[0] !== undefined) return runVerb([rest[0], "--help"], io);
  if (first === undefined || first === "help" || first === "--help" || first === "-h") {
    io.out.write(help(columnsOf(io.out, io.env)));
  } else if (first === "--version") io.out.write(versionLine(BIN));
  else if (first === "--completion") io.out.write(completionScript(rest[0], await completedCommands(), BIN));
  else {
    const command = COMMANDS.get(first);
    if (command === undefined) {
      const suggestion = closest(first, [...COMMANDS.keys(), "help"]);
      const hint = suggestion === undefined ? "" : `Did you mean ${BIN} ${suggestion}?\n`;
      throw new UsageError(`no such command: ${first}`, `${hint}${BIN} help lists the commands`);
    }
    return (await command.load())(`${BIN} ${first}`, rest, io);
  }
  return ExitCode.ok;
}

function completedCommands() {
  const commands = [...COMMANDS].map(async ([verb, { summary, options }]) => {
    return { verb, summary, options: await options(), words: [] };
  });
  return Promise.all(commands);
}

function help(columns: number): string {
  const lines = [
    wrapText(
      "ll-batch works through many requests, on this machine or on several: what dies on the way is done again, and every line of the " +
        "output is there once, byte for byte the same each time.",
      columns,
    ),
    "",
    "Examples:",
    wrapText("  ll-batch run requests.jsonl answers.jsonl -m model.gguf", columns, 4),
    wrapText("  ll-batch work -m model.gguf --queue redis://10.0.0.1:6379", columns, 4),
    "",
    wrapText("Commands (`ll-batch help COMMAND` explains one):", columns),
    ...[...COMMANDS].flatMap(([name, { summary }]) => helpRow(`  ${name}`, summary, columns, COMMAND_COLUMNS)),
    "",
    wrapText("ll-batch --completion bash, zsh or fish prints a completion script.", columns),
  ];
  return `${lines.join("\n")}\n`;
}
