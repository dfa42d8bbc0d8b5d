// The body of a request as JSON: bounded in bytes and in depth, and JSON at all.

import { ApiError, invalidValue } from "./api-error.ts";

/** Arrays and objects within each other. Tools and schemas have a dozen. */
const MAX_DEPTH = 64;

export type JsonObject = Readonly<Record<string, unknown>>;

/** @throws ApiError 400, 413, 415 */
export async function readJsonBody(request: Request, maxBytes: number): Promise<JsonObject> {
  const [type = ""] = (request.headers.get("content-type") ?? "").split(";");
  if (type.trim().toLowerCase() !== "application/json") {
    const message = `content-type: expected application/json, got ${shown(type || "none")}`;
    throw new ApiError({ status: 415, code: "unsupported_media_type", message });
  }
  if ((request.headers.get("content-encoding") ?? "identity").toLowerCase() !== "identity") {
    throw new ApiError({ status: 415, code: "unsupported_media_type", message: "content-encoding: send it as it is" });
  }
  return withoutNulls(jsonObjectOf(await readBytes(request, maxBytes), "The body"));
}

/**
 * What bytes of a client hold, looked at before it is parsed.
 * @param what it is, for messages: `The body`
 * @throws ApiError 400 `invalid_json`
 */
export function jsonObjectOf(bytes: Uint8Array, what: string): JsonObject {
  const text = decode(bytes, what);
  checkDepth(text, what);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalidJson(`${what} is no JSON: ${(error as Error).message}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalidJson(`${what} is no JSON object`);
  }
  return value as JsonObject;
}

async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array> {
  const tooLarge = new ApiError({
    status: 413,
    code: "request_too_large",
    message: `The body has more than ${maxBytes} bytes`,
  });
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLarge;
  const chunks: Uint8Array[] = [];
  let n = 0;
  // Firefox has no stream of it, and holds it in memory anyway
  const body = request.body === undefined ? (await request.blob()).stream() : request.body;
  const reader = body?.getReader();
  for (;;) {
    const { value, done } = (await reader?.read().catch(brokenOff)) ?? { value: undefined, done: true };
    if (done) break;
    n += value.length;
    if (n > maxBytes) {
      reader?.cancel().catch(() => undefined);
      throw tooLarge;
    }
    chunks.push(value);
  }
  const bytes = new Uint8Array(n);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function brokenOff(): never {
  throw invalidJson("The body broke off");
}

function decode(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw invalidJson(`${what} is not UTF-8`);
  }
}

/** Looks at the text, so that no parser has to descend. */
function checkDepth(text: string, what: string): void {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (isInString) {
      if (character === "\\") at++;
      else if (character === '"') isInString = false;
    } else if (character === '"') isInString = true;
    else if (character === "{" || character === "[") {
      if (++depth > MAX_DEPTH) {
        throw invalidJson(`${what} nests deeper than ${MAX_DEPTH} at position ${at}`);
      }
    } else if (character === "}" || character === "]") depth--;
  }
}

function invalidJson(message: string): ApiError {
  return new ApiError({ status: 400, code: "invalid_json", message });
}

/** null is as good as absent. */
function withoutNulls(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));
}

/** The beginning of a text of the client, for a message. */
export function shown(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

/** @throws ApiError unless it is a string, or a list of them */
export function stringOrList(value: unknown, param: string): readonly string[] {
  const list = Array.isArray(value) ? value : [value];
  if (list.every((one): one is string => typeof one === "string")) return list;
  throw invalidValue(param, "expected a string or a list of strings");
}
