// The vocabulary as a ggml file stores it: final texts in place of SentencePiece's spelling (convert.py of llama.cpp build 803).

import { TokenizerModelError } from "./errors.ts";
import { bytePieceValue } from "./model-rules.ts";
import type { SentencePiece, SentencePieceModel } from "./sentencepiece-model.ts";

/** An entry of a ggml vocabulary; its id is its position. */
export interface VocabEntry {
  /** What the id decodes to; not always UTF-8, since a byte piece is one raw byte. */
  readonly text: Uint8Array;
  /** A binary32 value. */
  readonly score: number;
}

const ADDED_TOKEN_SCORE = -1000;
const UNKNOWN_TEXT = " \u2047 ";

/**
 * The entries that convert.py writes for a model: a space for U+2581, one raw byte for a byte piece, nothing for a control
 * piece, ` ⁇ ` for the unknown one; scores to the bit.
 * @param addedTokens contents of added_tokens.json, text → id; they follow the pieces, with a score of -1000
 * @throws TokenizerModelError `E_VOCAB` unless the ids of added tokens continue those of the pieces. The message is that of convert.py,
 * but names the id that was expected; convert.py prints the number of added tokens in its place.
 */
export function ggmlVocab(model: SentencePieceModel, addedTokens?: ReadonlyMap<string, number>): VocabEntry[] {
  const encoder = new TextEncoder();
  const entries: VocabEntry[] = model.pieces.map((piece) => ({ text: ggmlText(piece, encoder), score: piece.score }));
  const added = [...(addedTokens ?? [])].sort(([, a], [, b]) => a - b);
  if (added.some(([, id], index) => id !== model.pieces.length + index)) {
    const got = `[${added.map(([, id]) => id).join(", ")}]`;
    throw new TokenizerModelError({
      code: "E_VOCAB",
      expected: `ids from ${model.pieces.length}`,
      got,
      message: `Expected added token IDs to be sequential and start at ${model.pieces.length}; got ${got}`,
    });
  }
  for (const [text] of added) entries.push({ text: encoder.encode(text), score: ADDED_TOKEN_SCORE });
  return entries;
}

function ggmlText({ text, type }: SentencePiece, encoder: TextEncoder): Uint8Array {
  switch (type) {
    case "unknown":
      return encoder.encode(UNKNOWN_TEXT);
    case "control":
      return new Uint8Array(0);
    case "byte":
      return Uint8Array.of(bytePieceValue(text) ?? 0); // readSentencePieceModel lets no other text through
    default:
      return encoder.encode(text.replaceAll("\u2581", " "));
  }
}
