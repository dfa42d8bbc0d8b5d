// Errors on their way from a worker: structured cloning keeps neither their class nor their fields.

import { isError } from "./arguments.ts";
import { FormatError, type FormatErrorFields, IoError, isFormatError, isIoError } from "./errors.ts";

/** What is left of an error when a message carries it. */
export interface PlainError {
  readonly kind: "format" | "io" | "other";
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** Its own fields that are texts or numbers. */
  readonly fields: Readonly<Record<string, string | number>>;
}

const NATIVE: ReadonlyMap<string, new (message: string) => Error> = /* @__PURE__ */ new Map([
  ["RangeError", RangeError],
  ["TypeError", TypeError],
  ["SyntaxError", SyntaxError],
]);

export function plainError(error: unknown): PlainError {
  if (!isError(error)) {
    return { kind: "other", name: "Error", message: String(error), stack: undefined, fields: {} };
  }
  const fields = Object.entries(error).filter(([, value]) => typeof value === "string" || typeof value === "number");
  return {
    kind: isFormatError(error) ? "format" : isIoError(error) ? "io" : "other",
    name: error.name,
    message: error.message,
    stack: error.stack,
    fields: Object.fromEntries(fields),
  };
}

/** The error again: class, name, code, fields and the stack of the thread where it was thrown. */
export function errorFrom({ kind, name, message, stack, fields }: PlainError): Error {
  const error = emptyError(kind, name, message, fields);
  // the message of a FormatError has its file and place in it already
  for (const [key, value] of Object.entries({ ...fields, name, message, stack })) {
    if (value === undefined) continue;
    const isEnumerable = key in fields;
    Object.defineProperty(error, key, { value, enumerable: isEnumerable, configurable: true, writable: true });
  }
  return error;
}

function emptyError(kind: PlainError["kind"], name: string, message: string, fields: PlainError["fields"]): Error {
  const { code = "E_IO" } = fields as { code?: string };
  if (kind === "format") return new FormatError({ ...(fields as Partial<FormatErrorFields>), code, message });
  if (kind === "io") return new IoError({ code, message });
  return new (NATIVE.get(name) ?? Error)(message);
}
