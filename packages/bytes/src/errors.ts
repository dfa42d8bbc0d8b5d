// Typed errors of every reader and writer (what was found, where, and what was expected), and of workers that die.
// `code` is the contract; the message is for people.

import { isError } from "./arguments.ts";

/** Where a file went wrong. Every field that is known is set. */
export interface FormatErrorFields {
  /** Stable identifier such as `E_MAGIC` or `E_TRUNC`. */
  readonly code: string;
  /** Name of the byte source, usually a path. */
  readonly file?: string | undefined;
  /** Byte offset from the start of the file. */
  readonly offset?: number | undefined;
  /** Path of the field inside the format, such as `vocab[12].len`. */
  readonly field?: string | undefined;
  readonly expected?: string | number | undefined;
  readonly got?: string | number | undefined;
  /** One sentence that says what was found; a location is appended to it. */
  readonly message: string;
  /** What to do about it, such as the tool that takes this file; ends the message. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

const FORMAT_ERROR = Symbol.for("@ll/FormatError");
const IO_ERROR = Symbol.for("@ll/IoError");
const WORKER_ERROR = Symbol.for("@ll/WorkerError");

/** Longest message an error carries, in characters. */
const MESSAGE_CHARS = 512;
/** Longest file name in a message: a path may have 4096 bytes, and must not push out what happened. */
const FILE_CHARS = 200;

/** A file that is not what its format promises. Packages derive their own class from it. */
export class FormatError extends Error {
  override readonly name: string = "FormatError";
  readonly code: string;
  readonly file: string | undefined;
  readonly offset: number | undefined;
  readonly field: string | undefined;
  readonly expected: string | number | undefined;
  readonly got: string | number | undefined;
  /** What was found, without file, location and hint. */
  readonly summary: string;
  readonly hint: string | undefined;

  constructor(fields: FormatErrorFields) {
    super(describe(fields), fields.cause === undefined ? undefined : { cause: fields.cause });
    this.code = fields.code;
    this.file = fields.file;
    this.offset = fields.offset;
    this.field = fields.field;
    this.expected = fields.expected;
    this.got = fields.got;
    this.summary = printable(fields.message, MESSAGE_CHARS);
    this.hint = fields.hint;
    Object.defineProperty(this, FORMAT_ERROR, { value: true });
  }
}

/** A constructor of `FormatError` or of a class derived from it. */
export type FormatErrorClass = new (fields: FormatErrorFields) => FormatError;

/** The environment failed: a path, a disk, a permission. `cause` holds the runtime's own error where there is one. */
export class IoError extends Error {
  override readonly name: string = "IoError";
  /** `E_IO`, `E_NOSPACE`, `E_CHANGED`, `E_SAME_FILE`, `E_EXISTS` or `E_TIMEOUT`. */
  readonly code: string;
  readonly file: string | undefined;
  /** Whether the same might succeed a little later: a connection that was cut or refused, a server that was slow. */
  readonly mayPass: boolean;

  constructor(fields: { code: string; file?: string; message: string; mayPass?: boolean; cause?: unknown }) {
    super(printable(fields.message, MESSAGE_CHARS), fields.cause === undefined ? undefined : { cause: fields.cause });
    this.code = fields.code;
    this.file = fields.file;
    this.mayPass = fields.mayPass ?? false;
    Object.defineProperty(this, IO_ERROR, { value: true });
  }
}

/**
 * A worker could not be started, or died. The model that it was part of must be loaded again; the file that it was packing is not
 * whole.
 */
export class WorkerError extends Error {
  override readonly name: string = "WorkerError";
  readonly code = "E_WORKER";
  /** Address of the script of a worker that could not be started. */
  readonly url: string | undefined;

  constructor(message: string, cause?: unknown, url?: string) {
    super(message, cause === undefined ? undefined : { cause });
    this.url = url;
    Object.defineProperty(this, WORKER_ERROR, { value: true });
  }
}

/** True for a `FormatError` of any package and any installed copy; with `code`, only for that code. */
export function isFormatError(error: unknown, code?: string): error is FormatError {
  return isMarked(error, FORMAT_ERROR) && (code === undefined || (error as FormatError).code === code);
}

/** True for an `IoError` of any installed copy; with `code`, only for that code. */
export function isIoError(error: unknown, code?: string): error is IoError {
  return isMarked(error, IO_ERROR) && (code === undefined || (error as IoError).code === code);
}

/** True for a `WorkerError` of any installed copy. */
export function isWorkerError(error: unknown): error is WorkerError {
  return isMarked(error, WORKER_ERROR);
}

function isMarked(error: unknown, mark: symbol): boolean {
  return isError(error) && (error as unknown as Record<symbol, unknown>)[mark] === true;
}

function describe(fields: FormatErrorFields): string {
  const where = [
    fields.field === undefined ? "" : `field ${fields.field}`,
    fields.offset === undefined ? "" : `byte ${fields.offset}`,
  ].filter((part) => part !== "");
  const place = where.length === 0 ? "" : ` (${where.join(", ")})`;
  const file = fields.file === undefined ? "" : `${printable(fields.file, FILE_CHARS)}: `;
  const hint = fields.hint === undefined ? "" : `; ${fields.hint}`;
  return printable(`${file}${fields.message}${place}${hint}`, MESSAGE_CHARS);
}

/**
 * Text from a file or a command line, made safe to show: control characters, lone surrogates and bidirectional
 * overrides become escapes such as `\x1b`, and anything longer than `maxChars` is cut with `…`.
 */
export function printable(text: string, maxChars = 128): string {
  let out = "";
  let fitting = ""; // the longest beginning of out that leaves room for the ellipsis
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    out += isUnsafe(code) ? escapeCode(code) : character;
    if (out.length > maxChars) return `${fitting}…`;
    if (out.length < maxChars) fitting = out;
  }
  return out;
}

function isUnsafe(code: number): boolean {
  return (
    code < 0x20 ||
    (code >= 0x7f && code < 0xa0) ||
    (code >= 0xd800 && code < 0xe000) ||
    code === 0x061c ||
    code === 0x200e ||
    code === 0x200f ||
    code === 0x2028 ||
    code === 0x2029 ||
    (code >= 0x202a && code <= 0x202e) ||
    (code >= 0x2066 && code <= 0x2069)
  );
}

function escapeCode(code: number): string {
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
}

/**
 * What `make` makes, an array or a memory whose size comes from a file or a request:
 * `allocate("the logits", () => new Float32Array(n))`.
 * @throws IoError `E_NOMEM` that says what it was for, where engines throw a RangeError that only its wording tells from others
 */
export function allocate<T>(purpose: string, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw new IoError({ code: "E_NOMEM", message: `no memory for ${purpose}`, cause });
  }
}
