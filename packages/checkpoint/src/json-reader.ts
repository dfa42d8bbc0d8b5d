// A JSON reader that walks over bytes and hands out one value at a time: nothing is built for what nobody asks for.
// Unlike JSON.parse it finds duplicate keys, keeps the digits of numbers and knows the offset of everything (RFC 8259).

import { CheckpointError } from "./errors.ts";

export type JsonKind = "object" | "array" | "string" | "number" | "boolean" | "null";

/** A value just read. Of an object or array, which was skipped, only the kind is known. */
export type JsonValue =
  | { readonly kind: "string"; readonly text: string }
  | { readonly kind: "number"; readonly digits: string }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "object" | "array" | "null" };

export interface JsonReaderOptions {
  /** Shown in errors. */
  readonly file?: string | undefined;
  /** Offset of `bytes[0]` in the file. */
  readonly baseOffset?: number;
  readonly maxDepth: number;
  /** Code of the error for deeper nesting. */
  readonly depthCode: string;
  /** Keys that are refused wherever an object is walked through. */
  readonly forbiddenKeys?: ReadonlySet<string>;
}

/** What an error says beside its message. */
export interface JsonErrorValues {
  readonly field: string;
  readonly expected: string | number;
  readonly got: string | number;
}

const WORDS: readonly [string, JsonValue][] = [
  ["true", { kind: "boolean", value: true }],
  ["false", { kind: "boolean", value: false }],
  ["null", { kind: "null" }],
];
const NUMBER_BYTES = new Set(Array.from("+-.0123456789eE", (character) => character.charCodeAt(0)));
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const ESCAPES = new Map([
  ['"', '"'],
  ["\\", "\\"],
  ["/", "/"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Every method reads at the current position and moves past what it read; all throw `E_JSON` on bad syntax. */
export class JsonReader {
  readonly #bytes: Uint8Array;
  readonly #options: JsonReaderOptions;
  #position = 0;
  #depth = 0;
  /** Position of the first byte of the value or key read last. */
  #start = 0;

  constructor(bytes: Uint8Array, options: JsonReaderOptions) {
    this.#bytes = bytes;
    this.#options = options;
  }

  /** Kind of the next value, judged by its first byte. */
  peek(): JsonKind {
    this.#skipSpace();
    this.#start = this.#position;
    switch (this.#bytes[this.#position]) {
      case 0x7b:
        return "object";
      case 0x5b:
        return "array";
      case QUOTE:
        return "string";
      case 0x74:
      case 0x66:
        return "boolean";
      case 0x6e:
        return "null";
      default:
        return "number";
    }
  }

  /** The next value. */
  read(): JsonValue {
    const kind = this.peek();
    switch (kind) {
      case "object":
      case "array":
        this.#skipNested();
        return { kind };
      case "string":
        return { kind, text: this.#string() };
      case "number":
        return { kind, digits: this.#number() };
      default:
        return this.#word();
    }
  }

  /**
   * Walks through the object that starts here; `onMember` must read the value of each key exactly once.
   * @throws `E_DUP` for a key seen before, `E_FIELD` for a forbidden one.
   */
  object(onMember: (key: string) => void): void {
    this.#open("{");
    const seen = new Set<string>();
    if (!this.#accept("}")) {
      do {
        this.#skipSpace();
        this.#start = this.#position;
        if (this.#bytes[this.#position] !== QUOTE) this.#fail('a key in "…" expected');
        const key = this.#string();
        if (seen.has(key)) {
          throw this.error("E_DUP", `key "${key}" occurs twice`, { field: key, expected: "once", got: "twice" });
        }
        if (this.#options.forbiddenKeys?.has(key)) {
          throw this.error("E_FIELD", `key "${key}" is not allowed`, { field: key, expected: "another key", got: key });
        }
        seen.add(key);
        this.#expect(":");
        onMember(key);
      } while (this.#accept(","));
      this.#expect("}");
    }
    this.#depth--;
  }

  /** Walks through the array that starts here; `onItem` must read each item exactly once. */
  array(onItem: (index: number) => void): void {
    this.#open("[");
    let index = 0;
    if (!this.#accept("]")) {
      do onItem(index++);
      while (this.#accept(","));
      this.#expect("]");
    }
    this.#depth--;
  }

  /** Asserts that only white space is left. */
  end(): void {
    this.#skipSpace();
    if (this.#position < this.#bytes.length) this.#fail("end of text expected");
  }

  /** An error at the value or key read last; the caller throws it. */
  error(code: string, message: string, values: JsonErrorValues): CheckpointError {
    return this.#errorAt(this.#start, code, message, values);
  }

  #errorAt(position: number, code: string, message: string, values: JsonErrorValues): CheckpointError {
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
      file: this.#options.file,
      offset: (this.#options.baseOffset ?? 0) + position,
      message: `${message} at line ${line}, column ${position - lineStart + 1}`,
      ...values,
    });
  }

  #fail(expected: string): never {
    const byte = this.#bytes[this.#position];
    const got = byte === undefined ? "end of text" : `byte 0x${byte.toString(16).padStart(2, "0")}`;
    throw this.#errorAt(this.#position, "E_JSON", `not JSON: ${expected}, got ${got}`, {
      field: "json",
      expected,
      got,
    });
  }

  #skipSpace(): void {
    for (;;) {
      const byte = this.#bytes[this.#position];
      if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d) return;
      this.#position++;
    }
  }

  #accept(character: string): boolean {
    this.#skipSpace();
    if (this.#bytes[this.#position] !== character.charCodeAt(0)) return false;
    this.#position++;
    return true;
  }

  #expect(character: string): void {
    if (!this.#accept(character)) this.#fail(`"${character}" expected`);
  }

  #open(bracket: string): void {
    this.#expect(bracket);
    this.#assertDepth(++this.#depth);
  }

  #assertDepth(depth: number): void {
    const { maxDepth, depthCode } = this.#options;
    if (depth > maxDepth) {
      const limits = { field: "json", expected: `at most ${maxDepth}`, got: depth };
      throw this.#errorAt(this.#position, depthCode, "nested too deeply", limits);
    }
  }

  /** Checks the syntax of an object or array without building anything and without recursion. */
  #skipNested(): void {
    const closers: string[] = [];
    do {
      // here a value begins, or an object's first key
      if (this.#accept("{")) {
        closers.push("}");
      } else if (this.#accept("[")) {
        closers.push("]");
      } else {
        this.read();
      }
      this.#assertDepth(this.#depth + closers.length);
      this.#afterValue(closers);
    } while (closers.length > 0);
  }

  /** Moves over closing brackets, commas and keys to where the next value begins, or past the outermost bracket. */
  #afterValue(closers: string[]): void {
    let opened = this.#isAfterBracket();
    while (closers.length > 0) {
      const closer = closers[closers.length - 1] as string;
      if (this.#accept(closer)) {
        closers.pop();
        opened = false;
        continue;
      }
      if (!opened) this.#expect(",");
      if (closer === "}") {
        this.#skipSpace();
        if (this.#bytes[this.#position] !== QUOTE) this.#fail('a key in "…" expected');
        this.#string();
        this.#expect(":");
      }
      return;
    }
  }

  /** True right after an opening bracket, where no comma is due. */
  #isAfterBracket(): boolean {
    const byte = this.#bytes[this.#position - 1];
    return byte === 0x7b || byte === 0x5b;
  }

  #word(): JsonValue {
    for (const [word, value] of WORDS) {
      let i = 0;
      while (i < word.length && this.#bytes[this.#position + i] === word.charCodeAt(i)) i++;
      if (i === word.length) {
        this.#position += i;
        return value;
      }
    }
    return this.#fail("a value expected");
  }

  #number(): string {
    const start = this.#position;
    let end = start;
    while (NUMBER_BYTES.has(this.#bytes[end] as number)) end++;
    // longer than any number that a double or a 64-bit integer needs; also bounds the text built here
    const digits = end - start > 1000 ? "" : String.fromCharCode(...this.#bytes.subarray(start, end));
    if (!NUMBER.test(digits)) this.#fail("a value expected");
    this.#position = end;
    return digits;
  }

  #string(): string {
    const open = this.#position++;
    let text = "";
    let runStart = this.#position;
    for (;;) {
      const byte = this.#bytes[this.#position];
      if (byte === undefined || byte < 0x20) return this.#fail("the end of a string expected");
      if (byte !== QUOTE && byte !== BACKSLASH) {
        this.#position++;
        continue;
      }
      text += this.#decode(runStart, this.#position);
      this.#position++;
      if (byte === QUOTE) break;
      text += this.#escape();
      runStart = this.#position;
    }
    if (!text.isWellFormed()) {
      const values = { field: "json", expected: "Unicode text", got: "a lone surrogate" };
      throw this.#errorAt(open, "E_UTF8", "lone surrogate in a string", values);
    }
    return text;
  }

  #decode(start: number, end: number): string {
    try {
      return utf8.decode(this.#bytes.subarray(start, end));
    } catch {
      const values = { field: "json", expected: "UTF-8", got: "other bytes" };
      throw this.#errorAt(start, "E_UTF8", "a string is not UTF-8", values);
    }
  }

  #escape(): string {
    const character = String.fromCharCode(this.#bytes[this.#position] ?? 0);
    const plain = ESCAPES.get(character);
    if (plain !== undefined) {
      this.#position++;
      return plain;
    }
    const digits = String.fromCharCode(...this.#bytes.subarray(this.#position + 1, this.#position + 5));
    if (character !== "u" || !/^[0-9a-fA-F]{4}$/.test(digits)) this.#fail("an escape expected");
    this.#position += 5;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }
}
