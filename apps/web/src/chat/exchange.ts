// Conversations as files: JSON, which can be imported again, and Markdown to read. An imported file is a stranger's.

import * as v from "valibot";
import { text } from "../text.ts";
import type { Conversation, Message } from "./records.ts";
import { flawOf, pathTo } from "./tree.ts";

const MAX_BYTES = 50 * 1024 * 1024;
const MAX_MESSAGES = 100_000;
const MAX_CONVERSATIONS = 10_000;
/** Levels of objects and lists. */
const MAX_DEPTH = 64;
const MAX_SETTINGS = 100;

const FORMAT = "ll-conversations";

const id = v.pipe(v.string(), v.regex(/^[\w-]{1,64}$/));
const time = v.pipe(v.number(), v.finite(), v.minValue(0), v.maxValue(8.64e15));
const count = v.pipe(v.number(), v.finite(), v.minValue(0));
const name = v.pipe(v.string(), v.maxLength(1000));

const conversationSchema = v.object({
  id,
  name,
  updated: time,
  leaf: v.nullable(id),
  system: v.string(),
  settings: v.pipe(
    v.record(v.pipe(v.string(), v.maxLength(64)), v.union([v.pipe(v.number(), v.finite()), v.string(), v.boolean()])),
    v.check((settings) => Object.keys(settings).length <= MAX_SETTINGS, "too many settings"),
  ),
  model: v.optional(name),
});

const messageSchema = v.object({
  id,
  parent: v.nullable(id),
  created: time,
  conversation: id,
  role: v.picklist(["user", "assistant"]),
  content: v.string(),
  reasoning: v.optional(v.string()),
  reasoningMs: v.optional(count),
  updated: time,
  finish: v.optional(v.picklist(["stop", "length", "tool_calls", "cut"])),
  usage: v.optional(v.object({ prompt: count, completion: count, cached: count })),
  timings: v.optional(v.object({ firstMs: count, promptMs: count, generateMs: count })),
  seed: v.optional(count),
  error: v.optional(v.pipe(v.string(), v.maxLength(10_000))),
  model: v.optional(name),
});

const fileSchema = v.object({
  format: v.literal(FORMAT),
  version: v.literal(1),
  conversations: v.pipe(v.array(conversationSchema), v.maxLength(MAX_CONVERSATIONS)),
  messages: v.pipe(v.array(messageSchema), v.maxLength(MAX_MESSAGES)),
});

export interface Exchanged {
  readonly conversations: readonly Conversation[];
  readonly messages: readonly Message[];
}

/** What an imported file is refused with: where, expected, got. */
export class ImportError extends Error {
  override readonly name: string = "ImportError";
}

export function exportJson({ conversations, messages }: Exchanged): string {
  return `${JSON.stringify({ format: FORMAT, version: 1, conversations, messages }, null, 1)}\n`;
}

/** @throws ImportError */
export async function importFile(file: Blob): Promise<Exchanged> {
  if (file.size > MAX_BYTES) throw new ImportError(text.importTooLarge(file.size, MAX_BYTES));
  return importJson(await file.text());
}

/** @throws ImportError */
export function importJson(json: string): Exchanged {
  if (json.length > MAX_BYTES) throw new ImportError(text.importTooLarge(json.length, MAX_BYTES));
  assertShallow(json);
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new ImportError(text.importNoJson(error instanceof Error ? error.message : String(error)));
  }
  const result = v.safeParse(fileSchema, value, { abortEarly: true });
  if (!result.success) {
    const [issue] = result.issues;
    throw new ImportError(text.importFlaw(v.getDotPath(issue) ?? "", issue.message.slice(0, 200)));
  }
  const { conversations, messages } = result.output;
  return { conversations, messages: soundMessages(conversations, messages) };
}

/** @throws ImportError for turns of conversations that are not there, and for those that are no tree */
function soundMessages(conversations: readonly Conversation[], messages: readonly Message[]): readonly Message[] {
  const trees = new Map(conversations.map((one) => [one.id, new Map<string, Message>()]));
  if (trees.size !== conversations.length)
    throw new ImportError(text.importFlaw("conversations", "an id is there twice"));
  const seen = new Set<string>();
  for (const one of messages) {
    const tree = trees.get(one.conversation);
    if (tree === undefined) throw new ImportError(text.importFlaw("messages", `${one.id} is of no conversation`));
    if (seen.has(one.id)) throw new ImportError(text.importFlaw("messages", `the id ${one.id} is there twice`));
    seen.add(one.id);
    tree.set(one.id, one);
  }
  for (const tree of trees.values()) {
    const flaw = flawOf(tree);
    if (flaw !== undefined) throw new ImportError(text.importFlaw("messages", flaw));
  }
  return messages;
}

/** Counts brackets outside of strings. @throws ImportError */
function assertShallow(json: string): void {
  let depth = 0;
  let isInString = false;
  for (let i = 0; i < json.length; i++) {
    const mark = json[i];
    if (isInString) {
      if (mark === "\\") i++;
      else if (mark === '"') isInString = false;
    } else if (mark === '"') isInString = true;
    else if (mark === "[" || mark === "{") depth++;
    else if (mark === "]" || mark === "}") depth--;
    if (depth > MAX_DEPTH) throw new ImportError(text.importTooDeep(MAX_DEPTH));
  }
}

/** The path that is shown, as Markdown. */
export function exportMarkdown({ name: title, system, leaf }: Conversation, messages: readonly Message[]): string {
  const tree = new Map(messages.map((one) => [one.id, one]));
  const parts = [`# ${title.replace(/\s+/g, " ")}`];
  if (system !== "") parts.push(`## ${text.systemPrompt}`, system);
  for (const { role, content, reasoning } of pathTo(tree, leaf)) {
    parts.push(`## ${role === "user" ? text.you : text.answer}`);
    if (reasoning) parts.push(reasoning.replace(/^/gm, "> "));
    parts.push(content);
  }
  return `${parts.join("\n\n")}\n`;
}
