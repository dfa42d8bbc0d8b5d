// ll-main: build 803's `main`. Standard output holds the text; everything about it goes to standard error.

import type { Command } from "../../command.ts";
import { ExitCode } from "../../exit-codes.ts";
import { readParams } from "../../inference/read-params.ts";
import { runMain } from "./run.ts";

const EXAMPLES = [
  '-m ggml-model-q4_0.bin -n 128 -p "Once upon a time"',
  '-m ggml-model-q4_0.bin -i -r "User:" -f chat.txt --color',
];

export const mainCommand: Command = async (bin, argv, io) => {
  const params = await readParams(bin, argv, io, EXAMPLES);
  if (params === undefined) return ExitCode.ok;
  if (params.otherTool !== undefined) {
    const tool = params.otherTool;
    io.out.write(`\n************\nmain: please use the '${tool}' tool for ${tool} calculations\n************\n\n`);
    return ExitCode.ok;
  }
  return runMain(params, io);
};
