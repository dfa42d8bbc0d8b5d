// What ll-main says on standard error before it begins.

import type { Tokenizer } from "@ll/tokenizer";
import type { RunParams } from "../../inference/params.ts";

/** `--verbose-prompt`: the prompts token by token. */
export function verbosePrompt(
  params: RunParams,
  tokens: readonly number[],
  negativeTokens: readonly number[] | undefined,
  keepTokens: number,
  tokenizer: Tokenizer,
  say: (line: string) => void,
): void {
  const text = (id: number): string => new TextDecoder().decode(tokenizer.tokenBytes(id));
  const list = (what: string, shown: Uint8Array, ids: readonly number[]): void => {
    say("");
    say(`main: ${what}: ' ${new TextDecoder().decode(shown)}'`);
    say(`main: number of tokens in ${what} = ${ids.length}`);
    for (const id of ids) say(`${String(id).padStart(6)} -> '${text(id)}'`);
  };
  list("prompt", params.prompt, tokens);
  if (negativeTokens !== undefined) list("negative prompt", params.negativePrompt, negativeTokens);
  if (keepTokens > 0) say(`main: static prompt based on n_keep: '${tokens.slice(0, keepTokens).map(text).join("")}'`);
  say("");
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
