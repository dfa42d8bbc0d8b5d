// The tokenizer: text to ids and back, from a vocabulary with or without a SentencePiece file.

import type { Budget, BudgetOptions } from "@ll/bytes";
import { encodeBytes } from "./bpe.ts";
import { ggmlTexts, type VocabEntry } from "./ggml-vocab.ts";
import { IdList } from "./id-list.ts";
import { normalize } from "./normalize.ts";
import { createPieceTable, LLAMA_BYTE_IDS, type PieceTable } from "./piece-table.ts";
import { piecesOf } from "./pieces.ts";
import type { SentencePieceModel } from "./sentencepiece-model.ts";
import { ggmlPieceTable, LLAMA_NORMALIZER, modelPieceTable } from "./sentencepiece-table.ts";
import { createStreamDecoder, type StreamDecoder } from "./stream-decoder.ts";
import { type Texts, TextsWriter, textOf } from "./texts.ts";

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
 * @param options `budget`: charged for the arrays that are made; for those of mode "sentencepiece" only when they are needed
 * @throws TokenizerModelError `E_LIMIT`, `E_RANGE` for a vocabulary that cannot be used
 */
export function createTokenizer(
  from: SentencePieceModel | readonly VocabEntry[],
  { budget }: BudgetOptions = {},
): Tokenizer {
  const pieces = "pieces" in from ? piecesOf(from) : undefined;
  const normalizer = "pieces" in from ? from.normalizer : LLAMA_NORMALIZER;
  const texts = "pieces" in from ? ggmlTexts(piecesOf(from), budget) : vocabTexts(from, budget);
  const scores = "pieces" in from ? piecesOf(from).scores : Float32Array.from(from, ({ score }) => score);
  const table = createPieceTable({ texts, scores, types: undefined, byteIds: LLAMA_BYTE_IDS, unkId: -1 }, budget);
  let sentencePieceTable: PieceTable | undefined; // made when it is first needed

  const nVocab = scores.length;
  const viewOf = (id: number): Uint8Array => {
    if (!Number.isInteger(id) || id < 0 || id >= nVocab) {
      throw new RangeError(`"id" expected 0 <= integer < ${nVocab}, got ${id}`);
    }
    return textOf(texts, id);
  };
  const tokenBytes = (id: number): Uint8Array => viewOf(id).slice();

  return {
    nVocab,
    bos: BOS,
    eos: EOS,
    newline: NEWLINE,

    encode(text, { bos = false, mode = "build803" } = {}) {
      const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
      assertArguments(bytes, mode);
      const ids = new IdList();
      if (mode === "sentencepiece") {
        sentencePieceTable ??= pieces === undefined ? ggmlPieceTable(texts, scores) : modelPieceTable(pieces);
        if (bos) ids.push(BOS);
        encodeBytes(sentencePieceTable, normalize(bytes, normalizer), ids);
      } else {
        if (bos && bytes.length > 0) ids.push(BOS);
        encodeBytes(table, bytes, ids);
      }
      return ids.toArray();
    },

    decode(ids) {
      const views = Array.from(ids, viewOf);
      const bytes = new Uint8Array(views.reduce((sum, { length }) => sum + length, 0));
      let offset = 0;
      for (const view of views) {
        bytes.set(view, offset);
        offset += view.length;
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

function vocabTexts(vocab: readonly VocabEntry[], budget: Budget | undefined): Texts {
  const writer = new TextsWriter(
    vocab.length,
    vocab.reduce((sum, { text }) => sum + text.length, 0),
    budget,
  );
  for (const { text } of vocab) {
    writer.bytes(text);
    writer.endText();
  }
  return writer.finish();
}
