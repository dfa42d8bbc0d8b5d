// A vocabulary that lies in files of its own, and how it fits a model: the rules of convert.py of llama.cpp build 803.

import { FormatError } from "@ll/bytes";
import type { VocabEntry } from "@ll/ggml-format";
import type { ModelContents } from "./model-contents.ts";
import { PieceTypes, type VocabPiece } from "./vocab-pieces.ts";

export interface Vocabulary extends Pick<ModelContents, "pieces" | "addSpacePrefix"> {
  readonly entries: readonly VocabEntry[];
  /** Entries before those of added_tokens.json. */
  readonly nBase: number;
  readonly path: string;
  /** Folder that `path` is in. */
  readonly directory: string;
  /** added_tokens.json, if there is one. */
  readonly addedPath: string | undefined;
}

/** A piece as @ll/tokenizer reads it from a tokenizer.model. */
interface SentencePiece {
  readonly text: string;
  readonly type: Exclude<keyof typeof PieceTypes, "userDefined"> | "user-defined";
}

/** The entries as GGUF stores them; added tokens, which are behind all pieces, are found in a text before anything is merged. */
export function sentencePieces(
  pieces: readonly SentencePiece[],
  entries: readonly VocabEntry[],
): readonly VocabPiece[] {
  const encoder = new TextEncoder();
  return entries.map(({ text, score }, id) => {
    const piece = pieces[id];
    if (piece === undefined) return { text, score, type: PieceTypes.userDefined };
    const type = PieceTypes[piece.type === "user-defined" ? "userDefined" : piece.type];
    return { text: encoder.encode(piece.text), score, type };
  });
}

/**
 * What belongs to a model of `nVocab` ids: all entries, or those without the added tokens.
 * @param note told in one line if added tokens are left out
 * @throws FormatError `E_MISMATCH`
 */
export function matchVocabulary(
  vocabulary: Vocabulary,
  nVocab: number,
  note: (line: string) => void,
): Pick<ModelContents, "vocab" | "pieces" | "addSpacePrefix"> {
  const { entries, pieces, addSpacePrefix, nBase, path, directory, addedPath } = vocabulary;
  if (entries.length === nVocab) return { vocab: entries, pieces, addSpacePrefix };
  if (nBase === nVocab) {
    note("Ignoring added_tokens.json since model matches vocab size without it.");
    return { vocab: entries.slice(0, nBase), pieces: pieces?.slice(0, nBase), addSpacePrefix };
  }
  const combined = addedPath === undefined ? "" : ` combined with ${addedPath}`;
  const isNear = entries.length < nVocab && nVocab < entries.length + 20 && addedPath === undefined;
  const advice = isNear ? `  Most likely you are missing added_tokens.json (should be in ${directory}).` : "";
  throw new FormatError({
    code: "E_MISMATCH",
    file: path,
    field: "n_vocab",
    expected: nVocab,
    got: entries.length,
    message: `Vocab size mismatch (model has ${nVocab}, but ${path}${combined} has ${entries.length}).${advice}`,
  });
}
