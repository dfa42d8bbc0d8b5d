// The tokenizer: text to ids and back, from a vocabulary with or without a SentencePiece file.

import { encodeBytes } from "./bpe.ts";
import { ggmlVocab, type VocabEntry } from "./ggml-vocab.ts";
import { IdList } from "./id-list.ts";
import { normalize } from "./normalize.ts";
import { createPieceTable, LLAMA_BYTE_IDS, type PieceTable } from "./piece-table.ts";
import type { SentencePieceModel } from "./sentencepiece-model.ts";
import { ggmlPieceTable, LLAMA_NORMALIZER, modelPieceTable } from "./sentencepiece-table.ts";
import { createStreamDecoder, type StreamDecoder } from "./stream-decoder.ts";

/** Ids that llama.cpp build 803 has compiled in; no file changes them. */
const BOS = 1;
const EOS = 2;
const NEWLINE = 13; // the byte 0x0A

export interface EncodeOptions {
  /** Put BOS in front; false if absent. */
  readonly bos?: boolean;
  /**
   * "build803" (the default): what llama.cpp build 803 does with the bytes of the text, nothing added or changed; empty text gives
   * no ids, even with `bos`. "sentencepiece": what SentencePiece does, with the options of its file, or LLaMA's for a ggml vocabulary.
   */
  readonly mode?: "build803" | "sentencepiece";
}

export interface Tokenizer {
  readonly nVocab: number;
  readonly bos: 1;
  readonly eos: 2;
  readonly newline: 13;
  /**
   * Ids of a text. Special tokens such as `<s>` in the text are plain text. A lone surrogate of a string counts as U+FFFD.
   * @throws TextTooLongError from 2^31 - 1 bytes on
   */
  encode(text: string | Uint8Array, options?: EncodeOptions): Int32Array;
  /**
   * The text of ids, with U+FFFD for what is not UTF-8 in it. Nothing is stripped. BOS and EOS have no text.
   * @throws RangeError for an id that is not in the vocabulary
   */
  decode(ids: ArrayLike<number>): string;
  /** A copy of the bytes of one id. @throws RangeError for an id that is not in the vocabulary */
  tokenBytes(id: number): Uint8Array;
  /** A decoder for ids that arrive one by one. */
  createDecoder(): StreamDecoder;
}

/**
 * A tokenizer for a SentencePiece model, or for the vocabulary of a ggml file. A ggml vocabulary may hold a text twice: the later id is
 * the one encoded. Mode "build803" gives byte b the id b + 3 wherever the model has its byte pieces.
 * @throws TokenizerModelError `E_LIMIT`, `E_RANGE` for a vocabulary that cannot be used
 */
export function createTokenizer(from: SentencePieceModel | readonly VocabEntry[]): Tokenizer {
  const model = "pieces" in from ? from : undefined;
  const vocab = "pieces" in from ? ggmlVocab(from) : from;
  const texts = flattenTexts(vocab);
  const build803Table = createPieceTable(
    vocab.map(({ text, score }, id) => ({ id, text, score, use: "merged" })),
    LLAMA_BYTE_IDS,
    -1,
  );
  let sentencePieceTable: PieceTable | undefined; // made when it is first needed

  const span = (id: number): [start: number, end: number] => {
    if (!Number.isInteger(id) || id < 0 || id >= vocab.length) {
      throw new RangeError(`"id" expected 0 <= integer < ${vocab.length}, got ${id}`);
    }
    return [texts.starts[id] as number, texts.starts[id + 1] as number];
  };
  const tokenBytes = (id: number): Uint8Array => texts.bytes.slice(...span(id));

  return {
    nVocab: vocab.length,
    bos: BOS,
    eos: EOS,
    newline: NEWLINE,

    encode(text, { bos = false, mode = "build803" } = {}) {
      const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
      assertArguments(bytes, mode);
      const ids = new IdList();
      if (mode === "sentencepiece") {
        sentencePieceTable ??= model === undefined ? ggmlPieceTable(vocab) : modelPieceTable(model);
        if (bos) ids.push(BOS);
        encodeBytes(sentencePieceTable, normalize(bytes, model?.normalizer ?? LLAMA_NORMALIZER), ids);
      } else {
        if (bos && bytes.length > 0) ids.push(BOS);
        encodeBytes(build803Table, bytes, ids);
      }
      return ids.toArray();
    },

    decode(ids) {
      let length = 0;
      for (let i = 0; i < ids.length; i++) {
        const [start, end] = span(ids[i] as number);
        length += end - start;
      }
      const bytes = new Uint8Array(length);
      let offset = 0;
      for (let i = 0; i < ids.length; i++) {
        const [start, end] = span(ids[i] as number);
        bytes.set(texts.bytes.subarray(start, end), offset);
        offset += end - start;
      }
      return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
    },

    tokenBytes,
    createDecoder: () => createStreamDecoder(tokenBytes),
  };
}

/** For callers without types: anything else would be encoded as something. */
function assertArguments(bytes: unknown, mode: unknown): void {
  if (!(bytes instanceof Uint8Array))
    throw new TypeError(`"text" expected a string or Uint8Array, got ${typeof bytes}`);
  if (mode !== "build803" && mode !== "sentencepiece") {
    throw new TypeError(`"mode" expected "build803" or "sentencepiece", got ${String(mode)}`);
  }
}

/** All texts in one array; that of id i is `bytes[starts[i], starts[i + 1])`. */
function flattenTexts(vocab: readonly VocabEntry[]): { bytes: Uint8Array; starts: Uint32Array } {
  const starts = new Uint32Array(vocab.length + 1); // (nVocab + 1)
  for (const [id, { text }] of vocab.entries()) starts[id + 1] = (starts[id] as number) + text.length;
  const bytes = new Uint8Array(starts[vocab.length] as number);
  for (const [id, { text }] of vocab.entries()) bytes.set(text, starts[id]);
  return { bytes, starts };
}
