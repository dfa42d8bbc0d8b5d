// One line of the output. Nothing in it depends on when, where or beside whom it was worked out: ids are made of the line, and what a
// server tells of times and caches is left out.

import { hash as hashOf } from "node:crypto";
import type { Handler, JsonObject } from "@ll/openai-api";
import type { Request as BatchRequest, Entry } from "./entry.ts";

/** The engine, not the request, is to blame. */
export class EngineFailure extends Error {
  override readonly name: string = "EngineFailure";
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export interface Answer {
  /** JSON, without an end of line. */
  readonly text: string;
  /** It is an error. */
  readonly isFailed: boolean;
}

/** @throws EngineFailure; the signal's reason */
export async function answerEntry(entry: Entry, handler: Handler, signal: AbortSignal): Promise<Answer> {
  const { custom_id } = entry;
  const hash = hashOf("sha256", `${entry.line}\0${custom_id}`, "hex").slice(0, 24);
  const id = `batch_req_${hash}`;
  if ("error" in entry) {
    return { text: JSON.stringify({ id, custom_id, response: null, error: entry.error }), isFailed: true };
  }
  const { status, body } = await ask(entry, handler, signal);
  const response = { status_code: status, request_id: `req_${hash}`, body: lasting(body, hash) };
  return { text: JSON.stringify({ id, custom_id, response, error: null }), isFailed: status >= 400 };
}

async function ask({ url, body }: BatchRequest, handler: Handler, signal: AbortSignal) {
  const headers = { "content-type": "application/json" };
  const response = await handler(`http://ll.invalid${url}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
    signal,
  });
  const answer = (await response.json()) as JsonObject;
  if (response.status >= 500) {
    const { code = "internal_error", message = "" } = (answer["error"] ?? {}) as { code?: string; message?: string };
    throw new EngineFailure(code, message);
  }
  return { status: response.status, body: answer };
}

/** What an answer says that is the same each time. */
function lasting(body: JsonObject, hash: string): JsonObject {
  const { id, created, usage, ll, choices, ...rest } = body;
  return {
    ...(typeof id === "string" && { id: `${id.split("-")[0]}-${hash}` }),
    ...rest,
    ...(created !== undefined && { created: 0 }),
    ...(Array.isArray(choices) && { choices: choices.map((choice, i) => withCallIds(choice, `${hash}${i}`)) }),
    ...(usage !== undefined && { usage: without(usage, "prompt_tokens_details") }), // tells what was in a cache
    ...(ll !== undefined && { ll: without(ll, "timings") }),
  };
}

function without(object: unknown, name: string): JsonObject {
  return Object.fromEntries(Object.entries(object as JsonObject).filter(([key]) => key !== name));
}

/** Ids of calls, which are drawn, by where they stand. */
function withCallIds(choice: JsonObject, hash: string): JsonObject {
  const message = choice["message"] as JsonObject | undefined;
  const calls = message?.["tool_calls"];
  if (!Array.isArray(calls)) return choice;
  const tool_calls = calls.map((call, i) => ({ ...call, id: `call_${hash}${i}` }));
  return { ...choice, message: { ...message, tool_calls } };
}
