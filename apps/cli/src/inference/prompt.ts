// Prompts as tokens.

import { createRng } from "@ll/sampling";
import type { Tokenizer } from "@ll/tokenizer";

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
