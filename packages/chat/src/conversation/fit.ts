// Which turns of a conversation are written down for a context that does not hold them all, and their ids.

import { isTemplateError } from "../template/template-error.ts";
import { ConversationError } from "./conversation-error.ts";
import type { PatternWriter } from "./pattern-writer.ts";
import type { TemplateWriter } from "./template-writer.ts";
import type { Turn } from "./turn.ts";

/** Turns as ids, ready to be evaluated. */
export interface Prompt {
  readonly ids: readonly number[];
  /** Ids before the first turn: they stay when the context is swapped. */
  readonly nStart: number;
  /** Ids before the last turn: what can be read before it is known. */
  readonly nBefore: number;
  /** Turns at the beginning that are left out. */
  readonly nForgotten: number;
  /** The answer goes on within a thought. */
  readonly startsInThought: boolean;
}

export interface FitRequest {
  /** All turns; the last is the one to be answered. */
  readonly turns: readonly Turn[];
  readonly system: string;
  readonly think: boolean | undefined;
  /** Turns at the beginning that are left out already. */
  readonly nForgotten: number;
  readonly contextTokens: number;
  /** Most tokens of the answer; negative for no limit. */
  readonly maxTokens: number;
  /** Called between turns; true ends the work. */
  readonly pause: () => Promise<boolean>;
}

/** A part of the context that is left for an answer before old turns are forgotten. */
const ANSWER_SHARE = 1 / 4;

/** When turns have to go, so many go that this part of the context is free: else the next turn would make others go. */
const FREE_SHARE = 1 / 2;

/** Room that the generator wants behind a prompt. */
const RESERVED_TOKENS = 4;

function roomFor({ contextTokens, maxTokens }: FitRequest): number {
  const wanted = maxTokens < 0 ? contextTokens : maxTokens;
  return Math.max(RESERVED_TOKENS, Math.min(wanted, Math.floor(contextTokens * ANSWER_SHARE)));
}

/**
 * By the patterns of a template. Turns are written from the newest back, and no more of them than could fit: a saved conversation may
 * have thousands. Undefined if the pause says so.
 * @throws ConversationError if the last turn does not fit
 */
export async function fitPatterns(writer: PatternWriter, request: FitRequest): Promise<Prompt | undefined> {
  const { turns: asked, system, nForgotten, contextTokens, pause } = request;
  const room = roomFor(request);
  const start = writer.start(system);
  const last = asked.length - 1;
  const oldest = Math.min(nForgotten, last);
  const later: number[][] = []; // ids of the turns behind `first`, the newest first
  let nLater = 0;
  let chosen = { first: last, turn: [] as number[], nTokens: 0 };

  for (let first = last; first >= oldest; first--) {
    if (await pause()) return undefined;
    const { user, ids } = asked[first] as Turn;
    const answer = first === last ? [] : ids; // that of the last turn is yet to be generated
    const nOthers = start.length + answer.length + nLater;
    const most = first === oldest ? contextTokens - room : contextTokens * (1 - FREE_SHARE);
    if (first === last || nOthers <= most) {
      const turn = writer.firstTurn(system, user).concat(answer);
      const nTokens = start.length + turn.length + nLater;
      if (first === last || nTokens <= most) chosen = { first, turn, nTokens };
    }
    if (nOthers > contextTokens - room) break;
    const turn = writer.nextTurn(user).concat(answer);
    later.push(turn);
    nLater += turn.length;
  }

  const { first, turn, nTokens } = chosen;
  if (nTokens > contextTokens - room) throw tooLong(nTokens, contextTokens - room);
  const turns = [turn, ...later.slice(0, last - first).reverse()];
  const nLast = turns.at(-1)?.length ?? 0;
  const ids = [start, ...turns].flat();
  return { ids, nStart: start.length, nBefore: nTokens - nLast, nForgotten: first, startsInThought: false };
}

/**
 * By the template of a file, which only writes whole conversations. Undefined if the pause says so.
 * @throws ConversationError if the last turn does not fit; TemplateError
 */
export async function fitTemplate(writer: TemplateWriter, request: FitRequest): Promise<Prompt | undefined> {
  const { turns, nForgotten, contextTokens, pause } = request;
  const room = roomFor(request);
  const last = turns.length - 1;
  const written = (first: number): ReturnType<TemplateWriter["write"]> | undefined => {
    try {
      return writer.write(turns.slice(first), request);
    } catch (error) {
      if (first < last && isTemplateError(error, "E_TEMPLATE_LIMIT")) return undefined; // fewer turns ask for less
      throw error;
    }
  };
  const lengthOf = (first: number): number => written(first)?.ids.length ?? Number.POSITIVE_INFINITY;
  let first = Math.min(nForgotten, last);
  if (lengthOf(first) > contextTokens - room) {
    // the smallest number of turns left out with which the others leave enough of the context free
    let [low, high] = [first + 1, last];
    while (low < high) {
      if (await pause()) return undefined;
      const middle = (low + high) >> 1;
      if (lengthOf(middle) <= contextTokens * (1 - FREE_SHARE)) high = middle;
      else low = middle + 1;
    }
    first = Math.min(low, last);
  }
  const prompt = writer.write(turns.slice(first), request);
  const { ids } = prompt;
  if (ids.length > contextTokens - room) throw tooLong(ids.length, contextTokens - room);
  // where prompts of other turns part from this one
  const begins = writer.write([{ user: "A", answer: "", ids: [] }], request).ids;
  const others = writer.write([...turns.slice(first, -1), { user: "A", answer: "", ids: [] }], request).ids;
  return { ...prompt, nStart: nEqual(ids, begins), nBefore: nEqual(ids, others), nForgotten: first };
}

function tooLong(nTokens: number, most: number): ConversationError {
  const message = `too long: ${nTokens} tokens with what stands before it, at most ${most} fit`;
  return new ConversationError("E_TOO_LONG", message);
}

function nEqual(a: readonly number[], b: readonly number[]): number {
  const n = a.findIndex((id, i) => id !== b[i]);
  return n < 0 ? a.length : n;
}
