// The vocabulary that goes into a converted file: found, read and held against the model, by the rules of convert.py of
// llama.cpp build 803.

import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { FormatError } from "@ll/bytes";
import { openFileSource } from "@ll/bytes/node";
import { readAddedTokens, readLlama2cTokenizer } from "@ll/checkpoint";
import { type ModelContents, PieceTypes, type VocabPiece } from "@ll/convert";
import {
  ggmlVocab,
  type PieceType,
  readSentencePieceModel,
  type SentencePieceModel,
  type VocabEntry,
} from "@ll/tokenizer";
import { Refusal } from "../errors.ts";

/** Bytes of a vocabulary file, which is read whole. That of LLaMA has 499,723. */
const MAX_VOCAB_FILE_BYTES = 64 * 1024 * 1024;

export interface Vocabulary extends Pick<ModelContents, "pieces" | "addSpacePrefix"> {
  readonly entries: readonly VocabEntry[];
  /** Entries before those of added_tokens.json. */
  readonly nBase: number;
  readonly path: string;
  /** added_tokens.json, if there is one. */
  readonly addedPath: string | undefined;
}

/**
 * The vocabulary file at `path`, or, for a directory, its tokenizer.model or that of its parent. llama2.c models have a
 * tokenizer.bin instead.
 * @throws Refusal if a directory has none
 */
export async function findVocabFile(path: string): Promise<string> {
  if (!(await isKind(path, "isDirectory"))) return path;
  const names = ["tokenizer.model", join("..", "tokenizer.model"), "tokenizer.bin"];
  for (const candidate of names.map((name) => join(path, name))) {
    if (await isKind(candidate, "isFile")) return candidate;
  }
  const isSeen = await isKind(join(path, "tokenizer.json"), "isFile");
  const hint =
    "tokenizer.json is there and is not read: take the tokenizer.model of the release that this model comes from";
  throw new Refusal(
    `Could not find tokenizer.model in ${path} or its parent; if it's in another directory, pass the directory as --vocab-dir`,
    isSeen ? hint : undefined,
  );
}

/** @throws FormatError of the reader; IoError */
export async function readVocabulary(path: string): Promise<Vocabulary> {
  if (path.endsWith(".bin")) {
    const entries = await withSource(path, readLlama2cTokenizer);
    return { entries, nBase: entries.length, path, addedPath: undefined };
  }
  const model = await withSource(path, async (source) => {
    const bytes = new Uint8Array(source.byteLength);
    await source.read(0, bytes);
    return readSentencePieceModel(bytes, path);
  });
  const beside = join(dirname(path), "added_tokens.json");
  const addedPath = (await isKind(beside, "isFile")) ? beside : undefined;
  const added = addedPath === undefined ? undefined : await withSource(addedPath, readAddedTokens);
  const entries = ggmlVocab(model, added);
  const { addDummyPrefix: addSpacePrefix } = model.normalizer;
  return { entries, pieces: piecesOf(model, entries), addSpacePrefix, nBase: model.pieces.length, path, addedPath };
}

/** Names of SentencePiece's types that are written otherwise here. */
const PIECE_TYPES: Readonly<Record<PieceType, number>> = { ...PieceTypes, "user-defined": PieceTypes.userDefined };

/** The entries as GGUF stores them; added tokens are found in a text before anything is merged. */
function piecesOf({ pieces }: SentencePieceModel, entries: readonly VocabEntry[]): VocabPiece[] {
  const encoder = new TextEncoder();
  return entries.map(({ text, score }, id) => {
    const piece = pieces[id];
    if (piece === undefined) return { text, score, type: PieceTypes.userDefined };
    return { text: encoder.encode(piece.text), score, type: PIECE_TYPES[piece.type] };
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
  const { entries, pieces, addSpacePrefix, nBase, path, addedPath } = vocabulary;
  if (entries.length === nVocab) return { vocab: entries, pieces, addSpacePrefix };
  if (nBase === nVocab) {
    note("Ignoring added_tokens.json since model matches vocab size without it.");
    return { vocab: entries.slice(0, nBase), pieces: pieces?.slice(0, nBase), addSpacePrefix };
  }
  const combined = addedPath === undefined ? "" : ` combined with ${addedPath}`;
  const isNear = entries.length < nVocab && nVocab < entries.length + 20 && addedPath === undefined;
  const advice = isNear ? `  Most likely you are missing added_tokens.json (should be in ${dirname(path)}).` : "";
  throw new FormatError({
    code: "E_MISMATCH",
    file: path,
    field: "n_vocab",
    expected: nVocab,
    got: entries.length,
    message: `Vocab size mismatch (model has ${nVocab}, but ${path}${combined} has ${entries.length}).${advice}`,
  });
}

async function withSource<T>(
  path: string,
  read: (source: Awaited<ReturnType<typeof openFileSource>>) => Promise<T>,
): Promise<T> {
  const source = await openFileSource(path);
  try {
    if (source.byteLength > MAX_VOCAB_FILE_BYTES) {
      throw new FormatError({
        code: "E_LIMIT",
        file: path,
        expected: `at most ${MAX_VOCAB_FILE_BYTES} bytes`,
        got: source.byteLength,
        message: "too large for a vocabulary file",
      });
    }
    return await read(source);
  } finally {
    await source.close();
  }
}

async function isKind(path: string, kind: "isFile" | "isDirectory"): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.[kind]() ?? false;
}
