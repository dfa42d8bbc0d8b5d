// Texts that hand control back, found at the end of what was said last.

import type { Tokenizer } from "@ll/tokenizer";

/** True if the text of the last tokens ends in one of `texts`, give or take `slack` bytes behind it. */
export function endsWithAny(
  lastTokens: Int32Array,
  tokenizer: Tokenizer,
  texts: readonly Uint8Array[],
  slack: number,
): boolean {
  if (texts.length === 0) return false;
  const longest = Math.max(...texts.map((text) => text.byteLength)) + slack;
  const tail: Uint8Array[] = [];
  let bytes = 0;
  for (let i = lastTokens.length - 1; i >= 0 && bytes < longest; i--) {
    const text = tokenizer.tokenBytes(lastTokens[i] as number);
    tail.unshift(text);
    bytes += text.byteLength;
  }
  const end = Buffer.concat(tail);
  return texts.some((text) => {
    const from = Math.max(0, end.byteLength - (text.byteLength + slack));
    return end.indexOf(text, from) >= 0;
  });
}
