// A JSON reader that walks over bytes and hands out one value at a time: nothing is built for what nobody asks for.
// Unlike JSON.parse it finds duplicate keys, keeps the digits of numbers and knows the offset of everything.

import { type BudgetOptions, headerBudget } from "@ll/bytes";
import { CheckpointError } from "./errors.ts";
import { JsonCursor, type JsonErrorValues } from "./json-cursor.ts";

export type JsonKind = "object" | "array" | "string" | "number" | "boolean" | "null";

/** A value just read. Of an object or array, which was skipped, only the kind is known. */
export type JsonValue =
  | { readonly kind: "string"; readonly text: string }
  | { readonly kind: "number"; readonly digits: string }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "object" | "array" | "null" };

export interface JsonReaderOptions extends BudgetOptions {
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

/** First byte → what begins with it. Anything else must be a number. */
const KINDS: ReadonlyMap<number | undefined, JsonKind> = new Map([
  [0x7b, "object"],
  [0x5b, "array"],
  [0x22, "string"],
  [0x74, "boolean"],
  [0x66, "boolean"],
  [0x6e, "null"],
]);

const WORDS: readonly (readonly [word: string, value: JsonValue])[] = [
  ["true", { kind: "boolean", value: true }],
  ["false", { kind: "boolean", value: false }],
  ["null", { kind: "null" }],
];

/** Every method reads at the current position and moves past what it read; all throw `E_JSON` on bad syntax. */
export class JsonReader {
  readonly #cursor: JsonCursor;
  readonly #options: JsonReaderOptions;
  /** Objects and arrays being walked through now. */
  #depth = 0;
  /** Position of the first byte of the value or key read last. */
  #start = 0;

  constructor(bytes: Uint8Array, options: JsonReaderOptions) {
    const budget = options.budget ?? headerBudget(bytes.length, options.file, CheckpointError);
    this.#cursor = new JsonCursor(bytes, options.file, options.baseOffset ?? 0, budget);
    this.#options = options;
  }

  /** Kind of the next value, judged by its first byte. */
  peek(): JsonKind {
    const byte = this.#cursor.next();
    this.#start = this.#cursor.position;
    return KINDS.get(byte) ?? "number";
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
        return { kind, text: this.#cursor.string() };
      case "number":
        return { kind, digits: this.#cursor.number() };
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
    if (!this.#cursor.accept("}")) {
      do {
        const key = this.#key();
        if (seen.has(key)) {
          throw this.error("E_DUP", `key "${key}" occurs twice`, { field: key, expected: "once", got: "twice" });
        }
        if (this.#options.forbiddenKeys?.has(key)) {
          throw this.error("E_FIELD", `key "${key}" is not allowed`, { field: key, expected: "another key", got: key });
        }
        seen.add(key);
        onMember(key);
      } while (this.#cursor.accept(","));
      this.#cursor.expect("}");
    }
    this.#depth--;
  }

  /** Walks through the array that starts here; `onItem` must read each item exactly once. */
  array(onItem: (index: number) => void): void {
    this.#open("[");
    let index = 0;
    if (!this.#cursor.accept("]")) {
      do onItem(index++);
      while (this.#cursor.accept(","));
      this.#cursor.expect("]");
    }
    this.#depth--;
  }

  /** Asserts that only white space is left. */
  end(): void {
    if (this.#cursor.next() !== undefined) this.#cursor.fail("end of text expected");
  }

  /** An error at the value or key read last; the caller throws it. */
  error(code: string, message: string, values: JsonErrorValues): CheckpointError {
    return this.#cursor.errorAt(this.#start, code, message, values);
  }

  #open(bracket: string): void {
    this.#cursor.expect(bracket);
    this.#assertDepth(++this.#depth);
  }

  /** A key and its colon. */
  #key(): string {
    this.#cursor.next();
    const start = this.#cursor.position;
    const key = this.#cursor.string();
    this.#cursor.expect(":");
    this.#start = start;
    return key;
  }

  #assertDepth(depth: number): void {
    const { maxDepth, depthCode } = this.#options;
    if (depth > maxDepth) {
      const limits = { field: "json", expected: `at most ${maxDepth}`, got: depth };
      throw this.#cursor.errorAt(this.#cursor.position, depthCode, "nested too deeply", limits);
    }
  }

  /** Checks the syntax of an object or array without building anything and without recursion. */
  #skipNested(): void {
    const start = this.#start;
    const closers: string[] = []; // of the brackets that are open, outermost first
    do {
      // here a value begins
      if (this.#cursor.accept("{")) {
        closers.push("}");
      } else if (this.#cursor.accept("[")) {
        closers.push("]");
      } else {
        this.read();
      }
      this.#assertDepth(this.#depth + closers.length);
      this.#toNextValue(closers);
    } while (closers.length > 0);
    this.#start = start;
  }

  /** Moves over closing brackets, commas and keys to where the next value begins, or past the outermost bracket. */
  #toNextValue(closers: string[]): void {
    // right after an opening bracket no comma is due
    let isFirst = this.#cursor.previous === 0x7b || this.#cursor.previous === 0x5b;
    for (let closer = closers.at(-1); closer !== undefined; closer = closers.at(-1)) {
      if (!this.#cursor.accept(closer)) {
        if (!isFirst) this.#cursor.expect(",");
        if (closer === "}") this.#key();
        return;
      }
      closers.pop();
      isFirst = false;
    }
  }

  #word(): JsonValue {
    const found = WORDS.find(([word]) => this.#cursor.acceptWord(word));
    return found === undefined ? this.#cursor.fail("a value expected") : found[1];
  }
}
