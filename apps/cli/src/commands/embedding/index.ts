// ll-embedding: the vector from which the model would foretell what follows a text.

import type { Command } from "../../command.ts";
import { Refusal, ReportedError } from "../../errors.ts";
import { ExitCode } from "../../exit-codes.ts";
import { encodePrompt, verbosePrompt } from "../../inference/prompt.ts";
import { readParams } from "../../inference/read-params.ts";
import { type Report, type Run, runModel } from "../../inference/run-model.ts";
import { fixed } from "../../printf.ts";

const PROGRAM = {
  usage: "[options] [MODEL [TEXT]]",
  arguments: ["--model", "--prompt"],
  examples: ['ggml-model-q4_0.bin "Once upon a time"', "-m ggml-model-q4_0.bin -f sentence.txt > vector.txt"],
  description: [
    "Prints the normalised vector of the last token of a text, numbers separated by spaces. Takes all options of ll-main.",
  ].join(" "),
} as const;

export const embeddingCommand: Command = async (bin, argv, io) => {
  const params = await readParams(PROGRAM, bin, argv, io);
  return params === undefined ? ExitCode.ok : runModel(params, io, printEmbedding);
};

async function printEmbedding({ params, io, timings, tokenizer, context }: Run): Promise<Report> {
  const tokens = await encodePrompt(tokenizer, params.prompt);
  const say = (line: string): void => io.err.write(`${line}\n`);
  if (params.verbosePrompt) verbosePrompt(params, tokens, undefined, 0, tokenizer, say);
  if (tokens.length > params.contextTokens) {
    const message = `prompt is too long (${tokens.length} tokens, max ${params.contextTokens})`;
    say(`main: error: ${message}`);
    throw new ReportedError(new Refusal(message));
  }
  timings.loaded();
  await context.evaluate(tokens, 0);
  const embedding = await context.readEmbedding(); // (nEmbd)
  io.out.write(`${Array.from(embedding, (value) => `${fixed(value, 0, 6)} `).join("")}\n`);
  return { tokens: tokens.length, embedding: Array.from(embedding) };
}
