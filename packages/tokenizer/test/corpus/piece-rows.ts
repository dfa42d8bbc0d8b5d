// TM06 … TM13, TM16: pieces and what the trainer says about them.

import { expect } from "vitest";
import {
  basePieces,
  bytesField,
  modelBytes,
  type PieceFields,
  pieceField,
  TYPE,
  trainerField,
  varintField,
} from "../support/model-bytes.ts";
import { HEAD, LAST_BYTE_PIECE, NEXT_ID, type Row } from "./row.ts";

const END = HEAD.length;

/** A file whose last piece, of id 259, is refused for one of its fields. The offset is where the reader was by then. */
function badPiece(
  id: string,
  input: string,
  piece: PieceFields,
  field: string,
  expected: unknown,
  got: unknown,
  code: string,
): Row {
  const bytes = [...HEAD, ...pieceField(piece)];
  return { id, input, bytes, refused: [code, bytes.length, `pieces[${NEXT_ID}].${field}`, expected, got] };
}

const TEXT = "1 to 7999 bytes of UTF-8, none of them 0";

/** A good file but for its trainer section. */
function badTrainer(
  id: string,
  input: string,
  fields: number[][],
  code: string,
  name: string,
  expected: unknown,
  got: unknown,
): Row {
  const trainer = trainerField(...fields);
  const bytes = [...modelBytes(basePieces(), [trainer])];
  const offset = bytes.length - trainer.length + 1; // behind the tag
  return { id, input, bytes, refused: [code, offset, `trainer_spec.${name}`, expected, got] };
}

/** A file of a model type that cannot be used. */
function otherType(input: string, trainer: number[], got: string): Row {
  const bytes = [...basePieces().flatMap(pieceField), ...trainer];
  return {
    id: "TM13",
    input,
    bytes,
    refused: ["E_UNSUPPORTED", bytes.length, "trainer_spec.model_type", "BPE", got],
  };
}

const tenMillionPieces = new Uint8Array(20_000_000).map((_, index) => (index % 2 === 0 ? 0x0a : 0x00));
const withoutLast = HEAD.slice(0, END - LAST_BYTE_PIECE.length);
const invalidByte = pieceField({ text: "<0xGG>", type: TYPE.byte });
const lowerCaseByte = pieceField({ text: "<0xff>", type: TYPE.byte });

export const pieceRows: readonly Row[] = [
  badPiece("TM06", "a piece without text", { score: -1 }, "piece", "a text", "none", "E_FIELD"),
  badPiece("TM06", "a piece with empty text", { text: "" }, "piece", TEXT, "0 bytes", "E_FIELD"),
  badPiece("TM06", "a text of 1 MiB", { text: "a".repeat(2 ** 20) }, "piece", TEXT, "1048576 bytes", "E_FIELD"),
  badPiece("TM06", "a text of 8,000 bytes", { text: "a".repeat(8000) }, "piece", TEXT, "8000 bytes", "E_FIELD"),
  badPiece(
    "TM06",
    "a text that is not UTF-8",
    { text: [0x61, 0xff] },
    "piece",
    TEXT,
    "bytes that are not UTF-8",
    "E_FIELD",
  ),
  badPiece("TM06", "a surrogate", { text: [0xed, 0xa0, 0x80] }, "piece", TEXT, "bytes that are not UTF-8", "E_FIELD"),
  badPiece("TM06", "a text with a zero byte", { text: "a\0b" }, "piece", TEXT, "a zero byte", "E_FIELD"),
  {
    id: "TM06",
    input: "a text of 7,999 bytes, which is good",
    bytes: [...HEAD, ...pieceField({ text: "a".repeat(7999) })],
    check: (model) => expect(model.pieces[NEXT_ID]?.text.length).toBe(7999),
  },
  {
    id: "TM06",
    input: "a byte order mark, which is a text like others",
    bytes: [...HEAD, ...pieceField({ text: "\ufeff" })],
    check: (model) => expect(model.pieces[NEXT_ID]?.text).toBe("\ufeff"),
  },
  {
    id: "TM06",
    input: "a user-defined text of 513 bytes",
    bytes: [...HEAD, ...pieceField({ text: "a".repeat(513), type: TYPE.userDefined })],
    refused: ["E_LIMIT", END + 1, "pieces[259].piece", "at most 512 bytes", 513],
  },
  {
    id: "TM07",
    input: "a score left out, which is 0",
    bytes: [...HEAD, ...pieceField({ text: "x" })],
    check: (model) => expect(model.pieces[NEXT_ID]).toEqual({ text: "x", score: 0, type: "normal" }),
  },
  {
    id: "TM07",
    input: "a score of -0, which stays so",
    bytes: [...HEAD, ...pieceField({ text: "x", score: -0 })],
    check: (model) => expect(Object.is(model.pieces[NEXT_ID]?.score, -0)).toBe(true),
  },
  ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map((score) =>
    badPiece("TM07", `a score of ${score}`, { text: "x", score }, "score", "a finite number", score, "E_RANGE"),
  ),
  ...[0, 7, 99, -1].map((type) =>
    badPiece("TM08", `piece type ${type}`, { text: "x", type }, "type", "1 to 6", type, "E_RANGE"),
  ),
  {
    id: "TM09",
    input: "no pieces",
    bytes: trainerField(),
    refused: ["E_EMPTY", trainerField().length, "pieces", "at least one", 0],
  },
  {
    id: "TM09",
    input: "10 million pieces of two bytes",
    bytes: tenMillionPieces,
    refused: ["E_LIMIT", 2 * 1_000_001, "pieces", "at most 1000000", "more than 1000000"],
  },
  {
    id: "TM10",
    input: "no unknown piece",
    bytes: pieceField({ text: "a" }),
    refused: ["E_VOCAB", pieceField({ text: "a" }).length, "pieces", "1 unknown piece", 0],
  },
  {
    id: "TM10",
    input: "two unknown pieces",
    bytes: [...HEAD, ...pieceField({ text: "<unk>", type: TYPE.unknown })],
    refused: ["E_VOCAB", END + 1, "pieces", "1 unknown piece", 2],
  },
  ...[-1, 259, -(2 ** 31)].map((id) =>
    badTrainer("TM10", `unk_id ${id}`, [varintField(40, id)], "E_VOCAB", "unk_id", "0 to 258", id),
  ),
  ...[-2, 259, 2 ** 31 - 1].flatMap((id) => [
    badTrainer("TM10", `bos_id ${id}`, [varintField(41, id)], "E_VOCAB", "bos_id", "-1 to 258", id),
    badTrainer("TM10", `eos_id ${id}`, [varintField(42, id)], "E_VOCAB", "eos_id", "-1 to 258", id),
  ]),
  {
    id: "TM10",
    input: "neither BOS nor EOS, which is good",
    bytes: [...HEAD, ...bytesField(2, [...varintField(41, -1), ...varintField(42, -1)])],
    check: (model) => expect(model.trainer).toMatchObject({ unkId: 0, bosId: -1, eosId: -1 }),
  },
  {
    id: "TM11",
    input: "255 byte pieces",
    bytes: withoutLast,
    refused: ["E_BYTE_PIECE", withoutLast.length, "pieces", "256 byte pieces", 255],
  },
  {
    id: "TM11",
    input: "the byte piece <0xGG>",
    bytes: [...withoutLast, ...invalidByte],
    refused: ["E_BYTE_PIECE", withoutLast.length + 1, "pieces[258].piece", "<0x00> to <0xFF>, once", "<0xGG>"],
  },
  {
    id: "TM11",
    input: "the byte piece <0xff>, which SentencePiece does not know either",
    bytes: [...withoutLast, ...lowerCaseByte],
    refused: ["E_BYTE_PIECE", withoutLast.length + 1, "pieces[258].piece", "<0x00> to <0xFF>, once", "<0xff>"],
  },
  {
    id: "TM11",
    input: "a byte piece twice",
    bytes: [...HEAD, ...LAST_BYTE_PIECE],
    refused: ["E_BYTE_PIECE", END + 1, "pieces[259].piece", "<0x00> to <0xFF>, once", "<0xFF>"],
  },
  {
    id: "TM11",
    input: "no byte pieces, which is good",
    bytes: modelBytes(basePieces().slice(0, 3)),
    check: (model) => expect(model.pieces.length).toBe(3),
  },
  {
    id: "TM12",
    input: "a normal piece twice",
    bytes: [...HEAD, ...pieceField({ text: "x" }), ...pieceField({ text: "x", score: -5 })],
    refused: ["E_DUP", END + pieceField({ text: "x" }).length + 1, "pieces[260].piece", "a new text", "that of id 259"],
  },
  {
    id: "TM12",
    input: "pieces named like members of objects",
    bytes: [...HEAD, ...["__proto__", "constructor", "toString"].flatMap((text) => pieceField({ text }))],
    check: (model) => {
      expect(model.pieces.slice(NEXT_ID).map(({ text }) => text)).toEqual(["__proto__", "constructor", "toString"]);
    },
  },
  otherType("a UNIGRAM model", bytesField(2, varintField(3, 1)), "UNIGRAM"),
  otherType("a WORD model", bytesField(2, varintField(3, 3)), "WORD"),
  otherType("a CHAR model", bytesField(2, varintField(3, 4)), "CHAR"),
  otherType("a trainer section without a type, which is UNIGRAM", bytesField(2, varintField(4, 259)), "UNIGRAM"),
  {
    id: "TM13",
    input: "spaces behind words",
    bytes: [...HEAD, ...trainerField(varintField(24, 1))],
    refused: ["E_UNSUPPORTED", END + 10, "trainer_spec.treat_whitespace_as_suffix", "false", "true"],
  },
  {
    id: "TM13",
    input: "no trainer section, which is good",
    bytes: basePieces().flatMap(pieceField),
    check: (model) => expect(model.trainer).toBe(undefined),
  },
  ...[258, 260, 0, -1].map((size) =>
    badTrainer("TM16", `vocab_size ${size} of 259`, [varintField(4, size)], "E_MISMATCH", "vocab_size", 259, size),
  ),
];
