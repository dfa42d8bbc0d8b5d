// What must hold for the pieces of a model together, once each of them has been read.

import { type FormatErrorFields, printable } from "@ll/bytes";
import { TokenizerModelError } from "./errors.ts";
import { MAX_USER_DEFINED_BYTES } from "./limits.ts";
import type { SentencePieceModel } from "./sentencepiece-model.ts";

/** Where the parts of a model are, in bytes from the start of the file, as far as that is known. */
export interface ModelPlaces {
  readonly file: string | undefined;
  readonly pieces: readonly number[]; // (nPieces)
  readonly trainer: number | undefined;
  /** One past the last byte: the place of what is missing. */
  readonly end: number | undefined;
}

/** @throws TokenizerModelError `E_EMPTY`, `E_VOCAB`, `E_BYTE_PIECE`, `E_LIMIT`, `E_DUP` or `E_MISMATCH`. */
export function assertUsableModel(model: SentencePieceModel, places: ModelPlaces): void {
  if (model.pieces.length === 0) {
    const message = "a model without pieces";
    fail(places, places.end, { code: "E_EMPTY", field: "pieces", expected: "at least one", got: 0, message });
  }
  assertOneUnknown(model, places);
  assertBytePieces(model, places);
  assertUserDefined(model, places);
  assertDistinct(model, places);
  assertTrainer(model, places);
}

function assertOneUnknown({ pieces }: SentencePieceModel, places: ModelPlaces): void {
  const unknown = [...pieces.keys()].filter((id) => pieces[id]?.type === "unknown");
  if (unknown.length === 1) return;
  const message = `${unknown.length} unknown pieces instead of one`;
  const offset = unknown[1] === undefined ? places.end : places.pieces[unknown[1]];
  fail(places, offset, { code: "E_VOCAB", field: "pieces", expected: "1 unknown piece", got: unknown.length, message });
}

/** With no byte piece at all, the model has no byte fallback; with some, SentencePiece wants every one. */
function assertBytePieces({ pieces }: SentencePieceModel, places: ModelPlaces): void {
  const values = new Set<number>();
  for (const [id, { text, type }] of pieces.entries()) {
    if (type !== "byte") continue;
    const value = bytePieceValue(text);
    if (value === undefined || values.has(value)) {
      const field = `pieces[${id}].piece`;
      const got = printable(text);
      const message = value === undefined ? `Invalid token: ${got}` : `byte piece ${got} comes twice`;
      fail(places, places.pieces[id], {
        code: "E_BYTE_PIECE",
        field,
        expected: "<0x00> to <0xFF>, once",
        got,
        message,
      });
    }
    values.add(value);
  }
  if (values.size !== 0 && values.size !== 256) {
    const got = values.size;
    const message = `${got} byte pieces instead of 256`;
    fail(places, places.end, { code: "E_BYTE_PIECE", field: "pieces", expected: "256 byte pieces", got, message });
  }
}

function assertUserDefined({ pieces }: SentencePieceModel, places: ModelPlaces): void {
  const encoder = new TextEncoder();
  for (const [id, { text, type }] of pieces.entries()) {
    if (type !== "user-defined") continue;
    const got = encoder.encode(text).length;
    if (got <= MAX_USER_DEFINED_BYTES) continue;
    const field = `pieces[${id}].piece`;
    const message = `a user-defined piece of ${got} bytes`;
    const expected = `at most ${MAX_USER_DEFINED_BYTES} bytes`;
    fail(places, places.pieces[id], { code: "E_LIMIT", field, expected, got, message });
  }
}

function assertDistinct({ pieces }: SentencePieceModel, places: ModelPlaces): void {
  const firstIds = new Map<string, number>();
  for (const [id, { text }] of pieces.entries()) {
    const firstId = firstIds.get(text);
    if (firstId !== undefined) {
      const field = `pieces[${id}].piece`;
      const message = `piece ${printable(text)} comes twice`;
      const got = `that of id ${firstId}`;
      fail(places, places.pieces[id], { code: "E_DUP", field, expected: "a new text", got, message });
    }
    firstIds.set(text, id);
  }
}

function assertTrainer({ pieces, trainer }: SentencePieceModel, places: ModelPlaces): void {
  if (trainer === undefined) return;
  for (const [name, got, least] of [
    ["unk_id", trainer.unkId, 0],
    ["bos_id", trainer.bosId, -1], // -1: the model has no such piece
    ["eos_id", trainer.eosId, -1],
  ] as const) {
    if (got >= least && got < pieces.length) continue;
    const message = `${name} is ${got}, which is not the id of a piece`;
    const expected = `${least} to ${pieces.length - 1}`;
    fail(places, places.trainer, { code: "E_VOCAB", field: `trainer_spec.${name}`, expected, got, message });
  }
  const got = trainer.vocabSize ?? pieces.length;
  if (got !== pieces.length) {
    const field = "trainer_spec.vocab_size";
    const message = `the model says that it has ${got} pieces, but it has ${pieces.length}`;
    fail(places, places.trainer, { code: "E_MISMATCH", field, expected: pieces.length, got, message });
  }
}

/** The byte that `<0xHH>` stands for; undefined if the text is not of that form. */
export function bytePieceValue(text: string): number | undefined {
  const hex = /^<0x([0-9A-F]{2})>$/.exec(text)?.[1];
  return hex === undefined ? undefined : Number.parseInt(hex, 16);
}

function fail(places: ModelPlaces, offset: number | undefined, fields: FormatErrorFields): never {
  throw new TokenizerModelError({ ...fields, file: places.file, offset });
}
