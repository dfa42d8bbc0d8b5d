// A chat on a terminal: lines are edited, answers can be interrupted, and what is no answer goes to standard error.

import type { Answer, AnswerOptions } from "@ll/chat/conversation";
import type { Io } from "../../command.ts";
import { ExitCode, exitCodeOf } from "../../exit-codes.ts";
import { onInterrupt } from "../../signals.ts";
import { tableColumns } from "../../text-table.ts";
import { wrapFor } from "../../text-wrap.ts";
import { type AnswerStyle, printAnswer } from "./answer-printer.ts";
import type { Chat } from "./chat.ts";
import type { HistoryFile } from "./history-file.ts";
import { createInputLines } from "./input-lines.ts";
import { MORE_PROMPT, openLineReader } from "./line-reader.ts";
import { sayError } from "./piped-chat.ts";
import { isSlashCommand, runSlashCommand, turnsText, type User } from "./slash-commands.ts";

const PROMPT = "> ";
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
  const say = (line: string): void => io.err.write(`${wrapFor(io.err, io.env, line)}\n`);
  const input = createInputLines();
  let chat: Chat | undefined;
  let answering: AbortController | undefined;
  let isLeaving = false;
  let isAsking = false; // a question of our own

  /** True if there is something that Ctrl-C ends instead of the chat. */
  const interrupt = (): boolean => {
    if (answering !== undefined && !answering.signal.aborted) {
      answering.abort();
      return true;
    }
    if (isAsking) {
      reader.cancel();
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
    env: io.env,
    history: history.lines,
    historySize: HISTORY_LINES,
    // loading cannot be broken off, but the program can
    onInterrupt: () => void (chat === undefined ? process.kill(process.pid, "SIGINT") : interrupt()),
  });
  const removeHandler = onInterrupt(interrupt); // for a signal that comes from elsewhere

  const answer = async (work: (options: AnswerOptions) => Promise<Answer>): Promise<void> => {
    answering = new AbortController();
    try {
      const thoughts = chat?.think !== "hide";
      await printAnswer(io, { ...style, signal: answering.signal, thoughts }, work);
    } finally {
      answering = undefined;
    }
  };
  /** The answer to a question; undefined for Ctrl-C and Ctrl-D. */
  const ask = async (question: string): Promise<string | undefined> => {
    isAsking = true;
    try {
      return await reader.read(question, { keep: false });
    } finally {
      isAsking = false;
    }
  };
  const user: User = {
    say,
    get columns() {
      return tableColumns(io.err, io.env, { truncate: true });
    },
    confirm: async (question) => /^\s*y(es)?\s*$/i.test((await ask(`${question} [y/N] `)) ?? ""),
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
  /** Does what the user says; what fails is told. */
  const tell = async (work: () => Promise<boolean>): Promise<boolean> => {
    try {
      return await work();
    } catch (error) {
      if (exitCodeOf(error) === ExitCode.internal) throw error;
      sayError(error, say);
      return true;
    }
  };
  /** The next line, while which is typed the model reads what stands before it. */
  const nextLine = async (chat: Chat, prompt: string): Promise<string | undefined> => {
    const typed = new AbortController();
    const prepared = chat.prepare(typed.signal).catch(() => undefined); // what is wrong, the answer will tell
    try {
      return await reader.read(prompt);
    } finally {
      typed.abort();
      await prepared;
    }
  };
  /** Offers to save what is in no file. Ctrl-C and Ctrl-D leave without. */
  const offerToSave = async (chat: Chat): Promise<void> => {
    while (chat.isUnsaved && !isLeaving) {
      const { length } = chat.turns;
      const path = await ask(`${turnsText(length)} not saved. Save as (Return: leave without): `);
      if (path === undefined || path.trim() === "") return;
      await tell(async () => {
        await runSlashCommand(chat, `/save ${path}`, user);
        return true;
      });
    }
  };

  try {
    chat = await begin();
    for (let goesOn = true; goesOn && !isLeaving; ) {
      const line = await nextLine(chat, input.isOpen ? MORE_PROMPT : PROMPT);
      if (line === undefined) break;
      if (line !== "") await history.append(line);
      const text = input.push(line);
      if (text === undefined) continue;
      // what was pasted is said to the model, whatever it begins with
      const said = line.includes("\n") && line.startsWith("/") ? `/${line}` : text;
      const talked = chat;
      goesOn = await tell(() => take(talked, said));
    }
    await offerToSave(chat);
  } finally {
    removeHandler();
    reader.close();
  }
  return isLeaving ? ExitCode.interrupted : ExitCode.ok;
}
