// Walks over JSON (RFC 8259) without building values: a vocabulary has half a million texts, and what is asked for goes into arrays.

import { type Budget, printable } from "@ll/bytes";
import { TokenizerModelError } from "./errors.ts";
import { assertNoPlaceholder } from "./model-magic.ts";
import { isUtf8 } from "./normalize.ts";

/** Objects and arrays inside one another. Tokenizers have about 6. */
const MAX_DEPTH = 32;
/** Bytes of a part that becomes a value of JavaScript, for which these take many times as much. */
const MAX_VALUE_BYTES = 4 * 1024 * 1024;

/** Bytes of a key that becomes a text. */
const MAX_KEY_BYTES = 256;

/** Bytes that a member takes in a map: its key, and where its value is. */
const MEMBER_BYTES = 160;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ESCAPES: Readonly<Record<string, number>> = { b: 8, f: 12, n: 10, r: 13, t: 9, '"': 34, "\\": 92, "/": 47 };

/** Where a value is: `bytes[start, end)`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export class JsonScanner {
  readonly bytes: Uint8Array;
  readonly #file: string | undefined;
  readonly #budget: Budget;
  at = 0;

  /** @throws TokenizerModelError `E_UTF8`; `E_MAGIC` for a web page or a pointer of Git LFS */
  constructor(bytes: Uint8Array, file: string | undefined, budget: Budget) {
    this.bytes = bytes;
    this.#file = file;
    this.#budget = budget;
    assertNoPlaceholder(bytes, file);
    if (!isUtf8(bytes)) throw this.error("E_UTF8", "json", "UTF-8", "other bytes");
  }

  /** Calls `take` with each key of the object that starts here; it must move past the value. */
  object(take: (key: string) => void): void {
    this.#members(() => take(this.#key()));
  }

  /** As `object`, with the place of each key in `names`, -1 for any other: no text is made of it. */
  objectOf(names: readonly string[], take: (name: number) => void): void {
    this.#members(() => take(this.#nameOf(names)));
  }

  #members(take: () => void): void {
    this.expect("{");
    if (this.accept("}")) return;
    do take();
    while (this.accept(","));
    this.expect("}");
  }

  #key(): string {
    this.space();
    const start = this.at;
    const length = this.skipText();
    if (length > MAX_KEY_BYTES) throw this.error("E_LIMIT", "json", `keys of at most ${MAX_KEY_BYTES} bytes`, length);
    const text = new Uint8Array(length);
    this.at = start;
    const key = new TextDecoder("utf-8", { ignoreBOM: true }).decode(text.subarray(0, this.writeText(text, 0)));
    this.expect(":");
    return key;
  }

  #nameOf(names: readonly string[]): number {
    this.space();
    const start = this.at;
    const length = this.skipText();
    const name = names.findIndex((one) => one.length === length && this.#isAt(start + 1, one));
    if (name < 0 && this.bytes.subarray(start, this.at).includes(BACKSLASH)) {
      this.at = start;
      return names.indexOf(this.#key());
    }
    this.expect(":");
    return name;
  }

  /** Whether this ASCII text is there. */
  #isAt(at: number, text: string): boolean {
    for (let i = 0; i < text.length; i++) if (this.bytes[at + i] !== text.charCodeAt(i)) return false;
    return true;
  }

  /**
   * Where each member of the object that starts here is.
   * @throws TokenizerModelError `E_DUP`; `E_LIMIT` for more of them than such files have
   */
  members(): Map<string, Span> {
    const spans = new Map<string, Span>();
    this.object((key) => {
      if (spans.has(key)) throw this.error("E_DUP", key, "once", "twice");
      this.#budget.takeBytes(MEMBER_BYTES, "json", this.at);
      spans.set(key, this.skip());
    });
    return spans;
  }

  /** Calls `take` for each item of the array that starts here; it must move past the item. */
  array(take: (index: number) => void): void {
    this.expect("[");
    if (this.accept("]")) return;
    let index = 0;
    do take(index++);
    while (this.accept(","));
    this.expect("]");
  }

  space(): void {
    const { bytes } = this;
    let at = this.at;
    for (let byte = bytes[at] ?? QUOTE; byte <= 0x20; byte = bytes[++at] ?? QUOTE) {
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
    }
    this.at = at;
  }

  accept(character: string): boolean {
    this.space();
    if (this.bytes[this.at] !== character.charCodeAt(0)) return false;
    this.at++;
    return true;
  }

  expect(character: string): void {
    if (!this.accept(character)) throw this.#unexpected(`"${character}"`);
  }

  /** Moves past the text that starts here; gives the bytes that it has at most. */
  skipText(): number {
    this.space();
    if (this.bytes[this.at] !== QUOTE) throw this.#unexpected("a text");
    const { bytes } = this;
    const start = this.at + 1;
    for (let at = start; ; at++) {
      const byte = bytes[at] ?? 0;
      if (byte === QUOTE) {
        this.at = at + 1;
        return at - start;
      }
      if (byte === BACKSLASH) at++;
      else if (byte < 0x20) {
        this.at = at;
        throw this.#unexpected("the end of a text");
      }
    }
  }

  /** Writes the text that starts here to `out`; gives the place behind it. */
  writeText(out: Uint8Array, from: number): number {
    this.space();
    if (this.bytes[this.at] !== QUOTE) throw this.#unexpected("a text");
    let length = from;
    for (this.at++; ; ) {
      const byte = this.bytes[this.at];
      if (byte === undefined || byte < 0x20) throw this.#unexpected("the end of a text");
      this.at++;
      if (byte === QUOTE) return length;
      if (byte !== BACKSLASH) {
        out[length++] = byte;
        continue;
      }
      const letter = String.fromCharCode(this.bytes[this.at++] ?? 0);
      let code = ESCAPES[letter];
      if (letter === "u") {
        code = this.#unit();
        if (code >= 0xd800 && code < 0xdc00 && this.bytes[this.at] === BACKSLASH && this.bytes[this.at + 1] === 0x75) {
          this.at += 2;
          const low = this.#unit();
          code = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00) : -1;
        }
        if (code < 0 || (code >= 0xd800 && code < 0xe000))
          throw this.error("E_UTF8", "json", "Unicode text", "a lone surrogate");
      }
      if (code === undefined) throw this.#unexpected("an escape");
      length += new TextEncoder().encodeInto(String.fromCodePoint(code), out.subarray(length)).written;
    }
  }

  #unit(): number {
    const digits = String.fromCharCode(...this.bytes.subarray(this.at, this.at + 4));
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw this.#unexpected("four digits");
    this.at += 4;
    return Number.parseInt(digits, 16);
  }

  /** A whole number that is not negative. */
  integer(field: string): number {
    this.space();
    const start = this.at;
    let value = 0;
    for (; this.at - start < 10; this.at++) {
      const digit = (this.bytes[this.at] ?? 0) - 0x30;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    const next = this.bytes[this.at] ?? 0;
    const isMore = (next >= 0x30 && next <= 0x39) || next === 0x2e || next === 0x65 || next === 0x45;
    if (this.at === start || isMore) throw this.error("E_FIELD", field, "a whole number", "something else");
    return value;
  }

  /** Moves past any value, checking how it is put together. */
  skip(): Span {
    this.space();
    const start = this.at;
    const closers: number[] = [];
    for (;;) {
      this.space();
      const byte = this.bytes[this.at];
      if (byte === 0x7b || byte === 0x5b) {
        this.at++;
        closers.push(byte + 2);
        if (closers.length > MAX_DEPTH) throw this.error("E_LIMIT", "json", `at most ${MAX_DEPTH} levels`, "more");
        if (!this.#closes(closers)) {
          if (byte === 0x7b) this.#skipKey();
          continue;
        }
      } else if (byte === QUOTE) this.skipText();
      else this.#skipWord();
      for (;;) {
        if (closers.length === 0) return { start, end: this.at };
        if (this.accept(",")) {
          if (closers.at(-1) === 0x7d) this.#skipKey();
          break;
        }
        if (!this.#closes(closers)) throw this.#unexpected("a comma or the end of a list");
      }
    }
  }

  #closes(closers: number[]): boolean {
    this.space();
    if (this.bytes[this.at] !== closers.at(-1)) return false;
    closers.pop();
    this.at++;
    return true;
  }

  #skipKey(): void {
    this.skipText();
    this.expect(":");
  }

  /** Past a number, true, false or null. Nearly all are ids or names, which are told without a regular expression. */
  #skipWord(): void {
    const { bytes, at } = this;
    let end = at;
    let isDigits = true;
    for (; end - at < MAX_WORD_BYTES; end++) {
      const byte = bytes[end] ?? 0;
      if (byte >= 0x30 && byte <= 0x39) continue;
      if (!isWordByte(byte)) break;
      isDigits = false;
    }
    const isId = isDigits && end > at && (bytes[at] !== 0x30 || end === at + 1);
    const name = NAMES[bytes[at] ?? 0];
    const isName = name !== undefined && end === at + name.length && this.#isAt(at, name);
    if (!isId && !isName && !WORD.test(String.fromCharCode(...bytes.subarray(at, end))))
      throw this.#unexpected("a value");
    this.at = end;
  }

  /** The value of a part. @throws TokenizerModelError `E_LIMIT` */
  value({ start, end }: Span, field: string, most: number = MAX_VALUE_BYTES): unknown {
    if (end - start > most) throw this.error("E_LIMIT", field, `at most ${most} bytes`, end - start);
    this.#budget.takeBytes(end - start, field, start);
    try {
      return JSON.parse(new TextDecoder("utf-8", { ignoreBOM: true }).decode(this.bytes.subarray(start, end)));
    } catch {
      throw this.error("E_JSON", field, "JSON", "something else", start);
    } finally {
      this.#budget.releaseBytes(end - start);
    }
  }

  end(): void {
    this.space();
    if (this.at < this.bytes.length) throw this.#unexpected("the end");
  }

  #unexpected(expected: string): TokenizerModelError {
    const byte = this.bytes[this.at];
    const got = byte === undefined ? "the end" : `byte 0x${byte.toString(16).padStart(2, "0")}`;
    return this.error("E_JSON", "json", expected, got);
  }

  error(
    code: string,
    field: string,
    expected: string,
    got: string | number,
    offset: number = this.at,
  ): TokenizerModelError {
    const message = printable(`${field}: expected ${expected}, got ${got}`);
    return new TokenizerModelError({ code, file: this.#file, offset, field, expected, got, message });
  }
}

/** Of a number, as far as one is read. */
const MAX_WORD_BYTES = 40;

/** The words that are no numbers, by their first byte. */
const NAMES: Readonly<Record<number, string>> = { 116: "true", 102: "false", 110: "null" };

const WORD = /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/;

/** A letter, or a sign or a point of a number. */
function isWordByte(byte: number): boolean {
  const lower = byte | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || byte === 0x2b || byte === 0x2d || byte === 0x2e;
}
