// The programs on a pseudo-terminal. Where there is none, tests are skipped, visibly; on CI they fail.

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
  const isPresent = hasPseudoTerminals() || process.env["CI"] === "true";
  describe.skipIf(!isPresent)(isPresent ? name : `${name} (needs script of util-linux)`, body);
}

/** Starts a program from the sources on a terminal of its own. `shellSuffix` is shell text behind the command. */
export function startOnTerminal(
  argv: readonly string[],
  env: Record<string, string>,
  shellSuffix = "",
): TerminalProgram {
  const command = [process.execPath, "--conditions=@ll/source", BIN, ...argv];
  const program = startCommand(command, { env: { NO_COLOR: "1", ...env }, shellSuffix });
  onTestFinished(() => program.close());
  return program;
}
