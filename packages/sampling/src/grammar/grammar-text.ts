// The bytes of a grammar: blanks, comments, names and characters. Every function takes an offset; behind the last byte there is 0.

import { show } from "../guards.ts";
import { GrammarError } from "./errors.ts";
import { MAX_GRAMMAR_BYTES, MAX_NAME_BYTES } from "./limits.ts";

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const HASH = 0x23;
const BACKSLASH = 0x5c;

/** Bytes of a length by the high four bits of the first, as llama.cpp takes them: a stray 8…B counts as one byte. */
const LENGTH_BY_HIGH_BITS = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4] as const;

/** Digits of \x, \u and \U. */
const HEX_DIGITS: ReadonlyMap<number, number> = new Map([
  [0x78, 2],
  [0x75, 4],
  [0x55, 8],
]);

/** \t \r \n \\ \" \[ \] */
const ESCAPES: ReadonlyMap<number, number> = new Map([
  [0x74, TAB],
  [0x72, CR],
  [0x6e, LF],
  [BACKSLASH, BACKSLASH],
  [0x22, 0x22],
  [0x5b, 0x5b],
  [0x5d, 0x5d],
]);

export interface Character {
  readonly value: number;
  /** Offset behind it. */
  readonly end: number;
}

/** UTF-8 bytes of a grammar up to the first NUL, like a C string. @throws GrammarError E_LIMIT; TypeError for anything else */
export function grammarBytes(text: string | Uint8Array): Uint8Array {
  if (typeof text !== "string" && !ArrayBuffer.isView(text)) {
    throw new TypeError(`"text" expected GBNF as a string or its bytes, got ${show(text)}`);
  }
  // a string never has fewer bytes than UTF-16 units
  if (text.length > MAX_GRAMMAR_BYTES) throw tooLong(text.length);
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  if (bytes.length > MAX_GRAMMAR_BYTES) throw tooLong(bytes.length);
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

function tooLong(length: number): GrammarError {
  const message = `the grammar has ${length} bytes or more, and may have ${MAX_GRAMMAR_BYTES}`;
  return new GrammarError({ code: "E_LIMIT", message, offset: MAX_GRAMMAR_BYTES });
}

/** An error that ends with the text from `offset` on. */
export function expecting(what: string, bytes: Uint8Array, offset: number): GrammarError {
  const rest = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(offset));
  return new GrammarError({ code: "E_SYNTAX", message: `${what} at ${rest}`, offset });
}

/** The offset behind blanks, tabs and comments, and with `newlines` behind line breaks as well. */
export function skipSpace(bytes: Uint8Array, offset: number, newlines: boolean): number {
  let at = offset;
  for (; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === HASH) {
      while (at + 1 < bytes.length && bytes[at + 1] !== LF && bytes[at + 1] !== CR) at++;
    } else if (byte !== SPACE && byte !== TAB && !(newlines && (byte === LF || byte === CR))) {
      break;
    }
  }
  return at;
}

/** The offset behind one line break, which may be missing only at the end of the text. @throws GrammarError E_SYNTAX */
export function skipLineEnd(bytes: Uint8Array, offset: number): number {
  if (offset >= bytes.length) return offset;
  if (bytes[offset] === CR) return bytes[offset + 1] === LF ? offset + 2 : offset + 1;
  if (bytes[offset] === LF) return offset + 1;
  throw expecting("expecting newline or end", bytes, offset);
}

/** The offset behind the name that begins here; `offset` itself if none does. @throws GrammarError E_LIMIT */
export function skipName(bytes: Uint8Array, offset: number): number {
  let at = offset;
  while (at < bytes.length && isNameByte(bytes[at]!)) at++;
  if (at - offset > MAX_NAME_BYTES) {
    const message = `a name has ${at - offset} bytes, and may have ${MAX_NAME_BYTES}`;
    throw new GrammarError({ code: "E_LIMIT", message, offset });
  }
  return at;
}

/** a–z A–Z 0–9 and the hyphen. */
function isNameByte(byte: number): boolean {
  const letter = byte | 0x20;
  return (letter >= 0x61 && letter <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x2d;
}

/** One character of a literal or a class, perhaps escaped. @throws GrammarError E_SYNTAX */
export function readCharacter(bytes: Uint8Array, offset: number): Character {
  if (offset >= bytes.length) throw new GrammarError({ code: "E_SYNTAX", message: "unexpected end of input", offset });
  return bytes[offset] === BACKSLASH ? readEscape(bytes, offset) : readUtf8(bytes, offset);
}

function readEscape(bytes: Uint8Array, offset: number): Character {
  const letter = bytes[offset + 1] ?? 0;
  const escaped = ESCAPES.get(letter);
  if (escaped !== undefined) return { value: escaped, end: offset + 2 };
  const nDigits = HEX_DIGITS.get(letter);
  if (nDigits === undefined) throw expecting("unknown escape", bytes, offset);
  const start = offset + 2;
  const digits = String.fromCharCode(...bytes.subarray(start, start + nDigits));
  if (digits.length < nDigits || !/^[0-9a-fA-F]+$/.test(digits)) {
    throw expecting(`expecting ${nDigits} hex chars`, bytes, start);
  }
  return { value: Number.parseInt(digits, 16), end: start + nDigits };
}

/** The first byte says how many follow, and those are taken whatever they are. */
function readUtf8(bytes: Uint8Array, offset: number): Character {
  const first = bytes[offset]!;
  const length = LENGTH_BY_HIGH_BITS[first >> 4]!;
  const end = Math.min(offset + length, bytes.length);
  let value = first & ((1 << (8 - length)) - 1);
  for (let at = offset + 1; at < end; at++) value = (value << 6) + (bytes[at]! & 63);
  return { value, end };
}
