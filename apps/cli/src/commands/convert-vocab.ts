// The vocabulary that goes into a converted file: found and read by the rules of convert.py of llama.cpp build 803.

import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { FormatError } from "@ll/bytes";
import { openFileSource } from "@ll/bytes/node";
import { readAddedTokens, readLlama2cTokenizer } from "@ll/checkpoint";
import { sentencePieces, type Vocabulary } from "@ll/convert";
import { ggmlVocab, readSentencePieceModel } from "@ll/tokenizer";
import { Refusal } from "../errors.ts";

/** Bytes of a vocabulary file, which is read whole. That of LLaMA has 499,723. */
const MAX_VOCAB_FILE_BYTES = 64 * 1024 * 1024;

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
  const directory = dirname(path);
  if (path.endsWith(".bin")) {
    const entries = await withSource(path, readLlama2cTokenizer);
    return { entries, nBase: entries.length, path, directory, addedPath: undefined };
  }
  const model = await withSource(path, async (source) => {
    const bytes = new Uint8Array(source.byteLength);
    await source.read(0, bytes);
    return readSentencePieceModel(bytes, path);
  });
  const beside = join(directory, "added_tokens.json");
  const addedPath = (await isKind(beside, "isFile")) ? beside : undefined;
  const added = addedPath === undefined ? undefined : await withSource(addedPath, readAddedTokens);
  const entries = ggmlVocab(model, added);
  const { addDummyPrefix: addSpacePrefix } = model.normalizer;
  const pieces = sentencePieces(model.pieces, entries);
  return { entries, pieces, addSpacePrefix, nBase: model.pieces.length, path, directory, addedPath };
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
