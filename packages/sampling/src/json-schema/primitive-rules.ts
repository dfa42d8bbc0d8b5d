// The rules that every grammar made of a schema ends with, and literals.

import { schemaError } from "./schema.ts";

/** Name of the rule for optional space. */
export const WS = "ws";

/** The quotation mark around JSON strings, as a literal of GBNF. */
export const QUOTE = '"\\""';

const DIGITS = "[0-9]?".concat(" [0-9]?".repeat(14)); // up to 15: as many as a double keeps

/**
 * RFC 8259, but for space. The characters of a string are listed rather than excluded, so that tokens within a character are
 * judged by what they can become. With 16 digits in front of the point and two of the exponent, no number is infinite.
 */
export const PRIMITIVE_RULES: Readonly<Record<string, string>> = {
  value: "object | array | string | number | boolean | null",
  object: `"{" ${WS} ( string ":" ${WS} value ( "," ${WS} string ":" ${WS} value )* ${WS} )? "}"`,
  array: `"[" ${WS} ( value ( "," ${WS} value )* ${WS} )? "]"`,
  string: '"\\"" ( [\\x20-\\x21\\x23-\\x5B\\x5D-\\uD7FF\\uE000-\\U0010FFFF] | "\\\\" escape )* "\\""',
  // one code point, for strings that are counted: no halves of surrogate pairs, which two escapes would make one character of
  char: '[\\x20-\\x21\\x23-\\x5B\\x5D-\\uD7FF\\uE000-\\U0010FFFF] | "\\\\" ( ["\\\\/bfnrt] | "u" ( [0-9a-cA-CefEF] hex | [dD] [0-7] ) hex hex )',
  escape: '["\\\\/bfnrt] | "u" hex hex hex hex',
  hex: "[0-9a-fA-F]",
  number: 'integer ( "." [0-9] digits )? ( [eE] [-+]? [0-9] [0-9]? )?',
  integer: '"-"? ( "0" | [1-9] digits )',
  digits: DIGITS,
  boolean: '"true" | "false"',
  null: '"null"',
  ws: '" "?',
};

/** A JSON value as a literal of GBNF. @throws GrammarError E_SCHEMA for a value that JSON cannot express */
export function literal(value: unknown, pointer: string): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch {
    // circular, too deep, or a bigint
  }
  if (json === undefined) throw schemaError(pointer, "a listed value is no JSON");
  return literalOf(json);
}

/** JSON has no control characters, so only these two need an escape. */
export function literalOf(text: string): string {
  const escaped = text.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  return `"${escaped.replaceAll("\n", "\\n").replaceAll("\r", "\\r")}"`;
}

/** Code points that a JSON string holds as they are. */
export const PLAIN_RANGES: readonly (readonly [first: number, last: number])[] = [
  [0x20, 0x21],
  [0x23, 0x5b],
  [0x5d, 0xd7ff],
  [0xe000, 0x10ffff],
];

/** A code point as a member of a class of GBNF. */
export function spellMember(code: number): string {
  const character = String.fromCodePoint(code);
  if (/[a-zA-Z0-9]/.test(character)) return character;
  const hex = code.toString(16);
  if (code < 0x100) return `\\x${hex.padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}
