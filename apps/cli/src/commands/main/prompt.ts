// The prompt of ll-main: where it comes from, its tokens, and what is said about them.

import { createRng } from "@ll/sampling";
import type { Tokenizer } from "@ll/tokenizer";
import type { RunParams } from "../../inference/params.ts";

const RANDOM_PROMPTS = ["So", "Once upon a time", "When", "The", "After", "If", "import", "He", "She", "They"];

/** The first output of an engine of its own picks the word. */
export function randomPrompt(seed: number): string {
  return RANDOM_PROMPTS[createRng(seed).next() % RANDOM_PROMPTS.length] as string;
}

/** A space goes in front, as LLaMA's tokenizer wants it; the text ends at the first NUL byte, as a C string does. */
export function encodePrompt(tokenizer: Tokenizer, prompt: Uint8Array): number[] {
  const end = prompt.indexOf(0);
  const text = end < 0 ? prompt : prompt.subarray(0, end);
  const spaced = new Uint8Array(text.length + 1);
  spaced[0] = 0x20;
  spaced.set(text, 1);
  return [...tokenizer.encode(spaced, { bos: true })];
}

/** `--verbose-prompt`: the prompt token by token. */
export function verbosePrompt(
  params: RunParams,
  tokens: readonly number[],
  keepTokens: number,
  tokenizer: Tokenizer,
  say: (line: string) => void,
): void {
  const text = (id: number): string => new TextDecoder().decode(tokenizer.tokenBytes(id));
  say("");
  say(`main: prompt: ' ${new TextDecoder().decode(params.prompt)}'`);
  say(`main: number of tokens in prompt = ${tokens.length}`);
  for (const id of tokens) say(`${String(id).padStart(6)} -> '${text(id)}'`);
  if (keepTokens > 0) say(`main: static prompt based on n_keep: '${tokens.slice(0, keepTokens).map(text).join("")}'`);
  say("");
}

export function announceInteractive(params: RunParams, say: (line: string) => void): void {
  say("main: interactive mode on.");
  for (const text of params.reversePrompts) say(`Reverse prompt: '${text}'`);
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
