// The pieces as SentencePiece itself looks for them: in the spelling of the file, and no byte or control piece found in text.

import { bytePieceValue } from "./model-rules.ts";
import { SPACE, SPACE_SYMBOL } from "./normalize.ts";
import { type ByteFallback, createPieceTable, FIRST_BYTE_ID, LLAMA_BYTE_IDS, type PieceTable } from "./piece-table.ts";
import { type Pieces, TYPE } from "./pieces.ts";
import type { NormalizerOptions } from "./sentencepiece-model.ts";
import { type Texts, TextsWriter, textOf } from "./texts.ts";

/** LLaMA's options, for vocabularies that carry none. */
export const LLAMA_NORMALIZER: NormalizerOptions = {
  addDummyPrefix: true,
  removeExtraWhitespaces: false,
  escapeWhitespaces: true,
};

export function modelPieceTable(pieces: Pieces): PieceTable {
  const unkId = pieces.types.indexOf(TYPE.unknown);
  const byteIds = new Int32Array(256).fill(unkId); // (256); without byte pieces, every byte is unknown
  for (const [id, type] of pieces.types.entries()) {
    const byte = type === TYPE.byte ? bytePieceValue(pieces, id) : undefined;
    if (byte !== undefined) byteIds[byte] = id;
  }
  return createPieceTable({ ...pieces, byteIds, unkId });
}

/**
 * A ggml vocabulary does not say which entries are ordinary pieces: in LLaMA's layout, those after the bytes; in a vocabulary without
 * bytes, those after `</s>`.
 */
export function ggmlPieceTable(texts: Texts, scores: Float32Array, bytes: ByteFallback): PieceTable {
  const firstPiece = bytes.byteIds === LLAMA_BYTE_IDS ? FIRST_BYTE_ID + 256 : FIRST_BYTE_ID;
  const nSpaces = texts.bytes.reduce((count, byte) => count + (byte === SPACE ? 1 : 0), 0);
  const writer = new TextsWriter(scores.length, texts.bytes.length + nSpaces * (SPACE_SYMBOL.length - 1));
  for (const id of scores.keys()) {
    if (id >= firstPiece) {
      for (const byte of textOf(texts, id)) {
        if (byte === SPACE) writer.bytes(SPACE_SYMBOL);
        else writer.byte(byte);
      }
    }
    writer.endText();
  }
  return createPieceTable({ texts: writer.finish(), scores, types: undefined, ...bytes });
}
