// A chat on a terminal: lines are edited, answers can be interrupted, and what is no answer goes to standard error.

import type { Io } from "../../command.ts";
import { ExitCode, exitCodeOf } from "../../exit-codes.ts";
import { onInterrupt } from "../../signals.ts";
import { type AnswerStyle, printAnswer } from "./answer-printer.ts";
import type { Chat } from "./chat.ts";
import type { Answer, AnswerOptions } from "./conversation.ts";
import type { HistoryFile } from "./history-file.ts";
import { createInputLines } from "./input-lines.ts";
import { openLineReader } from "./line-reader.ts";
import { sayError } from "./piped-chat.ts";
import { isSlashCommand, runSlashCommand, type User } from "./slash-commands.ts";

const PROMPT = "> ";
const MORE_PROMPT = "… ";
const HISTORY_LINES = 1000;

/**
 * Talks until the user leaves. The line editor is there before `begin`, which loads the model: what is typed meanwhile waits.
 * @returns 0 after Ctrl-D or /exit, 130 after Ctrl-C
 */
export async function talkOnTerminal(
  begin: () => Promise<Chat>,
  history: HistoryFile,
  style: AnswerStyle,
  io: Io,
): Promise<number> {
  const say = (line: string): void => io.err.write(`${line}\n`);
  const input = createInputLines();
  let chat: Chat | undefined;
  let answering: AbortController | undefined;
  let isLeaving = false;

  /** True if there is something that Ctrl-C ends instead of the chat. */
  const interrupt = (): boolean => {
    if (answering !== undefined && !answering.signal.aborted) {
      answering.abort();
      return true;
    }
    if (chat !== undefined && answering === undefined && (reader.typed !== "" || input.isOpen)) {
      input.clear();
      reader.discard(PROMPT);
      return true;
    }
    isLeaving = true;
    reader.close();
    return false;
  };
  // the answers may go to a file, and what is said beside them to another
  const screen = !process.stderr.isTTY && process.stdout.isTTY ? process.stdout : process.stderr;
  const reader = openLineReader({
    screen,
    history: history.lines,
    historySize: HISTORY_LINES,
    // loading cannot be broken off, but the program can
    onInterrupt: () => void (chat === undefined ? process.kill(process.pid, "SIGINT") : interrupt()),
  });
  const removeHandler = onInterrupt(interrupt); // for a signal that comes from elsewhere

  const answer = async (work: (options: AnswerOptions) => Promise<Answer>): Promise<void> => {
    answering = new AbortController();
    try {
      await printAnswer(io, { ...style, signal: answering.signal }, work);
    } finally {
      answering = undefined;
    }
  };
  const user: User = {
    say,
    async confirm(question) {
      const line = await reader.read(`${question} [y/N] `);
      return /^\s*y(es)?\s*$/i.test(line ?? "");
    },
  };
  const take = async (chat: Chat, text: string): Promise<boolean> => {
    if (text.trim() === "") return true;
    if (!isSlashCommand(text)) {
      await answer((options) => chat.ask(text.replace(/^\/\//, "/"), options));
      return true;
    }
    const outcome = await runSlashCommand(chat, text, user);
    if (outcome === "regenerate") await answer((options) => chat.regenerate(options));
    return outcome !== "exit";
  };

  try {
    chat = await begin();
    for (let goesOn = true; goesOn && !isLeaving; ) {
      const line = await reader.read(input.isOpen ? MORE_PROMPT : PROMPT);
      if (line === undefined) break;
      if (line !== "") await history.append(line);
      const text = input.push(line);
      if (text === undefined) continue;
      try {
        goesOn = await take(chat, text);
      } catch (error) {
        if (exitCodeOf(error) === ExitCode.internal) throw error;
        sayError(error, say);
      }
    }
  } finally {
    removeHandler();
    reader.close();
  }
  say(""); // what comes next does not begin behind the prompt
  return isLeaving ? ExitCode.interrupted : ExitCode.ok;
}
