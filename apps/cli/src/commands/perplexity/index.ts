// ll-perplexity: how well a model foretells a text, or how often it finds the right end of a story (HellaSwag).

import type { Command } from "../../command.ts";
import { ExitCode } from "../../exit-codes.ts";
import { readParams } from "../../inference/read-params.ts";
import { runModel } from "../../inference/run-model.ts";
import { scoreChunks } from "./chunks.ts";
import { scoreTasks } from "./hellaswag.ts";

const PROGRAM = {
  usage: "[options] [MODEL [FILE]]",
  arguments: ["--model", "--file"],
  examples: ["ggml-model-q4_0.bin wiki.test.raw", "-m ggml-model-q4_0.bin -f hellaswag.txt --hellaswag"],
  description: [
    "Prints the perplexity of a text after each chunk of --ctx-size tokens, over the second half of every chunk; or,",
    "with --hellaswag, the share of tasks whose right ending is the likeliest. Takes all options of ll-main.",
  ].join(" "),
} as const;

export const perplexityCommand: Command = async (bin, argv, io) => {
  const params = await readParams(PROGRAM, bin, argv, io);
  if (params === undefined) return ExitCode.ok;
  return runModel(params, io, params.hellaswag ? scoreTasks : scoreChunks);
};
