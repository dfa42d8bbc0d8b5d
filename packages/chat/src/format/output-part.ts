// What parsers of answers give, and what they share.

import type { ParsedCall } from "./call-syntax.ts";
import type { OutputFormat } from "./output-format.ts";

/** A call of a tool. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  /** The arguments as they were generated; JSON. */
  readonly argumentsText?: string | undefined;
}

export type OutputPart =
  | { readonly type: "reasoning" | "text"; readonly text: string }
  /** Of calls that a grammar makes; of those that are only read, nothing is certain before they end. */
  | { readonly type: "tool-call-start"; readonly id: string; readonly name: string }
  | { readonly type: "tool-call-delta"; readonly id: string; readonly delta: string }
  | { readonly type: "tool-call"; readonly call: ToolCall & { readonly argumentsText: string } };

/** Who sees to it that the rest of a call is what `callsBehindMark` says. */
export interface CallMaker {
  /** A mark is there, and this text behind it. False if it is not known how the call goes on. */
  begin(text: string): boolean;
  /** The call is whole. */
  end(): void;
}

export interface OutputParserOptions {
  readonly format: OutputFormat;
  /** JSON schemas of arguments by the name of the tool; without tools no calls are looked for. */
  readonly tools?: ReadonlyMap<string, unknown>;
  /** A grammar makes all behind the thought calls, whose arguments are objects: they are shown as they grow. */
  readonly isForced?: boolean;
  /** A grammar makes calls from their marks on; arguments are objects, and shown as they grow. */
  readonly maker?: CallMaker | undefined;
  /** The prompt ends within a thought: see `endsInThought`. */
  readonly startsInThought?: boolean;
  /** Makes an id of so many letters and digits. */
  readonly newId?: (length: number) => string;
}

export interface OutputParser {
  /** What became certain with this text. */
  push(text: string): OutputPart[];
  /** What was held back. A thought that never closes is a thought; a call that never does, or is broken, is text. */
  end(): OutputPart[];
  /** True within a thought and within its marks: constraints begin behind it. */
  readonly isThinking: boolean;
  /** True as long as a thought may begin: in front of all text. */
  readonly mayThink: boolean;
  /** True within a call. */
  readonly isCalling: boolean;
}

const DEFAULT_ID_LENGTH = 24;

/** Random small letters and digits; not for secrets. */
export function randomId(length: number): string {
  return Array.from({ length }, () => Math.floor(Math.random() * 36).toString(36)).join("");
}

/** A call with an id and its arguments. */
export function toolCallOf(
  parsed: ParsedCall,
  idLength: number | undefined,
  newId: (length: number) => string,
): ToolCall & { readonly argumentsText: string } {
  const id = parsed.id ?? (idLength === undefined ? `call_${newId(DEFAULT_ID_LENGTH)}` : newId(idLength));
  const { name, argumentsText } = parsed;
  return { id, name, arguments: JSON.parse(argumentsText) as Record<string, unknown>, argumentsText };
}

/** Length of the longest end of `text` that is the beginning of a mark, and shorter than it. */
export function heldBack(text: string, marks: readonly string[]): number {
  let held = 0;
  for (const mark of marks) {
    for (let n = Math.min(mark.length - 1, text.length); n > held; n--) {
      if (text.endsWith(mark.slice(0, n))) held = n;
    }
  }
  return held;
}

/** The first of the marks in a text, the longest of those that begin there. */
export function firstMark(
  text: string,
  marks: readonly string[],
): { readonly at: number; readonly mark: string } | undefined {
  let first: { at: number; mark: string } | undefined;
  for (const mark of marks) {
    const at = text.indexOf(mark);
    if (at < 0) continue;
    if (first === undefined || at < first.at || (at === first.at && mark.length > first.mark.length))
      first = { at, mark };
  }
  return first;
}
