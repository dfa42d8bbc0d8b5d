// What goes wrong between a name and a file.

import { isError, printable } from "@ll/bytes";

export type HubErrorCode =
  /** No name of a model. */
  | "E_NAME"
  /** The repository is missing, private or gated, or the token is not good for it. */
  | "E_ACCESS"
  /** There is no such revision or file. */
  | "E_NOT_FOUND"
  /** Several models would do. */
  | "E_CHOICE"
  /** The server answers with something else than the hub does. */
  | "E_ANSWER"
  /** Too many requests, or a server that fails, also after several attempts. */
  | "E_BUSY"
  /** Nothing may be asked, and the file is not there. */
  | "E_OFFLINE"
  /** What was downloaded is not what the hub states. */
  | "E_HASH";

export interface HubErrorFields {
  readonly code: HubErrorCode;
  readonly message: string;
  readonly hint?: string | undefined;
  /** Without query, and without a password. */
  readonly url?: string | undefined;
  readonly status?: number | undefined;
  /** `X-Request-Id` of the answer: whoever runs the server can look it up. */
  readonly requestId?: string | undefined;
  /** Files to choose from. */
  readonly files?: readonly string[] | undefined;
  /** How long the server wants no more requests. */
  readonly waitMs?: number | undefined;
  readonly cause?: unknown;
}

const MARK = Symbol.for("@ll/HubError");
const MESSAGE_CHARS = 2048;

export class HubError extends Error {
  override readonly name: string = "HubError";
  readonly code: HubErrorCode;
  readonly url: string | undefined;
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  readonly files: readonly string[];
  readonly hint: string | undefined;
  readonly waitMs: number | undefined;

  constructor({ code, message, hint, url, status, requestId, files = [], waitMs, cause }: HubErrorFields) {
    const request = requestId === undefined ? "" : ` (request ${requestId})`;
    const text = `${message}${request}${hint === undefined ? "" : `; ${hint}`}`;
    super(printable(text, MESSAGE_CHARS), cause === undefined ? undefined : { cause });
    Object.defineProperty(this, MARK, { value: true });
    this.code = code;
    this.url = url;
    this.status = status;
    this.requestId = requestId;
    this.files = files;
    this.hint = hint;
    this.waitMs = waitMs;
  }
}

/** True for a `HubError` of any installed copy; with `code`, only for that code. */
export function isHubError(error: unknown, code?: HubErrorCode): error is HubError {
  const isHub = isError(error) && (error as unknown as Record<symbol, unknown>)[MARK] === true;
  return isHub && (code === undefined || (error as HubError).code === code);
}
