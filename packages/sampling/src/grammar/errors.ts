// What can be wrong with a grammar, with a JSON schema that should become one, and with a text that should follow one.

/** The contract of `GrammarError`; the message is for people. */
export type GrammarErrorCode =
  /** The text is no grammar; the message is that of llama.cpp, which ends with the rest of the text. */
  | "E_SYNTAX"
  /** No rule at all. */
  | "E_EMPTY"
  /** Too large, or too ambiguous. */
  | "E_LIMIT"
  /** Parentheses nested too deep. */
  | "E_DEPTH"
  /** No rule `root`. */
  | "E_NO_ROOT"
  /** A rule that can be reached is mentioned and never defined. */
  | "E_UNDEFINED"
  /** A rule can begin with itself. */
  | "E_LEFT_RECURSION"
  /** `*` or `+` behind something that can be empty. */
  | "E_EMPTY_REPETITION"
  /** No token continues the text, or the chosen one does not. */
  | "E_DEAD_END"
  /** A JSON schema that says something this package does not know. */
  | "E_SCHEMA";

export interface GrammarErrorFields {
  readonly code: GrammarErrorCode;
  readonly message: string;
  /** Byte offset in the text of the grammar. */
  readonly offset?: number | undefined;
  /** Name of the rule, or JSON pointer into the schema. */
  readonly field?: string | undefined;
}

/** Longest message, in characters: llama.cpp prints all that is left of a grammar, which may be a mebibyte. */
const MESSAGE_CHARS = 512;

/** A grammar, or a schema, that cannot be used. Its message is safe to print, whatever the grammar holds. */
export class GrammarError extends Error {
  override readonly name: string = "GrammarError";
  readonly code: GrammarErrorCode;
  readonly offset: number | undefined;
  readonly field: string | undefined;

  constructor(fields: GrammarErrorFields) {
    super(shown(fields.message, fields.code === "E_SYNTAX"));
    this.code = fields.code;
    this.offset = fields.offset;
    this.field = fields.field;
  }
}

/** What acts on a terminal instead of being shown: control characters, marks that turn the direction of text, lone surrogates. */
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|\p{Surrogate}/gu;

/** The beginning of a message, with escapes such as `\x1b`; line breaks and tabs are escaped too unless `keepsLines`. */
function shown(message: string, keepsLines: boolean): string {
  const safe = message.slice(0, MESSAGE_CHARS + 1).replace(UNSAFE, (character) => {
    if (keepsLines && (character === "\n" || character === "\t")) return character;
    const code = character.codePointAt(0) as number;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
  return safe.length > MESSAGE_CHARS ? `${safe.slice(0, MESSAGE_CHARS - 1)}…` : safe;
}

/** True for a `GrammarError` of any installed copy of this package; with `code`, only for that code. */
export function isGrammarError(error: unknown, code?: GrammarErrorCode): error is GrammarError {
  // by what it is: an error of another realm has a class of its own
  if (Object.prototype.toString.call(error) !== "[object Error]") return false;
  const { name, code: found } = error as GrammarError;
  return name === "GrammarError" && found !== undefined && (code === undefined || found === code);
}
