// A chat without a terminal: every line of standard input is a turn, whatever is in it, and standard output has the answers and
// nothing else. There are no commands: who may write a turn may not write a file.

import { createInterface } from "node:readline";
import { printable } from "@ll/bytes";
import type { Io } from "../../command.ts";
import { CommandError } from "../../errors.ts";
import { ExitCode, exitCodeOf } from "../../exit-codes.ts";
import { type AnswerStyle, printAnswer } from "./answer-printer.ts";
import type { Chat } from "./chat.ts";

/**
 * Talks until the input ends. A turn that fails is told on standard error, and the next line is read.
 * @returns the exit code: that of the last failure, if there was one
 */
export async function talkInPipes(
  chat: Chat,
  lines: AsyncIterable<string> | Iterable<string>,
  style: AnswerStyle,
  io: Io,
): Promise<number> {
  const say = (line: string): void => io.err.write(`${line}\n`);
  let code: number = ExitCode.ok;
  for await (const line of lines) {
    try {
      if (line.trim() === "") continue;
      await printAnswer(io, style, (options) => chat.ask(line, options));
    } catch (error) {
      code = exitCodeOf(error);
      if (code === ExitCode.internal) throw error;
      sayError(error, say);
    }
  }
  return code;
}

/** Lines of standard input. */
export function standardInputLines(): AsyncIterable<string> {
  return createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY });
}

/** An error in the middle of a chat: what happened, then what to do. */
export function sayError(error: unknown, say: (line: string) => void): void {
  say(printable(error instanceof Error ? error.message : String(error), 512));
  if (error instanceof CommandError && error.hint !== undefined) say(printable(error.hint, 512));
}
