// Prompts as tokens.

import { createRng } from "@ll/sampling";
import type { Tokenizer } from "@ll/tokenizer";
import type { RunParams } from "./params.ts";

const RANDOM_PROMPTS = ["So", "Once upon a time", "When", "The", "After", "If", "import", "He", "She", "They"];

/** The first output of an engine of its own picks the word. */
export function randomPrompt(seed: number): Uint8Array {
  return new TextEncoder().encode(RANDOM_PROMPTS[createRng(seed).next() % RANDOM_PROMPTS.length]);
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
