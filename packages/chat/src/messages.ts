// Conversations, tools and schemas, as callers write them.

import type { AbortSignal as Signal } from "@ll/bytes";
import type { ToolCall } from "./format/output-part.ts";
import type { JsonSchema, StandardJsonSchema } from "./schema.ts";

export interface TextMessage {
  readonly role: "system" | "user";
  readonly content: string;
}

export interface AssistantMessage {
  readonly role: "assistant";
  readonly content: string | null;
  /** What the model thought before. */
  readonly reasoning?: string;
  readonly toolCalls?: readonly ToolCall[];
}

export interface ToolMessage {
  readonly role: "tool";
  readonly toolCallId: string;
  readonly content: string;
}

export type Message = TextMessage | AssistantMessage | ToolMessage;

export interface Tool {
  readonly description?: string;
  /** JSON schema of the arguments; absent for none. */
  readonly parameters?: JsonSchema | StandardJsonSchema;
  /** What it does; without it the answer ends with `finish: "tool-calls"`. What it throws is the result, with `isError`. */
  // biome-ignore lint/suspicious/noExplicitAny: the arguments are what the schema says, which differs from tool to tool
  readonly run?: (args: any, context: ToolContext) => unknown;
}

export interface ToolContext {
  readonly signal: Signal;
  /** Of the call. */
  readonly id: string;
}

/** By name. */
export type Tools = Readonly<Record<string, Tool>>;

const NAME = /^[A-Za-z0-9_-]{1,64}$/;
const MAX_TOOLS = 64;
const ROLES = ["system", "user", "assistant", "tool"];

/** @throws TypeError for what is no conversation */
export function checkedMessages(from: string | readonly Message[]): readonly Message[] {
  if (typeof from === "string") return [{ role: "user", content: from }];
  if (!Array.isArray(from) || from.length === 0) throw new TypeError(`"messages" expected a string or messages`);
  for (const [i, one] of (from as readonly (Message | undefined)[]).entries()) {
    if (!ROLES.includes(String(one?.role))) throw new TypeError(`"messages[${i}].role" expected ${ROLES.join(", ")}`);
    const isNull = one?.role === "assistant" && one.content === null;
    if (!isNull && typeof one?.content !== "string") throw new TypeError(`"messages[${i}].content" expected a string`);
  }
  return from;
}

/** @throws TypeError, RangeError */
export function checkedTools(tools: Tools): Tools {
  const names = Object.keys(tools);
  if (names.length > MAX_TOOLS) throw new RangeError(`"tools" expected at most ${MAX_TOOLS}, got ${names.length}`);
  const bad = names.find((name) => !NAME.test(name));
  if (bad !== undefined)
    throw new TypeError(`"tools" expected names of letters, digits, _ and -, got ${JSON.stringify(bad)}`);
  return tools;
}
