// A tokenizer from whatever file has a vocabulary in it: a model file, or a tokenizer.model.

import { type ByteSource, FormatError } from "@ll/bytes";
import { openGgml } from "@ll/ggml-format";
import { openGguf } from "@ll/gguf";
import { createTokenizer, readSentencePieceModel, type Tokenizer, type TokenizerOptions } from "@ll/tokenizer";
import { ggufTokenizer } from "./gguf-tokenizer.ts";
import { containerOf, openModelSource } from "./model-container.ts";

/** Bytes of a tokenizer.model, which is read whole. That of LLaMA has 499,723. */
const MAX_VOCAB_FILE_BYTES = 64 * 1024 * 1024;

/** @throws Refusal for a directory; FormatError of the reader that takes the file; IoError, also `E_CHANGED` */
export async function openTokenizer(path: string, options: TokenizerOptions = {}): Promise<Tokenizer> {
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
  switch (await containerOf(source)) {
    case "ggml":
      return createTokenizer((await openGgml(source, { oldBlocks: true })).vocab, options);
    case "gguf":
      return ggufTokenizer(await openGguf(source), options);
    default:
      return createTokenizer(readSentencePieceModel(await wholeFile(source), source.name), options);
  }
}

async function wholeFile(source: ByteSource): Promise<Uint8Array> {
  if (source.byteLength > MAX_VOCAB_FILE_BYTES) {
    throw new FormatError({
      code: "E_LIMIT",
      file: source.name,
      expected: `at most ${MAX_VOCAB_FILE_BYTES} bytes`,
      got: source.byteLength,
      message: "neither a model file nor, being so large, a tokenizer.model",
    });
  }
  const bytes = new Uint8Array(source.byteLength);
  await source.read(0, bytes);
  return bytes;
}
