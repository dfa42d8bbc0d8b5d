// The tokenizer: text to ids and back, from a vocabulary with or without a SentencePiece file.

import { type Budget, type BudgetOptions, isBytes, kindOf } from "@ll/bytes";
import { encodeSteps } from "./bpe.ts";
import { assertIds, joined } from "./decoded-bytes.ts";
import { TokenizerModelError } from "./errors.ts";
import { ggmlTexts, type VocabEntry } from "./ggml-vocab.ts";
import { IdList } from "./id-list.ts";
import { normalizeSteps, SPACE } from "./normalize.ts";
import { type ByteFallback, createPieceTable, FIRST_BYTE_ID, LLAMA_BYTE_IDS, type PieceTable } from "./piece-table.ts";
import { piecesOf } from "./pieces.ts";
import type { SentencePieceModel } from "./sentencepiece-model.ts";
import { ggmlPieceTable, LLAMA_NORMALIZER, modelPieceTable } from "./sentencepiece-table.ts";
import { createStreamDecoder, type StreamDecoder } from "./stream-decoder.ts";
import { NONE } from "./text-index.ts";
import { type Texts, TextsWriter, textOf } from "./texts.ts";

/** Ids that llama.cpp build 803 has compiled in: those of a vocabulary that does not say. */
const BOS = 1;
const EOS = 2;

/** Ids that a model has at least if byte b has the id b + 3. */
const BYTE_IDS_END = FIRST_BYTE_ID + 256;

/** What stands for a byte that has no id: the first entry of every LLaMA vocabulary is the unknown piece. */
const UNKNOWN = 0;

export interface EncodeOptions {
  /** Put BOS in front, if there is one; false if absent. */
  readonly bos?: boolean;
  /**
   * Begin as the model was trained to begin: with BOS and with a space, unless the vocabulary says that it wants one of them not. The
   * space is for mode "build803"; in the other the vocabulary has its way always. False if absent.
   */
  readonly prompt?: boolean;
  /** Put EOS behind, if the file says that whole texts end so (`addEos`): for texts that nothing goes on with. False if absent. */
  readonly eos?: boolean;
  /**
   * Texts of control tokens, such as `<|im_start|>`, become their ids; false if absent: what a person types stays text. For vocabularies of
   * GGUF files, tokenizer.json and tekken.json; in others, no text is a special token.
   */
  readonly special?: boolean;
  /**
   * With `special`: a character, such as U+10FFFE, that keeps the text of a special token text, if it stands in it or right behind it. It
   * is taken out once special tokens are cut.
   */
  readonly mark?: string;
  /**
   * For those too: put a space in front, and behind special tokens, if the vocabulary says that it wants one. As `prompt` if absent, and
   * true in mode "sentencepiece".
   */
  readonly space?: boolean;
  /**
   * "build803" (the default): what llama.cpp build 803 does with the bytes of the text, nothing added or changed; empty text gives
   * no ids, even with `bos`. "sentencepiece": what SentencePiece does, with the options of its file, or LLaMA's for a ggml vocabulary.
   */
  readonly mode?: "build803" | "sentencepiece";
}

export interface TokenizerOptions extends BudgetOptions {
  /** Ids of the model, if it has more than the vocabulary has entries: those behind them have no text. */
  readonly nVocab?: number;
  /**
   * Whose ids, where a publisher's own tokenizer and llama.cpp's differ, in vocabularies of GGUF files, tokenizer.json and tekken.json: the
   * "publisher"'s, with which the model was trained, if absent.
   */
  readonly ids?: "publisher" | "llama.cpp";
}

export interface DecodeOptions {
  /** Show control tokens by their texts, in vocabularies that have texts for them; false if absent. */
  readonly special?: boolean;
  /** Drop the spaces that some vocabularies have in front of a text and of punctuation, as llama.cpp's detokenize does. */
  readonly clean?: boolean;
}

/** The ids that mean something to programs. */
export interface SpecialTokens {
  /** Begins a text; undefined if the vocabulary has none. */
  readonly bos: number | undefined;
  /** Ends a text; undefined if the vocabulary has none. One of `ends`. */
  readonly eos: number | undefined;
  /** Every id at which a model has said what it had to say. */
  readonly ends: ReadonlySet<number>;
  /** The first id of "\n"; undefined if the vocabulary cannot spell it. */
  readonly newline: number | undefined;
  /** The id with exactly this text, for texts of special tokens such as `<|im_end|>`; undefined if there is none. */
  idOf(text: string): number | undefined;
  /** Texts that become ids with `special` only: those of control tokens and of the unknown one, the longest first. */
  texts(): readonly string[];
}

export interface Tokenizer {
  readonly nVocab: number;
  readonly special: SpecialTokens;
  /** Whether a text that the model is to go on with begins with BOS, and with a space: see `EncodeOptions.prompt`. */
  readonly addBos: boolean;
  /** Whether a whole text ends with EOS, as models for embeddings want it: see `EncodeOptions.eos`. Absent: it does not. */
  readonly addEos?: boolean;
  /** What the file lacks or gets wrong, and what is done instead. */
  readonly warnings: readonly string[];
  readonly addSpacePrefix: boolean;
  /**
   * Ids of a text. Special tokens such as `<s>` in the text are plain text. A lone surrogate of a string counts as U+FFFD.
   * @throws TextTooLongError from 2^31 - 1 bytes on
   */
  encode(text: string | Uint8Array, options?: EncodeOptions): Int32Array;
  /**
   * The same ids piece by piece, for long texts: between two pieces, which may be empty, some 20 ms pass. A program that is to hear
   * signals meanwhile, or a page that is to move, turns its event loop between them.
   */
  encodeSlices(text: string | Uint8Array, options?: EncodeOptions): Generator<Int32Array, void, void>;
  /**
   * The text of ids, with U+FFFD for what is not UTF-8 in it. Nothing is stripped. BOS and EOS have no text.
   * @throws RangeError for an id that is not in the vocabulary
   */
  decode(ids: ArrayLike<number>, options?: DecodeOptions): string;
  /** A copy of the bytes of one id. @throws RangeError for an id that is not in the vocabulary */
  tokenBytes(id: number, options?: Pick<DecodeOptions, "special">): Uint8Array;
  /** A decoder for ids that arrive one by one. */
  createDecoder(options?: Pick<DecodeOptions, "special">): StreamDecoder;
}

/**
 * A tokenizer for a SentencePiece model, or for the vocabulary of a ggml file. A ggml vocabulary may hold a text twice: the later id is
 * the one encoded. Mode "build803" gives byte b the id b + 3 wherever the model has its byte pieces, and the id 0, once for bytes in a
 * row, where there are fewer than 259 ids.
 * @param options `budget`: charged for the arrays that are made; for those of mode "sentencepiece" only when they are needed
 * @throws TokenizerModelError `E_LIMIT`, `E_RANGE` for a vocabulary that cannot be used; `E_MISMATCH` if it has more entries than `nVocab`
 */
export function createTokenizer(
  from: SentencePieceModel | readonly VocabEntry[],
  options: TokenizerOptions = {},
): Tokenizer {
  assertVocabulary(from);
  const { budget } = options;
  const pieces = "pieces" in from ? piecesOf(from) : undefined;
  const normalizer = "pieces" in from ? from.normalizer : LLAMA_NORMALIZER;
  const texts = "pieces" in from ? ggmlTexts(piecesOf(from), budget) : vocabTexts(from, budget);
  const scores = "pieces" in from ? piecesOf(from).scores : Float32Array.from(from, ({ score }) => score);
  const nTexts = scores.length;
  const nVocab = checkedSize(options.nVocab ?? nTexts, nTexts);
  const bytes: ByteFallback =
    nVocab < BYTE_IDS_END
      ? { byteIds: new Int32Array(256).fill(UNKNOWN), unkId: UNKNOWN }
      : { byteIds: LLAMA_BYTE_IDS, unkId: -1 };
  const table = createPieceTable({ texts, scores, types: undefined, ...bytes }, budget);
  let sentencePieceTable: PieceTable | undefined; // made when it is first needed

  const trainer = "pieces" in from ? from.trainer : undefined;
  const held = (id: number): number | undefined => (id >= 0 && id < nVocab ? id : undefined);
  const bos = held(trainer?.bosId ?? BOS);
  const eos = held(trainer?.eosId ?? EOS);
  const addBos = bos !== undefined;
  const addSpacePrefix = normalizer.addDummyPrefix;
  const viewOf = (id: number): Uint8Array => {
    if (!Number.isInteger(id) || id < 0 || id >= nVocab) {
      throw new RangeError(`"id" expected 0 <= integer < ${nVocab}, got ${id}`);
    }
    return id < nTexts ? textOf(texts, id) : new Uint8Array(0);
  };
  const tokenBytes = (id: number): Uint8Array => viewOf(id).slice();

  /** Pauses at least as often as `encodeSteps` does. */
  function* steps(from: string | Uint8Array, options: EncodeOptions, ids: IdList): Generator<void, void, void> {
    const { prompt = false, mode = "build803" } = options;
    const text = typeof from === "string" ? new TextEncoder().encode(from) : from;
    assertArguments(text, mode);
    const first = options.bos === true || (prompt && addBos) ? bos : undefined;
    if (mode === "sentencepiece") {
      sentencePieceTable ??= pieces === undefined ? ggmlPieceTable(texts, scores, bytes) : modelPieceTable(pieces);
      if (first !== undefined) ids.push(first);
      yield* encodeSteps(sentencePieceTable, yield* normalizeSteps(text, normalizer), ids);
      return;
    }
    if (first !== undefined && (prompt || text.length > 0)) ids.push(first);
    yield* encodeSteps(table, prompt && addSpacePrefix ? withSpace(text) : text, ids);
  }

  function encode(text: string | Uint8Array, options: EncodeOptions = {}): Int32Array {
    const ids = new IdList();
    for (const _ of steps(text, options, ids)); // no pause is taken
    return ids.take();
  }

  return {
    nVocab,
    special: {
      bos,
      eos,
      ends: new Set(eos === undefined ? [] : [eos]),
      newline: encode("\n").at(0),
      idOf(text) {
        const bytes = new TextEncoder().encode(text);
        const id = table.index.findText(bytes, 0, bytes.length);
        return id === NONE ? undefined : id;
      },
      texts: () => [],
    },
    addBos,
    warnings: [],
    addSpacePrefix,
    encode,
    *encodeSlices(text, options = {}) {
      const ids = new IdList();
      for (const _ of steps(text, options, ids)) yield ids.take();
      yield ids.take();
    },

    decode(ids) {
      assertIds(ids);
      return new TextDecoder("utf-8", { ignoreBOM: true }).decode(joined(Array.from(ids, viewOf)));
    },

    tokenBytes,
    createDecoder: () => createStreamDecoder(tokenBytes),
  };
}

function checkedSize(nVocab: number, nTexts: number): number {
  if (!Number.isInteger(nVocab)) throw new RangeError(`"nVocab" expected an integer, got ${nVocab}`);
  if (nVocab >= nTexts) return nVocab;
  const message = `the vocabulary has ${nTexts} entries, and the model only ${nVocab}`;
  throw new TokenizerModelError({ code: "E_MISMATCH", field: "vocab", expected: nVocab, got: nTexts, message });
}

function withSpace(text: Uint8Array): Uint8Array {
  const spaced = new Uint8Array(text.length + 1);
  spaced[0] = SPACE;
  spaced.set(text, 1);
  return spaced;
}

/** For callers without types: a file, its bytes and its path are no vocabulary. */
function assertVocabulary(from: unknown): void {
  if (typeof from === "object" && from !== null && "pieces" in from) return;
  const isList = Array.isArray(from) && from.every((entry) => isBytes(entry?.text) && typeof entry.score === "number");
  if (isList) return;
  const what = Array.isArray(from) ? "an array of something else" : kindOf(from);
  const ways = "readSentencePieceModel(bytes), the vocab of openGgml's file, and createGgufTokenizer for a GGUF file";
  throw new TypeError(`"from" expected a vocabulary, got ${what}; pass ${ways}`);
}

/** For callers without types: anything else would be encoded as something. */
function assertArguments(bytes: unknown, mode: unknown): void {
  if (!isBytes(bytes)) throw new TypeError(`"text" expected a string or Uint8Array, got ${kindOf(bytes)}`);
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
