// Errors of this package. A model file that is wrong is a FormatError; a text that is too long is an argument error.

import { FormatError, isFormatError, printable } from "@ll/bytes";

/** A tokenizer.model or a vocabulary that cannot be used. */
export class TokenizerModelError extends FormatError {
  override readonly name: string = "TokenizerModelError";
}

/** True for a `TokenizerModelError` of any installed copy of this package; with `code`, only for that code. */
export function isTokenizerModelError(error: unknown, code?: string): error is TokenizerModelError {
  return isFormatError(error, code) && error.name === "TokenizerModelError";
}

/** A text with more bytes than ids can be counted for: a text may need one id per byte. */
export class TextTooLongError extends RangeError {
  override readonly name: string = "TextTooLongError";
  readonly code: string = "E_TOO_LONG";
  /** Longest text, in bytes. */
  readonly expected: number;
  readonly got: number;

  constructor(expected: number, got: number) {
    super(`"text" expected at most ${expected} bytes, got ${got}`);
    this.expected = expected;
    this.got = got;
  }
}

/** What a field of a JSON file lacks. @throws TokenizerModelError */
export function failField(code: string, file: string, field: string, expected: string, got: string | number): never {
  const message = printable(`${file}: ${field}: expected ${expected}, got ${got}`);
  throw new TokenizerModelError({ code, file, field, expected, got, message });
}
