// ll-main: build 803's `main`. Standard output holds the text; everything about it goes to standard error.

import type { Command } from "../../command.ts";
import { ExitCode } from "../../exit-codes.ts";
import { readParams } from "../../inference/read-params.ts";
import { promptHints } from "./messages.ts";
import { runMain } from "./run.ts";

const PROGRAM = {
  usage: "[options] [MODEL [PROMPT]]",
  arguments: ["--model", "--prompt"],
  examples: [
    'ggml-model-q4_0.bin "Once upon a time" -n 128',
    '-m ggml-model-q4_0.bin -i -r "User:" -f chat.txt --color',
  ],
  description: "Continues a prompt, or talks with a user. Standard output holds the text and nothing else.",
} as const;

export const mainCommand: Command = async (bin, argv, io) => {
  const params = await readParams(PROGRAM, bin, argv, io);
  if (params === undefined) return ExitCode.ok;
  if (params.otherTool !== undefined) {
    const tool = params.otherTool;
    io.out.write(`\n************\nmain: please use the '${tool}' tool for ${tool} calculations\n************\n\n`);
    return ExitCode.ok;
  }
  params.notices.push(...(await promptHints(params)));
  return runMain(params, io);
};
