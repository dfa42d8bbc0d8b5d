// Answers on standard output: as text while they grow, or as one JSON object each.

import type { Answer, AnswerOptions } from "@ll/chat/conversation";
import type { Io } from "../../command.ts";
import { createLiveLine } from "./live-line.ts";
import type { ChatParams } from "./options.ts";

/** How answers are shown: `json` as objects, `quiet` without their speed. */
export type AnswerStyle = Pick<ChatParams, "json" | "quiet" | "color">;

/** What is shown of this answer in particular. */
interface ShownParts {
  readonly signal?: AbortSignal;
  /** Thoughts, dimmed, on a terminal. */
  readonly thoughts?: boolean;
}

/** Version of the shape that `--json` prints. */
const JSON_VERSION = 1;

/**
 * Lets `work` generate an answer and prints it, without white space at its ends. An answer that was interrupted before it
 * began prints nothing.
 */
export async function printAnswer(
  io: Io,
  { json, quiet, color, signal, thoughts = false }: AnswerStyle & ShownParts,
  work: (options: AnswerOptions) => Promise<Answer>,
): Promise<void> {
  const live = createLiveLine(io, color, () => performance.now());
  const trim = createTrimmer();
  let text = "";
  let reasoning = "";
  const onThought = (piece: string): void => {
    reasoning += piece;
    if (!json && thoughts) live.thought(piece);
  };
  const onText = (piece: string): void => {
    const shown = trim(piece);
    text += shown;
    if (!json && shown !== "") live.text(shown);
  };
  const onToken = (tokens: number, elapsedMs: number): void => {
    if (tokens > 1 && !quiet) live.status(`${((1000 * (tokens - 1)) / elapsedMs).toFixed(1)} tokens/s`);
  };
  const onRead = (tokens: number, total: number): void => {
    if (!quiet) live.status(`reading: ${Math.floor((100 * tokens) / total)} %`);
  };
  let answer: Answer;
  try {
    answer = await work({ onText, onThought, onRead, onToken, ...(signal === undefined ? {} : { signal }) });
  } finally {
    live.end();
  }
  const { finish, promptTokens, answerTokens, draftedTokens, acceptedTokens } = answer;
  const thought = reasoning === "" ? {} : { reasoning };
  if (json) {
    const drafts = draftedTokens === 0 ? {} : { draftedTokens, acceptedTokens };
    const all = { version: JSON_VERSION, answer: text, ...thought, finish, promptTokens, answerTokens, ...drafts };
    io.out.write(`${JSON.stringify(all)}\n`);
  } else if (finish !== "interrupted" || text !== "") io.out.write("\n");
}

/** Leaves out white space at both ends of a text that comes in pieces. */
export function createTrimmer(): (piece: string) => string {
  let begun = false;
  let spaces = ""; // white space that may turn out to be the end
  return (piece) => {
    const text = begun ? piece : piece.trimStart();
    begun ||= text !== "";
    const kept = text.trimEnd();
    if (kept === "") {
      spaces += text;
      return "";
    }
    const shown = spaces + kept;
    spaces = text.slice(kept.length);
    return shown;
  };
}
