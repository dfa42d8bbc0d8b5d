// ll-main: build 803's `main`. Standard output holds the text; everything about it goes to standard error.

import type { Command } from "../../command.ts";
import { UsageError } from "../../errors.ts";
import { ExitCode } from "../../exit-codes.ts";
import type { RunParams } from "../../inference/params.ts";
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

/** @throws UsageError for what is no single text */
function refuseBesideJson({ interactive, memoryTest, otherTool }: RunParams): void {
  const [option] = [interactive && "--interactive", memoryTest && "--mtest", otherTool && `--${otherTool}`].filter(
    Boolean,
  );
  if (!option) return;
  const hint = interactive ? "ll-chat --json prints an object for each answer" : undefined;
  throw new UsageError(`--json and ${option} exclude each other`, hint);
}

export const mainCommand: Command = async (bin, argv, io) => {
  const params = await readParams(PROGRAM, bin, argv, io);
  if (params === undefined) return ExitCode.ok;
  if (params.json) refuseBesideJson(params);
  if (params.otherTool !== undefined) {
    const tool = params.otherTool;
    io.out.write(`\n************\nmain: please use the '${tool}' tool for ${tool} calculations\n************\n\n`);
    return ExitCode.ok;
  }
  params.notices.push(...(await promptHints(params)));
  return runMain(params, io);
};
