// The pieces as SentencePiece itself looks for them: in the spelling of the file, and no byte or control piece found in text.

import type { VocabEntry } from "./ggml-vocab.ts";
import { bytePieceValue } from "./model-rules.ts";
import { createPieceTable, FIRST_BYTE_ID, LLAMA_BYTE_IDS, type PieceTable, type TablePiece } from "./piece-table.ts";
import type { NormalizerOptions, PieceType, SentencePieceModel } from "./sentencepiece-model.ts";

/** LLaMA's options, for vocabularies that carry none. */
export const LLAMA_NORMALIZER: NormalizerOptions = {
  addDummyPrefix: true,
  removeExtraWhitespaces: false,
  escapeWhitespaces: true,
};

/** How pieces of a type are found in text; other types are not. */
const USES: ReadonlyMap<PieceType, TablePiece["use"]> = /* @__PURE__ */ new Map([
  ["normal", "merged"],
  ["user-defined", "whole"],
  ["unused", "unused"],
] as const);

export function modelPieceTable(model: SentencePieceModel): PieceTable {
  const encoder = new TextEncoder();
  const unkId = model.pieces.findIndex((piece) => piece.type === "unknown");
  const byteIds = new Int32Array(256).fill(unkId); // (256); without byte pieces, every byte is unknown
  const pieces: TablePiece[] = [];
  for (const [id, { text, score, type }] of model.pieces.entries()) {
    const use = USES.get(type);
    if (use !== undefined) pieces.push({ id, text: encoder.encode(text), score, use });
    const byte = type === "byte" ? bytePieceValue(text) : undefined;
    if (byte !== undefined) byteIds[byte] = id;
  }
  return createPieceTable(pieces, byteIds, unkId);
}

/** A ggml vocabulary does not say which entries are ordinary pieces: in LLaMA's layout, those after the bytes. */
export function ggmlPieceTable(vocab: readonly VocabEntry[]): PieceTable {
  const firstPiece = FIRST_BYTE_ID + 256;
  const pieces = vocab.slice(firstPiece).map(
    ({ text, score }, index): TablePiece => ({
      id: firstPiece + index,
      text: withSpaceSymbols(text),
      score,
      use: "merged",
    }),
  );
  return createPieceTable(pieces, LLAMA_BYTE_IDS, -1);
}

/** `text` with U+2581 for every space. */
function withSpaceSymbols(text: Uint8Array): Uint8Array {
  return Uint8Array.from([...text].flatMap((byte) => (byte === 0x20 ? [0xe2, 0x96, 0x81] : [byte])));
}
