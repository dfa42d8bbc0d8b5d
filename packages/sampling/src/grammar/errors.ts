// What can be wrong with a grammar, with a JSON schema that should become one, and with a text that should follow one.

/** The contract of `GrammarError`; the message is for people. */
export type GrammarErrorCode =
  /** The text is no grammar; the message is word for word that of llama.cpp. */
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

/** A grammar, or a schema, that cannot be used. */
export class GrammarError extends Error {
  override readonly name: string = "GrammarError";
  readonly code: GrammarErrorCode;
  readonly offset: number | undefined;
  readonly field: string | undefined;

  constructor(fields: GrammarErrorFields) {
    super(fields.message);
    this.code = fields.code;
    this.offset = fields.offset;
    this.field = fields.field;
  }
}

/** True for a `GrammarError` of any installed copy of this package; with `code`, only for that code. */
export function isGrammarError(error: unknown, code?: GrammarErrorCode): error is GrammarError {
  const isOne = error instanceof Error && error.name === "GrammarError" && "code" in error;
  return isOne && (code === undefined || error.code === code);
}
