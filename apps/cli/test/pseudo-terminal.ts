// The programs on a pseudo-terminal. Where there is none, tests are skipped, visibly.

import { join } from "node:path";
import { describe, onTestFinished } from "vitest";
import {
  hasPseudoTerminals,
  startOnTerminal as startCommand,
  type TerminalProgram,
} from "../../../tools/pseudo-terminal.ts";

const BIN = join(import.meta.dirname, "../src/bin.ts");

/** A `describe` block whose tests use `startOnTerminal`. */
export function describeOnTerminal(name: string, body: () => void): void {
  const isPresent = hasPseudoTerminals();
  describe.skipIf(!isPresent)(isPresent ? name : `${name} (needs script of util-linux)`, body);
}

/** Starts a program from the sources on a terminal of its own. `shellSuffix` is shell text behind the command. */
export function startOnTerminal(
  argv: readonly string[],
  env: Record<string, string>,
  shellSuffix = "",
): TerminalProgram {
  return startAndClose(commandOf(argv), env, shellSuffix);
}

/** Starts any command, such as a shell that starts programs. */
export function startCommandOnTerminal(command: readonly string[], env: Record<string, string>): TerminalProgram {
  return startAndClose(command, env);
}

/** The same, with a line such as `code 0` and the modes of the terminal, by `stty -a`, when the program has ended. */
export function startInShell(argv: readonly string[], env: Record<string, string>): TerminalProgram {
  // signals are for the program
  const shell = 'trap : INT TERM HUP; "$@"; echo "code $?"; stty -a';
  return startAndClose(["sh", "-c", shell, "sh", ...commandOf(argv)], env);
}

/** The words that run a program of the sources. */
export function commandOf(argv: readonly string[]): string[] {
  return [process.execPath, "--conditions=@ll/source", BIN, ...argv];
}

function startAndClose(command: readonly string[], env: Record<string, string>, shellSuffix = ""): TerminalProgram {
  const program = startCommand(command, { env: { NO_COLOR: "1", ...env }, shellSuffix });
  onTestFinished(() => program.close());
  return program;
}
