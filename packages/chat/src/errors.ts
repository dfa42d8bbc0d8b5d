// What an answer can fail with, beside the errors of files and of the engine.

import { isError } from "@ll/bytes";

export type AnswerErrorCode =
  /** The limit of tokens came before the end of the JSON value. */
  | "E_CUT"
  /** What was generated is not what the schema asks for. */
  | "E_INVALID"
  /** The model was disposed of. */
  | "E_DISPOSED"
  /** The engine failed; `cause` says how. */
  | "E_ENGINE"
  /** As many answers as may wait do. */
  | "E_OVERLOADED"
  /** The answer waited for as long as one may. */
  | "E_QUEUE_TIMEOUT"
  /** `cancel()` was called, or a loop over the answer was left. */
  | "E_CANCELLED";

export class AnswerError extends Error {
  override readonly name: string = "AnswerError";
  readonly code: AnswerErrorCode;

  constructor(code: AnswerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** True for an `AnswerError` of any installed copy of this package; with `code`, only for that code. */
export function isAnswerError(error: unknown, code?: AnswerErrorCode): error is AnswerError {
  if (!isError(error) || (error as Error).name !== "AnswerError") return false;
  return code === undefined || (error as AnswerError).code === code;
}

export function disposed(): AnswerError {
  return new AnswerError("E_DISPOSED", "the model was disposed of");
}
