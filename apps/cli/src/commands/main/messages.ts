// What ll-main says on standard error before it begins.

import { stat } from "node:fs/promises";
import { printable } from "@ll/bytes";
import type { RunParams } from "../../inference/params.ts";

/** Longest text that is shown in a hint. */
const SHOWN_CHARS = 60;

/** A text of no more bytes may be the name of a file. */
const MAX_NAME_BYTES = 255;

/** What is likely meant otherwise: names of files, escapes that are none, a space at the end. `params` has its escapes processed. */
export async function promptHints(params: RunParams): Promise<string[]> {
  const { prompt, reversePrompts, instruct } = params;
  const text = new TextDecoder().decode(prompt);
  const hints: string[] = [];
  const isName = prompt.length > 0 && prompt.length <= MAX_NAME_BYTES && !prompt.includes(0);
  if (
    isName &&
    (await stat(text).then(
      (found) => found.isFile(),
      () => false,
    ))
  ) {
    hints.push(`the prompt is the name of a file: -f ${printable(text, SHOWN_CHARS)} takes what is in it`);
  }
  if (!params.escape && /\\[nrt]/.test(text))
    hints.push("the prompt has a backslash and a letter: -e makes \\n a newline");
  if (/\S +$/.test(text)) {
    hints.push("the prompt ends in a space: the space belongs to the next word, so leave it out");
  }
  for (const reverse of instruct ? [] : reversePrompts.filter((one) => /\\[nrt]/.test(one))) {
    const shown = printable(reverse, SHOWN_CHARS);
    hints.push(
      `-r '${shown}' has a backslash and a letter, also with -e: in bash, -r $'${shown}' has what they stand for`,
    );
  }
  return hints.map((hint) => `warning: ${hint}`);
}

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
