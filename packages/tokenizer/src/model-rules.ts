// What must hold for the pieces of a model together.

import { printable } from "@ll/bytes";
import { TokenizerModelError } from "./errors.ts";
import type { SentencePieceModel } from "./sentencepiece-model.ts";

/** @throws TokenizerModelError `E_EMPTY`, `E_MISMATCH`, `E_DUP`, `E_VOCAB` or `E_BYTE_PIECE`. */
export function assertUsableModel(model: SentencePieceModel, file: string | undefined): void {
  const { pieces, trainer } = model;
  const fail = (
    code: string,
    field: string,
    expected: string | number,
    got: string | number,
    message: string,
  ): never => {
    throw new TokenizerModelError({ code, file, field, expected, got, message });
  };
  if (pieces.length === 0) fail("E_EMPTY", "pieces", "at least one", 0, "a model without pieces");

  if (trainer !== undefined) {
    const { vocabSize } = trainer;
    if (vocabSize !== undefined && vocabSize !== pieces.length) {
      const message = `the model says that it has ${vocabSize} pieces, but it has ${pieces.length}`;
      fail("E_MISMATCH", "trainer_spec.vocab_size", pieces.length, vocabSize, message);
    }
    const ids = { unk_id: trainer.unkId, bos_id: trainer.bosId, eos_id: trainer.eosId };
    for (const [name, id] of Object.entries(ids)) {
      const first = name === "unk_id" ? 0 : -1; // -1: the model has no such piece
      if (id < first || id >= pieces.length) {
        const expected = `${first} to ${pieces.length - 1}`;
        fail("E_VOCAB", `trainer_spec.${name}`, expected, id, `${name} is ${id}, which is not the id of a piece`);
      }
    }
  }

  const firstIds = new Map<string, number>();
  for (const [id, { text }] of pieces.entries()) {
    const firstId = firstIds.get(text);
    if (firstId !== undefined) {
      fail(
        "E_DUP",
        `pieces[${id}].piece`,
        "a new text",
        `that of id ${firstId}`,
        `piece ${printable(text)} comes twice`,
      );
    }
    firstIds.set(text, id);
  }

  const nUnknown = pieces.filter((piece) => piece.type === "unknown").length;
  if (nUnknown !== 1)
    fail("E_VOCAB", "pieces", "1 unknown piece", nUnknown, `${nUnknown} unknown pieces instead of one`);

  let nBytes = 0;
  for (const [id, { text, type }] of pieces.entries()) {
    if (type !== "byte") continue;
    nBytes++;
    if (bytePieceValue(text) === undefined) {
      const got = printable(text);
      fail("E_BYTE_PIECE", `pieces[${id}].piece`, "<0x00> to <0xFF>", got, `Invalid token: ${got}`);
    }
  }
  // none at all: a model without byte fallback; some: SentencePiece wants every one
  if (nBytes !== 0 && nBytes !== 256) {
    fail("E_BYTE_PIECE", "pieces", "256 byte pieces", nBytes, `${nBytes} byte pieces instead of 256`);
  }
}

/** The byte that `<0xHH>` stands for; undefined if the text is not of that form. */
export function bytePieceValue(text: string): number | undefined {
  const hex = /^<0x([0-9A-F]{2})>$/.exec(text)?.[1];
  return hex === undefined ? undefined : Number.parseInt(hex, 16);
}
