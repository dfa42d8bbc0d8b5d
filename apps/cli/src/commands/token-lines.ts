// How single tokens are shown.

import type { Tokenizer } from "@ll/tokenizer";

/** One line for each id, as `--verbose-prompt` of ll-main shows them: `   385 -> ' Once'`. */
export function idLines(tokenizer: Tokenizer, ids: ArrayLike<number>): string {
  const lines: string[] = [];
  for (const id of Array.from(ids)) lines.push(`${String(id).padStart(6)} -> '${shown(tokenizer.tokenBytes(id))}'\n`);
  return lines.join("");
}

/** A text, or the numbers of its bytes where they are no UTF-8 by themselves: what JSON cannot hold as a string. */
export function pieceJson(bytes: Uint8Array): string | number[] {
  return decoded(bytes) ?? [...bytes];
}

/** Line feeds would tear the line, and part of a character would be shown as a replacement character. */
function shown(bytes: Uint8Array): string {
  const text = decoded(bytes);
  if (text === undefined) return Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
  return text.replaceAll("\n", "\\n").replaceAll("\r", "\\r");
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
