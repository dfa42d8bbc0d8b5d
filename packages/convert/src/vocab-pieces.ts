// Vocabularies in the two spellings: a ggjt entry is the final text, a GGUF entry is SentencePiece's piece and its type.

import type { VocabEntry } from "@ll/ggml-format";
import { ConvertError } from "./errors.ts";

/** A vocabulary entry as GGUF stores it; the index is the id. */
export interface VocabPiece {
  /** UTF-8 as a rule: U+2581 for a space, `<0x0A>` for a byte. */
  readonly text: Uint8Array;
  /** A binary32 value. */
  readonly score: number;
  /** One of `PieceTypes`. */
  readonly type: number;
}

/** Values of `tokenizer.ggml.token_type`: those of SentencePiece. */
export const PieceTypes = {
  normal: 1,
  unknown: 2,
  control: 3,
  userDefined: 4,
  unused: 5,
  byte: 6,
} as const;

const UNKNOWN_ID = 0;
const FIRST_BYTE_ID = 3;

const encoder = /* @__PURE__ */ new TextEncoder();
const UNKNOWN_TEXT: Uint8Array = /* @__PURE__ */ encoder.encode(" \u2047 ");
const SPACE = 0x20;
const SPACE_SYMBOL = [0xe2, 0x96, 0x81] as const; // U+2581 in UTF-8

/**
 * The pieces that stand behind the entries of a ggjt file. Types are not in it: in LLaMA's layout, id 0 is the unknown piece, entries
 * without text are control pieces, and byte b has the id b + 3. `entryOf` undoes it.
 * @throws ConvertError `E_VOCAB` for a text with U+2581, which would come back as a space
 */
export function piecesOf(vocab: readonly VocabEntry[]): VocabPiece[] {
  return vocab.map(({ text, score }, id) => {
    if (id === UNKNOWN_ID && isEqual(text, UNKNOWN_TEXT)) return piece("<unk>", score, PieceTypes.unknown);
    // names of further ones as llama.cpp makes them
    if (text.length === 0) return piece(["", "<s>", "</s>"][id] || `[EMPTY_${id}]`, score, PieceTypes.control);
    const [byte] = text as Uint8Array & [number];
    if (text.length === 1 && byte === id - FIRST_BYTE_ID) return piece(byteName(byte), score, PieceTypes.byte);
    return { text: withSymbols(text, id), score, type: PieceTypes.normal };
  });
}

/** What convert.py of build 803 makes of a piece. @throws ConvertError `E_VOCAB` for a byte piece that names no byte, or a type that is none */
export function entryOf({ text, score, type }: VocabPiece, id: number): VocabEntry {
  switch (type) {
    case PieceTypes.unknown:
      return { text: UNKNOWN_TEXT, score };
    case PieceTypes.control:
      return { text: new Uint8Array(0), score };
    case PieceTypes.byte:
      return { text: Uint8Array.of(byteOf(text, id)), score };
    case PieceTypes.normal:
    case PieceTypes.userDefined:
    case PieceTypes.unused:
      return { text: withSpaces(text), score };
    default:
      return fail(id, "1 to 6", type, `there is no piece type ${type}`);
  }
}

function piece(text: string, score: number, type: number): VocabPiece {
  return { text: encoder.encode(text), score, type };
}

function byteName(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
}

function byteOf(text: Uint8Array, id: number): number {
  const shown = String.fromCharCode(...text.subarray(0, 16));
  const hex = /^<0x([0-9A-F]{2})>$/.exec(shown)?.[1];
  return hex === undefined ? fail(id, "<0x00> to <0xFF>", shown, `Invalid token: ${shown}`) : Number.parseInt(hex, 16);
}

function withSymbols(text: Uint8Array, id: number): Uint8Array {
  if (text.some((_, i) => isSymbolAt(text, i))) {
    fail(id, "no U+2581", "U+2581", "GGUF would take U+2581 in this text for a space");
  }
  return Uint8Array.from([...text].flatMap((byte) => (byte === SPACE ? SPACE_SYMBOL : byte)));
}

function withSpaces(text: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(text.length);
  let length = 0;
  for (let i = 0; i < text.length; length++) {
    const isSymbol = isSymbolAt(text, i);
    bytes[length] = isSymbol ? SPACE : (text[i] as number);
    i += isSymbol ? SPACE_SYMBOL.length : 1;
  }
  return bytes.slice(0, length);
}

function isSymbolAt(text: Uint8Array, i: number): boolean {
  const [first, second, third] = SPACE_SYMBOL;
  return text[i] === first && text[i + 1] === second && text[i + 2] === third;
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function fail(id: number, expected: string, got: string | number, message: string): never {
  throw new ConvertError({
    code: "E_VOCAB",
    field: `vocab[${id}]`,
    expected,
    got,
    message: `vocabulary entry ${id}: ${message}`,
  });
}
