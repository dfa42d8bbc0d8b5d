// One row of the bad-input corpus for tokenizer.model, and the good file that rows are made from.

import type { SentencePieceModel } from "../../src/index.ts";
import { basePieces, pieceField, TYPE, trainerField } from "../support/model-bytes.ts";

export type Refused = readonly [code: string, offset: number, field: string, expected: unknown, got: unknown];

export interface Row {
  readonly id: string;
  readonly input: string;
  readonly bytes: readonly number[] | Uint8Array;
  /** Absent if it must be taken. */
  readonly refused?: Refused;
  readonly check?: (model: SentencePieceModel) => void;
}

/** A trainer section and the 259 pieces that every LLaMA vocabulary starts with: a good file by itself. */
export const HEAD: readonly number[] = [...trainerField(), ...basePieces().flatMap(pieceField)];

/** Id of the first piece after `HEAD`. */
export const NEXT_ID = 259;

/** The last of the byte pieces, as it is in `HEAD`. */
export const LAST_BYTE_PIECE: readonly number[] = pieceField({ text: "<0xFF>", score: 0, type: TYPE.byte });
