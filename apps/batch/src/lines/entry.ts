// A line of the input: OpenAI's batch format, looked at before anybody works on it.

import { hash as hashOf } from "node:crypto";
import type { FileSource } from "@ll/bytes/node";
import { ApiError, type JsonObject, jsonObjectOf } from "@ll/openai-api";
import { type Line, readLines } from "./read-lines.ts";
import type { SeenIds } from "./seen-ids.ts";

/** What is to be answered. */
export interface Request {
  readonly line: number;
  readonly custom_id: string;
  readonly url: string;
  readonly body: JsonObject;
}

/** What cannot be. */
export interface BadLine {
  readonly line: number;
  readonly custom_id: string | null;
  readonly error: { readonly code: string; readonly message: string };
}

export type Entry = Request | BadLine;

/** Of a line: as much as the body of a request may have, and what is around it. */
export const MOST_LINE_BYTES: number = 4 * 1024 * 1024 + 64 * 1024;

const MOST_ID_CHARS = 512;

const GENERATING = ["/v1/chat/completions", "/v1/completions"];
const URLS = [...GENERATING, "/v1/embeddings"];

export interface EntryOptions {
  /** Of requests that name none. */
  readonly model: string;
  readonly seen: SeenIds;
}

/** undefined for a line of white space. */
export function entryOf({ number: line, bytes }: Line, { model, seen }: EntryOptions): Entry | undefined {
  let customId: string | null = null;
  try {
    if (bytes === undefined) throw refusal("line_too_large", `has more than ${MOST_LINE_BYTES} bytes`);
    if (isBlank(bytes)) return undefined;
    const object = jsonObjectOf(bytes, `Line ${line}`);
    customId = idOf(object["custom_id"]);
    const hash = hashOf("sha256", customId, "buffer"); // an object of Hash for each line would wait for a collection of all
    if (seen.add(hash.subarray(8))) throw refusal("duplicate_custom_id", "has the custom_id of a line before");
    return { line, custom_id: customId, ...requestOf(object, model, hash.readUInt32LE(0)) };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const message = error.message.startsWith(`Line ${line}`) ? error.message : `Line ${line} ${error.message}`;
    return { line, custom_id: customId, error: { code: error.code, message } };
  }
}

function requestOf(object: JsonObject, model: string, seed: number): Pick<Request, "url" | "body"> {
  const { method, url, body } = object;
  if (method !== "POST") throw refusal("invalid_method", `has no "method": "POST"`);
  if (typeof url !== "string" || !URLS.includes(url))
    throw refusal("invalid_url", `has no "url" of ${URLS.join(", ")}`);
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw refusal("invalid_body", `has no object as its "body"`);
  }
  const fields = body as JsonObject;
  if (fields["stream"] === true) throw refusal("unsupported_parameter", "asks for a stream: a batch has none");
  return {
    url,
    body: {
      ...fields,
      model: fields["model"] ?? model,
      // an answer that comes again is the same
      ...(GENERATING.includes(url) && { seed: fields["seed"] ?? seed }),
    },
  };
}

function idOf(value: unknown): string {
  if (typeof value === "string" && value !== "" && value.length <= MOST_ID_CHARS && value.isWellFormed()) return value;
  throw refusal("invalid_custom_id", `has no "custom_id" of 1 to ${MOST_ID_CHARS} characters`);
}

function refusal(code: string, message: string): ApiError {
  return new ApiError({ status: 400, code, message });
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 32 || byte === 9 || byte === 13);
}

/** An entry, and where it ends in the file. */
export interface PlacedEntry {
  readonly entry: Entry;
  readonly endOffset: number;
}

/** The entries of a file. @throws IoError, also `E_CHANGED` if the file changes meanwhile */
export async function* placedEntries(
  source: FileSource,
  options: EntryOptions,
): AsyncGenerator<PlacedEntry, void, undefined> {
  for await (const line of readLines(source, MOST_LINE_BYTES)) {
    const entry = entryOf(line, options);
    if (entry !== undefined) yield { entry, endOffset: line.endOffset };
  }
  await source.assertUnchanged();
}
