// Reads tokenizer.model: a SentencePiece ModelProto. Field numbers and defaults are those of sentencepiece_model.proto in
// google/sentencepiece. Models that are not BPE and models that rewrite characters are refused by name.

import { type Budget, type BudgetOptions, headerBudget, isBytes, kindOf } from "@ll/bytes";
import { TokenizerModelError } from "./errors.ts";
import { MAX_PIECE_BYTES, MAX_PIECES } from "./limits.ts";
import { assertLooksLikeModel } from "./model-magic.ts";
import { assertUsableModel } from "./model-rules.ts";
import { isUtf8 } from "./normalize.ts";
import { createModel, isPieceType, type Pieces, PiecesWriter, TYPE } from "./pieces.ts";
import { WireReader } from "./protobuf-wire.ts";
import type { NormalizerOptions, SentencePieceModel } from "./sentencepiece-model.ts";

/** Values of the schema's enum `ModelType`, by index; there is no 0. */
const MODEL_TYPES = [undefined, "UNIGRAM", "BPE", "WORD", "CHAR"] as const;
const UNIGRAM = 1;
const BPE = 2;

/** Sections as read so far. A section may come in parts; a field that comes again replaces the earlier one. */
interface Sections {
  nPieces: number;
  /** Bytes of the messages of all pieces. */
  pieceBytes: number;
  /** Offset of the last part of the trainer section; undefined if the file has none. */
  trainerOffset: number | undefined;
  readonly trainer: {
    modelType: number;
    vocabSize: number | undefined;
    unkId: number;
    bosId: number;
    eosId: number;
  };
  readonly normalizer: { -readonly [Name in keyof NormalizerOptions]: boolean };
}

/**
 * Reads and checks the bytes of a tokenizer.model. A file without a trainer section is taken for BPE; one whose trainer section names
 * no type is UNIGRAM, the schema's default.
 * @param file shown in errors
 * @param options `budget`: charged for the arrays that are made, of which some are released again
 * @throws TokenizerModelError: `E_PROTO`, `E_MAGIC`, `E_WIRE`, `E_VARINT`, `E_LENGTH`, `E_TRUNC` if the bytes are no such file;
 * `E_FIELD`, `E_RANGE`, `E_LIMIT`, `E_EMPTY`, `E_DUP`, `E_VOCAB`, `E_BYTE_PIECE`, `E_MISMATCH` if its vocabulary cannot be right;
 * `E_UNSUPPORTED`, `E_CHARSMAP` if it is a model of another kind.
 */
export function readSentencePieceModel(
  bytes: Uint8Array,
  file?: string,
  options: BudgetOptions = {},
): SentencePieceModel {
  if (!isBytes(bytes)) {
    const advice = "read the file first: await readFile(path) of node:fs/promises";
    throw new TypeError(`"bytes" expected a Uint8Array, what is in a tokenizer.model, got ${kindOf(bytes)}; ${advice}`);
  }
  const { budget = headerBudget(bytes.length, file, TokenizerModelError) } = options;
  assertLooksLikeModel(bytes, file);
  const sections = readSections(new WireReader(bytes, file));
  const pieces = readPieces(new WireReader(bytes, file), sections, budget);
  const { trainerOffset, normalizer } = sections;
  const { vocabSize, unkId, bosId, eosId } = sections.trainer;
  const trainer =
    trainerOffset === undefined ? undefined : ({ modelType: "bpe", vocabSize, unkId, bosId, eosId } as const);
  const piece = (id: number): number | undefined => pieceOffset(new WireReader(bytes, file), id);
  assertUsableModel(pieces, trainer, { file, piece, trainer: trainerOffset ?? 0, end: bytes.length }, budget);
  return createModel(pieces, normalizer, trainer);
}

/** First pass: everything but the pieces. Those are counted, so that too many are refused before any is kept. */
function readSections(wire: WireReader): Sections {
  const sections: Sections = {
    nPieces: 0,
    pieceBytes: 0,
    trainerOffset: undefined,
    trainer: { modelType: UNIGRAM, vocabSize: undefined, unkId: 0, bosId: 1, eosId: 2 },
    normalizer: { addDummyPrefix: true, removeExtraWhitespaces: true, escapeWhitespaces: true },
  };
  while (wire.next()) {
    if (wire.fieldNumber === 1) {
      sections.pieceBytes += wire.bytes("pieces").length;
      sections.nPieces++;
      if (sections.nPieces > MAX_PIECES) {
        wire.fail({
          code: "E_LIMIT",
          field: "pieces",
          expected: `at most ${MAX_PIECES}`,
          got: `more than ${MAX_PIECES}`,
          message: `more than ${MAX_PIECES} pieces`,
        });
      }
    } else if (wire.fieldNumber === 2) {
      sections.trainerOffset = wire.offset;
      readTrainer(wire.message("trainer_spec"), sections.trainer);
    } else if (wire.fieldNumber === 3) {
      readNormalizer(wire.message("normalizer_spec"), sections.normalizer);
    } else {
      wire.skip();
    }
  }
  if (sections.trainerOffset !== undefined && sections.trainer.modelType !== BPE) {
    const got = MODEL_TYPES[sections.trainer.modelType] ?? sections.trainer.modelType;
    const message = `a model of type ${got}: only BPE models can be used`;
    wire.fail({ code: "E_UNSUPPORTED", field: "trainer_spec.model_type", expected: "BPE", got, message });
  }
  return sections;
}

function readTrainer(wire: WireReader, trainer: Sections["trainer"]): void {
  while (wire.next()) {
    switch (wire.fieldNumber) {
      case 3:
        trainer.modelType = wire.int32("model_type");
        break;
      case 4:
        trainer.vocabSize = wire.int32("vocab_size");
        break;
      case 24:
        if (wire.bool("treat_whitespace_as_suffix")) {
          const message = "a model that attaches spaces to the end of words cannot be used";
          const field = "treat_whitespace_as_suffix";
          wire.fail({ code: "E_UNSUPPORTED", field, expected: "false", got: "true", message });
        }
        break;
      case 40:
        trainer.unkId = wire.int32("unk_id");
        break;
      case 41:
        trainer.bosId = wire.int32("bos_id");
        break;
      case 42:
        trainer.eosId = wire.int32("eos_id");
        break;
      default:
        wire.skip();
    }
  }
}

function readNormalizer(wire: WireReader, normalizer: Sections["normalizer"]): void {
  while (wire.next()) {
    switch (wire.fieldNumber) {
      case 2: {
        const got = `${wire.bytes("precompiled_charsmap").length} bytes`;
        if (got === "0 bytes") break;
        const message = "a model with a character map (such as NFKC) cannot be used";
        wire.fail({ code: "E_CHARSMAP", field: "precompiled_charsmap", expected: "0 bytes (identity)", got, message });
        break;
      }
      case 3:
        normalizer.addDummyPrefix = wire.bool("add_dummy_prefix");
        break;
      case 4:
        normalizer.removeExtraWhitespaces = wire.bool("remove_extra_whitespaces");
        break;
      case 5:
        normalizer.escapeWhitespaces = wire.bool("escape_whitespaces");
        break;
      default:
        wire.skip();
    }
  }
}

/** Second pass: the pieces. */
function readPieces(wire: WireReader, { nPieces, pieceBytes }: Sections, budget: Budget): Pieces {
  budget.takeItems(nPieces, "pieces");
  const writer = new PiecesWriter(nPieces, pieceBytes, budget);
  for (let id = 0; id < nPieces && wire.next(); ) {
    if (wire.fieldNumber === 1) readPiece(wire.message("pieces", id++), writer);
    else wire.skip();
  }
  return writer.finish();
}

/** Where the piece begins, behind its tag. */
function pieceOffset(wire: WireReader, id: number): number | undefined {
  for (let nBefore = 0; wire.next(); ) {
    if (wire.fieldNumber === 1 && nBefore++ === id) return wire.offset;
    wire.skip();
  }
  return undefined;
}

function readPiece(wire: WireReader, writer: PiecesWriter): void {
  let text: Uint8Array | undefined;
  let score = 0;
  let type: number = TYPE.normal;
  while (wire.next()) {
    switch (wire.fieldNumber) {
      case 1:
        text = readText(wire);
        break;
      case 2:
        score = wire.float32("score");
        // a ggml file could hold such a score, but no reader takes it
        if (!Number.isFinite(score)) {
          const message = `a score of ${score}`;
          wire.fail({ code: "E_RANGE", field: "score", expected: "a finite number", got: score, message });
        }
        break;
      case 3: {
        type = wire.int32("type");
        if (!isPieceType(type)) {
          const message = `there is no piece type ${type}`;
          wire.fail({ code: "E_RANGE", field: "type", expected: "1 to 6", got: type, message });
        }
        break;
      }
      default:
        wire.skip();
    }
  }
  if (text === undefined) {
    wire.fail({ code: "E_FIELD", field: "piece", expected: "a text", got: "none", message: "a piece without text" });
  }
  writer.add(text, score, type);
}

function readText(wire: WireReader): Uint8Array {
  const bytes = wire.bytes("piece");
  let got = `${bytes.length} bytes`;
  if (bytes.length > 0 && bytes.length <= MAX_PIECE_BYTES) {
    if (bytes.includes(0)) got = "a zero byte";
    else if (!isUtf8(bytes)) got = "bytes that are not UTF-8";
    else return bytes;
  }
  const expected = `1 to ${MAX_PIECE_BYTES} bytes of UTF-8, none of them 0`;
  return wire.fail({ code: "E_FIELD", field: "piece", expected, got, message: `bad text of a piece: ${got}` });
}
