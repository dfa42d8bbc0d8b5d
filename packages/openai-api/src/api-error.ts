// What a request can be refused with, in OpenAI's shape.

import type { Response as HttpResponse } from "@ll/bytes";
import { isAnswerError } from "@ll/chat";
import { isGrammarError } from "@ll/sampling";

/** Statuses and the `type` of their errors. */
const TYPES = {
  400: "invalid_request_error",
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  405: "invalid_request_error",
  408: "invalid_request_error",
  413: "invalid_request_error",
  414: "invalid_request_error",
  415: "invalid_request_error",
  429: "rate_limit_error",
  431: "invalid_request_error",
  500: "server_error",
  503: "overloaded_error",
} as const;

export type ErrorStatus = keyof typeof TYPES;

export interface ApiErrorFields {
  readonly status: ErrorStatus;
  readonly code: string;
  /** What, where, what to do. */
  readonly message: string;
  /** Where in the request: `messages[3].content`. */
  readonly param?: string | undefined;
  /** Further members of the error object. */
  readonly details?: Readonly<Record<string, number | string>> | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** An answer that is an error. */
export class ApiError extends Error {
  override readonly name: string = "ApiError";
  readonly status: ErrorStatus;
  readonly code: string;
  readonly param: string | undefined;
  readonly details: Readonly<Record<string, number | string>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor({ status, code, message, param, details = {}, headers = {} }: ApiErrorFields) {
    super(message);
    this.status = status;
    this.code = code;
    this.param = param;
    this.details = details;
    this.headers = headers;
  }

  /** `{"error":{…}}`, as an answer has it and an event of a stream. */
  toJSON(): { readonly error: Readonly<Record<string, unknown>> } {
    const { message, param = null, code, status, details } = this;
    return { error: { message, type: TYPES[status], param, code, ...details } };
  }

  toResponse(): HttpResponse {
    const headers = { "content-type": "application/json", ...this.headers };
    return new Response(JSON.stringify(this), { status: this.status, headers });
  }
}

export function invalidValue(param: string, message: string): ApiError {
  return new ApiError({ status: 400, code: "invalid_value", param, message: `${param}: ${message}` });
}

export function unsupported(param: string, message: string): ApiError {
  return new ApiError({ status: 400, code: "unsupported_parameter", param, message: `${param}: ${message}` });
}

/** The names of options that checks of libraries begin with: `"topP" expected …`. */
const GUARD = /^"(\w+)" expected /;

/**
 * What went wrong as an answer; undefined for what nobody foresaw.
 * @param prompt name of the field that the prompt comes from
 * @param retryMs when a place may be free, for whoever found none
 */
export function apiErrorOf(error: unknown, prompt: string, retryMs: number): ApiError | undefined {
  if (error instanceof ApiError) return error;
  if (!(error instanceof Error)) return undefined;
  const { message } = error;
  if (error.name === "ContextOverflowError") {
    const { nTokens, contextTokens } = error as Error & { readonly nTokens: number; readonly contextTokens: number };
    return new ApiError({
      status: 400,
      code: "context_length_exceeded",
      param: prompt,
      message: `The prompt has ${nTokens} tokens and the context ${contextTokens}: send fewer, or open the model with a larger context (prompt ${nTokens} tokens, context ${contextTokens})`,
      details: { n_prompt_tokens: nTokens, n_ctx: contextTokens },
    });
  }
  if (error.name === "TemplateError") return invalidValue(prompt, message); // the template refuses the conversation
  if (isGrammarError(error)) {
    const isSchema = isGrammarError(error, "E_SCHEMA");
    const code = isSchema ? "invalid_schema" : "invalid_grammar";
    return new ApiError({ status: 400, code, param: (isSchema && error.field) || undefined, message });
  }
  if (isAnswerError(error, "E_DISPOSED")) {
    return new ApiError({ status: 503, code: "draining", message: "The model is being closed; ask another server" });
  }
  if (isAnswerError(error, "E_OVERLOADED") || isAnswerError(error, "E_QUEUE_TIMEOUT")) {
    const code = error.code === "E_OVERLOADED" ? "overloaded" : "queue_timeout";
    const headers = { "retry-after": String(Math.ceil(retryMs / 1000)), "retry-after-ms": String(Math.ceil(retryMs)) };
    const wait = `try again in ${Math.ceil(retryMs / 1000)} s`;
    return new ApiError({ status: 503, code, message: `${message}; ${wait}`, headers });
  }
  if (isAnswerError(error, "E_ENGINE") || error.name === "MemoryError") {
    return new ApiError({ status: 500, code: "engine_failed", message });
  }
  const [, option] = (error instanceof TypeError || error instanceof RangeError ? GUARD.exec(message) : null) ?? [];
  if (option === undefined) return undefined;
  const param = option.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return option === "toolChoice" ? unsupported(param, message) : invalidValue(param, message);
}

/** @param allow the methods that the path takes: "GET, HEAD" */
export function methodNotAllowed(allow: string): ApiError {
  const message = `This path takes ${allow}`;
  return new ApiError({ status: 405, code: "method_not_allowed", message, headers: { allow } });
}
