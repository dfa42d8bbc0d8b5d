// ll-main: build 803's `main`. Standard output holds the text; everything about it goes to standard error.

import { availableParallelism } from "node:os";
import type { Command } from "../../command.ts";
import { UsageError } from "../../errors.ts";
import { ExitCode } from "../../exit-codes.ts";
import { optionHelp, parseOptions } from "../../option-table.ts";
import { versionLine } from "../../version.ts";
import { MAIN_OPTIONS, unescapeText } from "./options.ts";
import { defaultParams, type MainParams } from "./params.ts";
import { runMain } from "./run.ts";

/** Ends a turn in instruct mode. */
const INSTRUCT_REVERSE_PROMPT = "### Instruction:\n\n";

export const mainCommand: Command = async (bin, argv, io) => {
  if (argv.includes("--help") || argv.includes("-h")) {
    io.out.write(help(bin));
    return ExitCode.ok;
  }
  if (argv.includes("--version")) {
    io.out.write(versionLine(bin));
    return ExitCode.ok;
  }
  const params = await readParams(argv);
  if (params.otherTool !== undefined) {
    const tool = params.otherTool;
    io.out.write(`\n************\nmain: please use the '${tool}' tool for ${tool} calculations\n************\n\n`);
    return ExitCode.ok;
  }
  return runMain(params, io);
};

async function readParams(argv: readonly string[]): Promise<MainParams> {
  const params = defaultParams(availableParallelism());
  await parseOptions(MAIN_OPTIONS, argv, params);
  const isInteractive = params.interactive || params.interactiveFirst || params.instruct;
  if (params.promptCacheAll && isInteractive) {
    throw new UsageError("error: --prompt-cache-all not supported in interactive mode yet");
  }
  if (params.instruct) {
    params.interactiveFirst = true;
    params.reversePrompts.push(INSTRUCT_REVERSE_PROMPT);
  }
  if (params.interactiveFirst) params.interactive = true;
  if (params.escape) {
    params.prompt = unescapeText(params.prompt);
    if (!params.compat) {
      params.inputPrefix = new TextDecoder().decode(unescapeText(new TextEncoder().encode(params.inputPrefix)));
      params.inputSuffix = new TextDecoder().decode(unescapeText(new TextEncoder().encode(params.inputSuffix)));
    }
  }
  return params;
}

function help(bin: string): string {
  return [
    "Examples:",
    `  ${bin} -m ggml-model-q4_0.bin -n 128 -p "Once upon a time"`,
    `  ${bin} -m ggml-model-q4_0.bin -i -r "User:" -f chat.txt --color`,
    "",
    `usage: ${bin} [options]`,
    optionHelp(MAIN_OPTIONS),
    "",
  ].join("\n");
}
