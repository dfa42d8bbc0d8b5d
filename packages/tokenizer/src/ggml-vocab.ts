// The vocabulary as a ggml file stores it: final texts in place of SentencePiece's spelling (convert.py of llama.cpp build 803).

import type { Budget } from "@ll/bytes";
import { TokenizerModelError } from "./errors.ts";
import { bytePieceValue } from "./model-rules.ts";
import { SPACE } from "./normalize.ts";
import { type Pieces, piecesOf, TYPE } from "./pieces.ts";
import type { SentencePieceModel } from "./sentencepiece-model.ts";
import { type Texts, TextsWriter, textOf } from "./texts.ts";

/** An entry of a ggml vocabulary; its id is its position. */
export interface VocabEntry {
  /** What the id decodes to; not always UTF-8, since a byte piece is one raw byte. */
  readonly text: Uint8Array;
  /** A binary32 value. */
  readonly score: number;
}

const ADDED_TOKEN_SCORE = -1000;
const UNKNOWN_TEXT: readonly number[] = [0x20, 0xe2, 0x81, 0x87, 0x20]; // " \u2047 "

/**
 * The entries that convert.py writes for a model: a space for U+2581, one raw byte for a byte piece, nothing for a control
 * piece, ` ⁇ ` for the unknown one; scores to the bit.
 * @param addedTokens contents of added_tokens.json, text → id; they follow the pieces, with a score of -1000
 * @throws TokenizerModelError `E_VOCAB` unless the ids of added tokens continue those of the pieces. The message is that of convert.py,
 * but names the id that was expected; convert.py prints the number of added tokens in its place.
 */
export function ggmlVocab(model: SentencePieceModel, addedTokens?: ReadonlyMap<string, number>): VocabEntry[] {
  const pieces = piecesOf(model);
  const texts = ggmlTexts(pieces);
  const entries = Array.from(pieces.scores, (score, id): VocabEntry => ({ text: textOf(texts, id), score }));
  const added = [...(addedTokens ?? [])].sort(([, a], [, b]) => a - b);
  const nPieces = entries.length;
  if (added.some(([, id], index) => id !== nPieces + index)) {
    const got = `[${added.map(([, id]) => id).join(", ")}]`;
    throw new TokenizerModelError({
      code: "E_VOCAB",
      expected: `ids from ${nPieces}`,
      got,
      message: `Expected added token IDs to be sequential and start at ${nPieces}; got ${got}`,
    });
  }
  const encoder = new TextEncoder();
  for (const [text] of added) entries.push({ text: encoder.encode(text), score: ADDED_TOKEN_SCORE });
  return entries;
}

/** The texts of `ggmlVocab` without added tokens. */
export function ggmlTexts(pieces: Pieces, budget?: Budget): Texts {
  const { texts, types } = pieces;
  const nUnknown = types.reduce((count, type) => count + (type === TYPE.unknown ? 1 : 0), 0);
  const writer = new TextsWriter(types.length, texts.bytes.length + nUnknown * UNKNOWN_TEXT.length, budget);
  for (const [id, type] of types.entries()) {
    if (type === TYPE.unknown) writer.bytes(UNKNOWN_TEXT);
    else if (type === TYPE.byte)
      writer.byte(bytePieceValue(pieces, id) as number); // readSentencePieceModel lets no other text through
    else if (type !== TYPE.control) writeWithSpaces(texts, id, writer);
    writer.endText();
  }
  return writer.finish();
}

/** A space for every U+2581. */
function writeWithSpaces({ bytes, starts }: Texts, id: number, writer: TextsWriter): void {
  const end = starts[id + 1] as number;
  for (let offset = starts[id] as number; offset < end; offset++) {
    const byte = bytes[offset] as number;
    // texts are UTF-8: after these two bytes there is a third
    if (byte === 0xe2 && bytes[offset + 1] === 0x96 && bytes[offset + 2] === 0x81) {
      writer.byte(SPACE);
      offset += 2;
    } else {
      writer.byte(byte);
    }
  }
}
