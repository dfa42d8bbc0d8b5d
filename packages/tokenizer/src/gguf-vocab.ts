// The vocabulary as a GGUF file stores it (keys `tokenizer.ggml.*` with the model "llama"): SentencePiece's own spelling and types,
// but other names, and the normaliser reduced to one switch. This package does not read such files: it takes what they say.

import { type FormatErrorFields, printable } from "@ll/bytes";
import { TokenizerModelError } from "./errors.ts";
import { MAX_PIECE_BYTES, MAX_PIECES } from "./limits.ts";
import { assertUsableModel } from "./model-rules.ts";
import { isUtf8 } from "./normalize.ts";
import { createModel, isPieceType, PiecesWriter, TYPE } from "./pieces.ts";
import type { SentencePieceModel } from "./sentencepiece-model.ts";

/** The arrays are equally long; index = id. */
export interface GgufVocab {
  /** `tokenizer.ggml.tokens`: UTF-8, with U+2581 for a space and `<0x0A>` for a byte. */
  readonly tokens: ArrayLike<Uint8Array>;
  /** `tokenizer.ggml.scores` */
  readonly scores: ArrayLike<number>;
  /** `tokenizer.ggml.token_type`, 1 to 6 */
  readonly types: ArrayLike<number>;
  /** -1 if there is none, as `eosId`. */
  readonly bosId: number;
  readonly eosId: number;
  readonly unknownId: number;
  /** Whether texts are to begin with BOS; true if the file does not say. */
  readonly addBos: boolean;
  /** Whether a space goes before a text that is not empty; true if the file does not say. */
  readonly addSpacePrefix: boolean;
}

export interface GgufTokenizerModel extends SentencePieceModel {
  /** Becomes that of the tokenizer. */
  readonly addBos: boolean;
}

/** Bytes of the longest `[EMPTY_id]`. */
const EMPTY_NAME_BYTES = 15;

/**
 * The model that the vocabulary of a GGUF file describes, for `createTokenizer`.
 * @param file shown in errors
 * @throws TokenizerModelError `E_MISMATCH`, `E_LIMIT`, `E_FIELD`, `E_RANGE`; as `readSentencePieceModel` if the pieces together cannot
 * be right, `E_VOCAB` also if BOS or EOS is no id.
 */
export function modelFromGgufVocab(vocab: GgufVocab, file?: string): GgufTokenizerModel {
  const { tokens, scores, types, bosId, eosId, unknownId, addBos, addSpacePrefix } = vocab;
  assertSameLength("scores", scores.length, tokens.length, file);
  assertSameLength("token_type", types.length, tokens.length, file);
  if (tokens.length > MAX_PIECES) {
    const message = `${tokens.length} pieces, at most ${MAX_PIECES} can be used`;
    fail(file, "E_LIMIT", "tokens", `at most ${MAX_PIECES}`, tokens.length, message);
  }
  for (const [field, id] of [
    ["bos_token_id", bosId],
    ["eos_token_id", eosId],
  ] as const) {
    if (tokens.length === 0 || (Number.isInteger(id) && id >= -1 && id < tokens.length)) continue;
    const message = `${field} is ${id}, which is not the id of a piece`;
    fail(file, "E_VOCAB", field, `-1 to ${tokens.length - 1}`, id, message);
  }
  let maxBytes = 0;
  for (let id = 0; id < tokens.length; id++) maxBytes += (tokens[id] as Uint8Array).length || EMPTY_NAME_BYTES;
  const writer = new PiecesWriter(tokens.length, maxBytes);
  for (let id = 0; id < tokens.length; id++) {
    const text = readText(tokens[id] as Uint8Array, id, file);
    writer.add(text, readScore(scores[id] as number, id, file), readType(types[id] as number, id, file));
  }
  const pieces = writer.finish();
  // converters of files that have no types mark none: the id then tells which it is
  if (!pieces.types.includes(TYPE.unknown)) pieces.types[unknownId] = TYPE.unknown;
  const normalizer = { addDummyPrefix: addSpacePrefix, removeExtraWhitespaces: false, escapeWhitespaces: true };
  const trainer = { modelType: "bpe", vocabSize: tokens.length, unkId: unknownId, bosId, eosId } as const;
  assertUsableModel(pieces, trainer, { file, piece: () => undefined, trainer: undefined, end: undefined });
  return Object.assign(createModel(pieces, normalizer, trainer), { addBos });
}

function readText(bytes: Uint8Array, id: number, file: string | undefined): Uint8Array {
  if (bytes.length === 0) return new TextEncoder().encode(`[EMPTY_${id}]`); // llama.cpp's name for it: found nowhere
  const isShort = bytes.length <= MAX_PIECE_BYTES;
  if (isShort && isUtf8(bytes)) return bytes;
  const got = isShort ? "bytes that are not UTF-8" : `${bytes.length} bytes`;
  return fail(
    file,
    "E_FIELD",
    `tokens[${id}]`,
    `at most ${MAX_PIECE_BYTES} bytes of UTF-8`,
    got,
    `bad text of a piece: ${got}`,
  );
}

function readScore(score: number, id: number, file: string | undefined): number {
  if (Number.isFinite(score)) return score;
  return fail(file, "E_RANGE", `scores[${id}]`, "a finite number", String(score), `a score of ${score}`);
}

function readType(type: number, id: number, file: string | undefined): number {
  if (isPieceType(type)) return type;
  return fail(file, "E_RANGE", `token_type[${id}]`, "1 to 6", type, `there is no piece type ${type}`);
}

function assertSameLength(field: string, got: number, expected: number, file: string | undefined): void {
  if (got !== expected)
    fail(file, "E_MISMATCH", field, expected, got, `${expected} tokens with ${got} entries in ${field}`);
}

function fail(
  file: string | undefined,
  code: string,
  field: string,
  expected: string | number,
  got: string | number,
  message: string,
): never {
  const fields: FormatErrorFields = {
    code,
    file,
    field: `tokenizer.ggml.${field}`,
    expected,
    got,
    message: printable(message),
  };
  throw new TokenizerModelError(fields);
}
