// Prompts as tokens.

import { createRng } from "@ll/sampling";
import type { Tokenizer } from "@ll/tokenizer";
import { Refusal } from "../errors.ts";
import { encodeText } from "../long-text.ts";
import type { RunParams } from "./params.ts";

const RANDOM_PROMPTS = ["So", "Once upon a time", "When", "The", "After", "If", "import", "He", "She", "They"];

/** The first output of an engine of its own picks the word. */
export function randomPrompt(seed: number): Uint8Array {
  return new TextEncoder().encode(RANDOM_PROMPTS[createRng(seed).next() % RANDOM_PROMPTS.length]);
}

/**
 * BOS and a space go in front, unless the vocabulary wants them not; the text ends at the first NUL byte, as a C string does.
 * @throws Refusal for a prompt without tokens: an empty one to which nothing is added
 */
export async function encodePrompt(tokenizer: Tokenizer, prompt: Uint8Array): Promise<Int32Array> {
  const end = prompt.indexOf(0);
  const ids = await encodeText(tokenizer, end < 0 ? prompt : prompt.subarray(0, end), { prompt: true });
  if (ids.length > 0) return ids;
  throw new Refusal("the prompt is empty, and the model's vocabulary begins no text with a token of its own");
}

/** `--verbose-prompt`: the prompts token by token. */
export function verbosePrompt(
  params: RunParams,
  tokens: ArrayLike<number>,
  negativeTokens: ArrayLike<number> | undefined,
  keepTokens: number,
  tokenizer: Tokenizer,
  say: (line: string) => void,
): void {
  const text = (id: number): string => new TextDecoder().decode(tokenizer.tokenBytes(id));
  const list = (what: string, shown: Uint8Array, ids: ArrayLike<number>): void => {
    say("");
    say(`main: ${what}: '${tokenizer.addSpacePrefix ? " " : ""}${new TextDecoder().decode(shown)}'`);
    say(`main: number of tokens in ${what} = ${ids.length}`);
    for (const id of Array.from(ids)) say(`${String(id).padStart(6)} -> '${text(id)}'`);
  };
  list("prompt", params.prompt, tokens);
  if (negativeTokens !== undefined) list("negative prompt", params.negativePrompt, negativeTokens);
  if (keepTokens > 0)
    say(`main: static prompt based on n_keep: '${Array.from(tokens).slice(0, keepTokens).map(text).join("")}'`);
  say("");
}
