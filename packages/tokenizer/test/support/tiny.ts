// The committed tokenizer.model of the tiny LLaMA: 1,024 pieces, byte fallback, BPE.

import { readFileSync } from "node:fs";
import { fixture } from "../../../../tools/test-data.ts";
import { readSentencePieceModel, type SentencePieceModel } from "../../src/index.ts";
import type { PieceFields } from "./model-bytes.ts";
import { TYPE } from "./model-bytes.ts";

export const tinyBytes: Uint8Array = new Uint8Array(readFileSync(fixture("tiny/meta/tokenizer.model")));

export const tinyModel: SentencePieceModel = readSentencePieceModel(tinyBytes, "tokenizer.model");

const TYPE_NUMBERS = {
  normal: TYPE.normal,
  unknown: TYPE.unknown,
  control: TYPE.control,
  "user-defined": TYPE.userDefined,
  unused: TYPE.unused,
  byte: TYPE.byte,
} as const;

/** The pieces of the tiny model, to be written again with changes. */
export function tinyPieces(): PieceFields[] {
  return tinyModel.pieces.map(({ text, score, type }) => ({ text, score, type: TYPE_NUMBERS[type] }));
}
