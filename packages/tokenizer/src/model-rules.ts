// What must hold for the pieces of a model together, once each of them has been read.

import { type Budget, type FormatErrorFields, printable } from "@ll/bytes";
import { TokenizerModelError } from "./errors.ts";
import { MAX_USER_DEFINED_BYTES } from "./limits.ts";
import { type Pieces, spelling, TYPE } from "./pieces.ts";
import type { TrainerFacts } from "./sentencepiece-model.ts";
import { NONE, TextIndex } from "./text-index.ts";

/** Where the parts of a model are, in bytes from the start of the file, as far as that is known. */
export interface ModelPlaces {
  readonly file: string | undefined;
  /** Of a piece by its id. Asked for errors only. */
  piece(id: number): number | undefined;
  readonly trainer: number | undefined;
  /** One past the last byte: the place of what is missing. */
  readonly end: number | undefined;
}

/** @throws TokenizerModelError `E_EMPTY`, `E_VOCAB`, `E_BYTE_PIECE`, `E_LIMIT`, `E_DUP` or `E_MISMATCH`. */
export function assertUsableModel(
  pieces: Pieces,
  trainer: TrainerFacts | undefined,
  places: ModelPlaces,
  budget?: Budget,
): void {
  if (pieces.types.length === 0) {
    const message = "a model without pieces";
    fail(places, places.end, { code: "E_EMPTY", field: "pieces", expected: "at least one", got: 0, message });
  }
  assertOneUnknown(pieces, places);
  assertBytePieces(pieces, places);
  assertUserDefined(pieces, places);
  assertDistinct(pieces, places, budget);
  if (trainer !== undefined) assertTrainer(trainer, pieces.types.length, places);
}

function assertOneUnknown({ types }: Pieces, places: ModelPlaces): void {
  const got = types.reduce((count, type) => count + (type === TYPE.unknown ? 1 : 0), 0);
  if (got === 1) return;
  const message = `${got} unknown pieces instead of one`;
  const offset = got === 0 ? places.end : places.piece(types.indexOf(TYPE.unknown, types.indexOf(TYPE.unknown) + 1));
  fail(places, offset, { code: "E_VOCAB", field: "pieces", expected: "1 unknown piece", got, message });
}

/** With no byte piece at all, the model has no byte fallback; with some, SentencePiece wants every one. */
function assertBytePieces(pieces: Pieces, places: ModelPlaces): void {
  const values = new Set<number>();
  for (const [id, type] of pieces.types.entries()) {
    if (type !== TYPE.byte) continue;
    const value = bytePieceValue(pieces, id);
    if (value === undefined || values.has(value)) {
      const field = `pieces[${id}].piece`;
      const got = printable(spelling(pieces, id));
      const message = value === undefined ? `Invalid token: ${got}` : `byte piece ${got} comes twice`;
      const expected = "<0x00> to <0xFF>, once";
      fail(places, places.piece(id), { code: "E_BYTE_PIECE", field, expected, got, message });
    }
    values.add(value);
  }
  if (values.size !== 0 && values.size !== 256) {
    const got = values.size;
    const message = `${got} byte pieces instead of 256`;
    fail(places, places.end, { code: "E_BYTE_PIECE", field: "pieces", expected: "256 byte pieces", got, message });
  }
}

function assertUserDefined({ texts, types }: Pieces, places: ModelPlaces): void {
  for (const [id, type] of types.entries()) {
    if (type !== TYPE["user-defined"]) continue;
    const got = (texts.starts[id + 1] as number) - (texts.starts[id] as number);
    if (got <= MAX_USER_DEFINED_BYTES) continue;
    const field = `pieces[${id}].piece`;
    const message = `a user-defined piece of ${got} bytes`;
    const expected = `at most ${MAX_USER_DEFINED_BYTES} bytes`;
    fail(places, places.piece(id), { code: "E_LIMIT", field, expected, got, message });
  }
}

function assertDistinct(pieces: Pieces, places: ModelPlaces, budget: Budget | undefined): void {
  const index = new TextIndex(pieces.texts, budget);
  for (const id of pieces.types.keys()) {
    const firstId = index.add(id);
    if (firstId === NONE) continue;
    const field = `pieces[${id}].piece`;
    const message = `piece ${printable(spelling(pieces, id))} comes twice`;
    const got = `that of id ${firstId}`;
    fail(places, places.piece(id), { code: "E_DUP", field, expected: "a new text", got, message });
  }
  budget?.releaseBytes(index.byteLength);
}

function assertTrainer(trainer: TrainerFacts, nPieces: number, places: ModelPlaces): void {
  for (const [name, got, least] of [
    ["unk_id", trainer.unkId, 0],
    ["bos_id", trainer.bosId, -1], // -1: the model has no such piece
    ["eos_id", trainer.eosId, -1],
  ] as const) {
    if (got >= least && got < nPieces) continue;
    const message = `${name} is ${got}, which is not the id of a piece`;
    const expected = `${least} to ${nPieces - 1}`;
    fail(places, places.trainer, { code: "E_VOCAB", field: `trainer_spec.${name}`, expected, got, message });
  }
  const got = trainer.vocabSize ?? nPieces;
  if (got !== nPieces) {
    const field = "trainer_spec.vocab_size";
    const message = `the model says that it has ${got} pieces, but it has ${nPieces}`;
    fail(places, places.trainer, { code: "E_MISMATCH", field, expected: nPieces, got, message });
  }
}

/** The byte that `<0xHH>` stands for; undefined if the text of the piece is not of that form. */
export function bytePieceValue(pieces: Pieces, id: number): number | undefined {
  const hex = /^<0x([0-9A-F]{2})>$/.exec(spelling(pieces, id))?.[1];
  return hex === undefined ? undefined : Number.parseInt(hex, 16);
}

function fail(places: ModelPlaces, offset: number | undefined, fields: FormatErrorFields): never {
  throw new TokenizerModelError({ ...fields, file: places.file, offset });
}
