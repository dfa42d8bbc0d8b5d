// Answers on standard output: as text while they grow, or as one JSON object each.

import type { Io } from "../../command.ts";
import { createTrimmer } from "./answer-text.ts";
import type { Answer, AnswerOptions } from "./conversation.ts";
import { createLiveLine } from "./live-line.ts";
import type { ChatParams } from "./options.ts";

/** How answers are shown: `json` as objects, `quiet` without their speed. */
export type AnswerStyle = Pick<ChatParams, "json" | "quiet" | "color">;

/** Version of the shape that `--json` prints. */
const JSON_VERSION = 1;

/**
 * Lets `work` generate an answer and prints it, without white space at its ends. An answer that was interrupted before it
 * began prints nothing.
 */
export async function printAnswer(
  io: Io,
  { json, quiet, color, signal }: AnswerStyle & { readonly signal?: AbortSignal },
  work: (options: AnswerOptions) => Promise<Answer>,
): Promise<void> {
  const live = createLiveLine(io, color, () => performance.now());
  const trim = createTrimmer();
  let text = "";
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
    answer = await work({ onText, onRead, onToken, ...(signal === undefined ? {} : { signal }) });
  } finally {
    live.end();
  }
  const { finish, promptTokens, answerTokens } = answer;
  if (json)
    io.out.write(`${JSON.stringify({ version: JSON_VERSION, answer: text, finish, promptTokens, answerTokens })}\n`);
  else if (finish !== "interrupted" || text !== "") io.out.write("\n");
}
