// What ll-main says on standard error before it begins.

import type { RunParams } from "../../inference/params.ts";

export function announceInteractive(params: RunParams, say: (line: string) => void): void {
  say("main: interactive mode on.");
  for (const text of params.reversePrompts) say(`Reverse prompt: '${text}'`);
  if (params.inputPrefixBos) say("Input prefix with BOS");
  if (params.inputPrefix !== "") say(`Input prefix: '${params.inputPrefix}'`);
  if (params.inputSuffix !== "") say(`Input suffix: '${params.inputSuffix}'`);
}

export function interactiveHelp(params: RunParams): string[] {
  const endings = params.multilineInput
    ? [
        " - To return control to LLaMa, end your input with '\\'.",
        " - To return control without starting a new line, end your input with '/'.",
      ]
    : [
        " - Press Return to return control to LLaMa.",
        " - To return control without starting a new line, end your input with '/'.",
        " - If you want to submit another line, end your input with '\\'.",
      ];
  return ["== Running in interactive mode. ==", " - Press Ctrl+C to interject at any time.", ...endings, ""];
}
