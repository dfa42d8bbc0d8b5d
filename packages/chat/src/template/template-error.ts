// What a template that a file carries can fail with.

import { isError, printable } from "@ll/bytes";

export type TemplateErrorCode =
  /** It cannot be read, or what it does is not known here. */
  | "E_TEMPLATE_SYNTAX"
  /** It refuses the conversation; the message is its own. */
  | "E_TEMPLATE_RAISED"
  /** It asks for more than a template may: `limit` says of what. */
  | "E_TEMPLATE_LIMIT"
  /** It is nested too deeply. */
  | "E_TEMPLATE_DEPTH";

export type TemplateLimit = "steps" | "time" | "memory" | "text" | "items" | "range" | "source";

export class TemplateError extends Error {
  override readonly name: string = "TemplateError";
  readonly code: TemplateErrorCode;
  /** Of `E_TEMPLATE_LIMIT`: what there is too much of. */
  readonly limit: TemplateLimit | undefined;

  constructor(
    code: TemplateErrorCode,
    message: string,
    options: ErrorOptions & { readonly limit?: TemplateLimit } = {},
  ) {
    super(printable(message, 400), options);
    this.code = code;
    this.limit = options.limit;
  }
}

/** True for a `TemplateError` of any installed copy of this package; with `code`, only for that code. */
export function isTemplateError(error: unknown, code?: TemplateErrorCode): error is TemplateError {
  if (!isError(error) || (error as Error).name !== "TemplateError") return false;
  return code === undefined || (error as TemplateError).code === code;
}
