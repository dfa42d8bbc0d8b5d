// How a family of models writes thoughts and calls of tools: what one parser has to know of it.

import type { CallsNotation } from "@ll/sampling";
import type { CallContext, ParsedCalls } from "./call-syntax.ts";

/** A stretch of text between two marks. */
export interface Marks {
  readonly open: string;
  readonly close: string;
}

/** How a call is written. */
export interface CallFormat {
  /** Mark in front of it; "" for an answer that is nothing but a call. */
  readonly open: string;
  /** Mark behind it; undefined if it goes to the end of the answer, or of its JSON value. */
  readonly close: string | undefined;
  /** Where it ends: where its JSON value does, or at `close`. */
  readonly end: "json" | "mark";
  /** The JSON value begins behind this mark, unless the call begins with one. */
  readonly argumentsMark?: string;
  /** Marks around all calls of an answer, which say nothing. */
  readonly around?: readonly string[];
  /** The calls in what lies between the marks. */
  readonly parse: (body: string, context: CallContext) => ParsedCalls;
  /** Characters of an id made up here; default 24, behind "call_". */
  readonly idLength?: number;
  /** How a grammar makes calls. */
  readonly forced: ForcedCalls;
}

export type ForcedCalls = CallsNotation;

export interface OutputFormat {
  readonly name: string;
  readonly thought?: Marks;
  readonly calls: CallFormat;
  /** Marks that are not shown. */
  readonly hidden?: readonly string[];
  /** Messages in channels, which `harmony-parser.ts` reads: the mark of a call stands in the head of one. */
  readonly channels?: true;
}

/** What follows the mark of a call that a grammar is to make; undefined if calls have no mark, unless all are asked for. */
export function callsBehindMark({ calls }: OutputFormat, isForced = false): ForcedCalls | undefined {
  const { open, forced } = calls;
  if (open === "" && !isForced) return undefined;
  const { before, between, after, ...one } = forced;
  if (before?.startsWith(open)) return { ...forced, before: before.slice(open.length) }; // a list behind one mark
  const [beforeName, beforeArguments, behind] = one.call;
  return { ...one, call: [beforeName.slice(open.length), beforeArguments, behind] };
}
