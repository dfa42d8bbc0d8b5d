// A tokenizer from whatever file has a vocabulary in it: a model file, or a tokenizer.model.

import { type ByteSource, FormatError } from "@ll/bytes";
import { openFileSource } from "@ll/bytes/node";
import { GGJT_MAGIC, GGMF_MAGIC, GGML_MAGIC, openGgml } from "@ll/ggml-format";
import { createTokenizer, readSentencePieceModel, type Tokenizer } from "@ll/tokenizer";

/** Bytes of a tokenizer.model, which is read whole. That of LLaMA has 499,723. */
const MAX_VOCAB_FILE_BYTES = 64 * 1024 * 1024;

const MODEL_MAGICS: readonly number[] = [GGML_MAGIC, GGMF_MAGIC, GGJT_MAGIC];

/** @throws FormatError of the reader that takes the file; IoError */
export async function openTokenizer(path: string): Promise<Tokenizer> {
  const source = await openFileSource(path);
  try {
    return MODEL_MAGICS.includes(await firstWord(source))
      ? createTokenizer((await openGgml(source, { oldBlocks: true })).vocab)
      : createTokenizer(readSentencePieceModel(await wholeFile(source), path));
  } finally {
    await source.close();
  }
}

/** The first four bytes as a little-endian number; 0 if there are fewer. */
async function firstWord(source: ByteSource): Promise<number> {
  const bytes = new Uint8Array(4);
  await source.read(0, bytes.subarray(0, Math.min(4, source.byteLength)));
  return new DataView(bytes.buffer).getUint32(0, true);
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
