// What is kept: conversations and their turns, as they are in IndexedDB and in exported files.

import type { TreeNode } from "./tree.ts";

/** Fields of a request that differ from what the server would take by itself. */
export type Settings = Readonly<Record<string, number | string | boolean>>;

export interface Conversation {
  readonly id: string;
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly updated: number;
  /** The last turn of the path that is shown. */
  readonly leaf: string | null;
  readonly system: string;
  readonly settings: Settings;
  /** The model that answered last. */
  readonly model?: string | undefined;
}

export interface Usage {
  readonly prompt: number;
  readonly completion: number;
  readonly cached: number;
}

export interface Timings {
  /** Until the first piece of text came. */
  readonly firstMs: number;
  readonly promptMs: number;
  readonly generateMs: number;
}

export interface Message extends TreeNode {
  readonly conversation: string;
  readonly role: "user" | "assistant";
  readonly content: string;
  readonly reasoning?: string | undefined;
  readonly reasoningMs?: number | undefined;
  readonly updated: number;
  /** How an answer ended; "cut" for one that was stopped, or interrupted by a reload. Absent while it is written. */
  readonly finish?: "stop" | "length" | "tool_calls" | "cut" | undefined;
  readonly usage?: Usage | undefined;
  readonly timings?: Timings | undefined;
  readonly seed?: number | undefined;
  readonly error?: string | undefined;
  readonly model?: string | undefined;
}

const MAX_NAME_CHARS = 40;

/** A conversation is named by what was said first. */
export function nameFrom(text: string): string {
  const line = text.trim().replace(/\s+/g, " ");
  return Array.from(line).slice(0, MAX_NAME_CHARS).join("");
}
