// A tokenizer from whatever has a vocabulary in it: a model file, a tokenizer.model, a tokenizer.json, a tekken.json or a directory of these.

import { stat } from "node:fs/promises";
import type { ByteSource } from "@ll/bytes";
import { readTokenizerFiles } from "@ll/checkpoint";
import { diskFolder } from "@ll/checkpoint/node";
import { containerOf, openModelFile } from "@ll/model";
import {
  createHfTokenizer,
  createJsonTokenizer,
  createTokenizer,
  readSentencePieceModel,
  type Tokenizer,
  type TokenizerOptions,
} from "@ll/tokenizer";
import { openModelSource } from "./model-path.ts";
import { wholeSource } from "./whole-file.ts";

/** Bytes of a file that is read whole. LLaMA's tokenizer.model has 499,723, Gemma 3's tokenizer.json 33 million. */
const MAX_VOCAB_FILE_BYTES = 64 * 1024 * 1024;

/** @throws FormatError of the reader that takes the file; Refusal for a directory without such files; IoError, also `E_CHANGED` */
export async function openTokenizer(path: string, options: TokenizerOptions = {}): Promise<Tokenizer> {
  const isDirectory = (await stat(path).catch(() => undefined))?.isDirectory() === true;
  if (isDirectory) {
    const files = await readTokenizerFiles(diskFolder(path));
    const isThere = files.tokenizerJson ?? files.tekkenJson ?? files.tokenizerModel;
    if (isThere !== undefined) return createHfTokenizer(files, options);
  }
  const source = await openModelSource(path);
  try {
    const tokenizer = await tokenizerOf(source, options);
    await source.assertUnchanged();
    return tokenizer;
  } finally {
    await source.close();
  }
}

async function tokenizerOf(source: ByteSource, options: TokenizerOptions): Promise<Tokenizer> {
  if ((await containerOf(source)) !== undefined) {
    return (await openModelFile(source, { oldBlocks: true })).tokenizer(options);
  }
  const message = "neither a model file nor, being so large, a tokenizer";
  const bytes = await wholeSource(source, MAX_VOCAB_FILE_BYTES, message);
  if (looksLikeJson(bytes)) return createJsonTokenizer(bytes, options, source.name);
  return createTokenizer(readSentencePieceModel(bytes, source.name), options);
}

/** A tokenizer.json or tekken.json; a tokenizer.model begins with a line feed, which is also white space of JSON. */
function looksLikeJson(bytes: Uint8Array): boolean {
  const first = bytes.findIndex((byte) => byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d);
  const next = bytes
    .subarray(first + 1)
    .find((byte) => byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d);
  return bytes[first] === 0x7b && (next === 0x22 || next === 0x7d);
}
