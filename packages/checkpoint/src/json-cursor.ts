// The words of JSON (RFC 8259) over bytes: white space, punctuation, strings, numbers, and where in the text they are.
// `json-reader.ts` puts them together.

import type { Budget } from "@ll/bytes";
import { CheckpointError } from "./errors.ts";

/** What an error says beside its message. */
export interface JsonErrorValues {
  readonly field: string;
  readonly expected: string | number;
  readonly got: string | number;
  /** What to do about it. */
  readonly hint?: string | undefined;
}

/** A number is copied as it is written; one of more characters than this is none that anybody means. */
const NUMBER_CHARS = 1000;
const NUMBER_BYTES = new Set(Array.from("+-.0123456789eE", (character) => character.charCodeAt(0)));
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
/** Characters that may follow a backslash, but for `u`. */
const ESCAPED = new Set(Array.from('"\\/bfnrt', (character) => character.charCodeAt(0)));
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
// a byte order mark must stay visible: JSON does not allow one
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export class JsonCursor {
  readonly #bytes: Uint8Array;
  readonly #file: string | undefined;
  readonly #baseOffset: number;
  readonly #budget: Budget;
  /** Index of the next byte. */
  position = 0;

  /** `baseOffset` is the offset of `bytes[0]` in the file, for errors. The budget is charged for texts and a step for each word. */
  constructor(bytes: Uint8Array, file: string | undefined, baseOffset: number, budget: Budget) {
    this.#bytes = bytes;
    this.#file = file;
    this.#baseOffset = baseOffset;
    this.#budget = budget;
  }

  /** The next byte that is not white space; undefined at the end. */
  next(): number | undefined {
    for (;;) {
      const byte = this.#bytes[this.position];
      if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d) return byte;
      this.position++;
    }
  }

  /** The byte just passed. */
  get previous(): number | undefined {
    return this.#bytes[this.position - 1];
  }

  /** Steps over one character of punctuation, if it comes next. */
  accept(character: string): boolean {
    if (this.next() !== character.charCodeAt(0)) return false;
    this.#step();
    this.position++;
    return true;
  }

  expect(character: string): void {
    if (!this.accept(character)) this.fail(`"${character}" expected`);
  }

  /** Steps over a word such as `true`, if it comes next. */
  acceptWord(word: string): boolean {
    for (let i = 0; i < word.length; i++) {
      if (this.#bytes[this.position + i] !== word.charCodeAt(i)) return false;
    }
    this.#step();
    this.position += word.length;
    return true;
  }

  /** The characters of a number. */
  number(): string {
    this.#step();
    let end = this.position;
    while (NUMBER_BYTES.has(this.#bytes[end] as number)) end++;
    const isShort = end - this.position <= NUMBER_CHARS;
    const digits = isShort ? utf8.decode(this.#bytes.subarray(this.position, end)) : "";
    if (!NUMBER.test(digits)) this.fail("a value expected");
    this.position = end;
    return digits;
  }

  /** The text of a string, escapes resolved. @throws `E_JSON`; `E_UTF8` for what is no Unicode text. */
  string(): string {
    this.#step();
    if (this.next() !== QUOTE) this.fail('a text in "…" expected');
    const open = this.position;
    let hasEscapes = false;
    for (this.position++; ; ) {
      const byte = this.#bytes[this.position];
      if (byte === undefined || byte < 0x20) return this.fail("the end of a string expected");
      this.position++;
      if (byte === QUOTE) break;
      if (byte !== BACKSLASH) continue;
      this.#escape();
      hasEscapes = true;
    }
    const written = this.#decode(open, this.position);
    // what was put together here, escape by escape, would stay in memory as that many pieces
    const text = hasEscapes ? (JSON.parse(written) as string) : written.slice(1, -1);
    if (!text.isWellFormed()) {
      const values = { field: "json", expected: "Unicode text", got: "a lone surrogate" };
      throw this.errorAt(open, "E_UTF8", "lone surrogate in a string", values);
    }
    this.#budget.takeBytes(this.position - open, "json", this.#baseOffset + open);
    return text;
  }

  #step(): void {
    this.#budget.takeSteps(1, "json", this.#baseOffset + this.position);
  }

  #decode(start: number, end: number): string {
    try {
      return utf8.decode(this.#bytes.subarray(start, end));
    } catch {
      const values = { field: "json", expected: "UTF-8", got: "other bytes" };
      throw this.errorAt(start, "E_UTF8", "a string is not UTF-8", values);
    }
  }

  /** Steps over what follows a backslash. */
  #escape(): void {
    this.#step();
    if (ESCAPED.has(this.#bytes[this.position] ?? 0)) {
      this.position++;
      return;
    }
    const code = String.fromCharCode(...this.#bytes.subarray(this.position, this.position + 5));
    if (!/^u[0-9a-fA-F]{4}$/.test(code)) this.fail("an escape expected");
    this.position += 5;
  }

  /** @throws `E_JSON` at the next byte. */
  fail(expected: string): never {
    const byte = this.#bytes[this.position];
    const got = byte === undefined ? "end of text" : `byte 0x${byte.toString(16).padStart(2, "0")}`;
    const values = { field: "json", expected, got };
    throw this.errorAt(this.position, "E_JSON", `not JSON: ${expected}, got ${got}`, values);
  }

  /** An error that says line and column, for people, and the offset; the caller throws it. */
  errorAt(position: number, code: string, message: string, values: JsonErrorValues): CheckpointError {
    let line = 1;
    let lineStart = 0;
    for (let i = 0; i < position; i++) {
      if (this.#bytes[i] === 0x0a) {
        line++;
        lineStart = i + 1;
      }
    }
    return new CheckpointError({
      code,
      file: this.#file,
      offset: this.#baseOffset + position,
      message: `${message} at line ${line}, column ${position - lineStart + 1}`,
      ...values,
    });
  }
}
