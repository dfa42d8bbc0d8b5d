// Variants of the tiny model that use what LLaMA's does not: options of the normaliser, user-defined and unused pieces, no bytes.

import { bytesField, modelBytes, normalizerField, TYPE, varintField } from "../support/model-bytes.ts";
import { tinyPieces } from "../support/tiny.ts";

export interface Variant {
  readonly addDummyPrefix: boolean;
  readonly removeExtraWhitespaces: boolean;
  readonly escapeWhitespaces: boolean;
  /** Every fourth piece of several characters becomes unused. */
  readonly unused: boolean;
  /** Some pieces become user-defined, and some are added. */
  readonly userDefined: boolean;
  readonly byteFallback: boolean;
}

const PLAIN: Variant = {
  addDummyPrefix: true,
  removeExtraWhitespaces: false,
  escapeWhitespaces: true,
  unused: false,
  userDefined: false,
  byteFallback: true,
};

export const variants: ReadonlyMap<string, Variant> = new Map([
  ["plain", PLAIN],
  ["no prefix", { ...PLAIN, addDummyPrefix: false }],
  ["spaces removed", { ...PLAIN, removeExtraWhitespaces: true }],
  ["spaces removed, no prefix", { ...PLAIN, removeExtraWhitespaces: true, addDummyPrefix: false }],
  ["spaces as they are", { ...PLAIN, escapeWhitespaces: false }],
  ["spaces as they are, but removed", { ...PLAIN, escapeWhitespaces: false, removeExtraWhitespaces: true }],
  ["unused pieces", { ...PLAIN, unused: true }],
  ["user-defined pieces", { ...PLAIN, userDefined: true }],
  ["user-defined and unused pieces", { ...PLAIN, userDefined: true, unused: true, removeExtraWhitespaces: true }],
  ["no byte pieces", { ...PLAIN, byteFallback: false }],
  ["no byte pieces, unused ones", { ...PLAIN, byteFallback: false, unused: true, userDefined: true }],
]);

// "e" ends many pieces: none of them may be made with it any more
const USER_DEFINED = ["e", "ing", "\u2581the\u2581", "<x>", "<x>y", "aa", "é", "q\u2581q", "\u2581\u2581"];

/** The bytes of a variant's tokenizer.model. */
export function variantBytes(variant: Variant): Uint8Array {
  const pieces = tinyPieces()
    .filter(({ type }) => variant.byteFallback || type !== TYPE.byte)
    .map((piece, index) => {
      const several = piece.type === TYPE.normal && (piece.text?.length ?? 0) > 1;
      return several && variant.unused && index % 4 === 0 ? { ...piece, type: TYPE.unused } : piece;
    });
  for (const text of variant.userDefined ? USER_DEFINED : []) {
    const index = pieces.findIndex((piece) => piece.text === text);
    pieces.splice(index === -1 ? pieces.length : index, index === -1 ? 0 : 1, {
      text,
      score: 0,
      type: TYPE.userDefined,
    });
  }
  const trainer = bytesField(2, [...varintField(3, 2), ...varintField(35, Number(variant.byteFallback))]);
  const normalizer = normalizerField(
    varintField(3, Number(variant.addDummyPrefix)),
    varintField(4, Number(variant.removeExtraWhitespaces)),
    varintField(5, Number(variant.escapeWhitespaces)),
  );
  return modelBytes(pieces, [trainer, normalizer]);
}
