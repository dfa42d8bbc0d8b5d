// Which turns of a conversation are written down for a context that does not hold them all, and their ids.

import type { Tokenizer } from "@ll/tokenizer";
import type { Message } from "../messages.ts";
import type { ChatTemplate, RenderedPrompt } from "../template/chat-template.ts";
import { isTemplateError } from "../template/template-error.ts";
import { ConversationError } from "./conversation-error.ts";
import type { Turn } from "./turn.ts";

/** Turns as ids, ready to be evaluated. */
export interface Prompt extends RenderedPrompt {
  /** Ids before the first turn: they stay when the context is swapped. */
  readonly nStart: number;
  /** Ids before the last turn: what can be read before it is known. */
  readonly nBefore: number;
  /** Turns at the beginning that are left out. */
  readonly nForgotten: number;
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

/** By whom turns are written down. */
export interface TurnWriter {
  readonly template: ChatTemplate;
  readonly tokenizer: Tokenizer;
}

/**
 * Templates only write whole conversations. Undefined if the pause says so.
 * @throws ConversationError if the last turn does not fit; TemplateError
 */
export async function fitTurns(writer: TurnWriter, request: FitRequest): Promise<Prompt | undefined> {
  const { turns, nForgotten, contextTokens, pause } = request;
  const room = roomFor(request);
  const last = turns.length - 1;
  /** Without the turns before `first`; undefined if they ask for more than a template may. */
  const written = (first: number): RenderedPrompt | undefined => {
    try {
      return write(writer, turns.slice(first), request);
    } catch (error) {
      if (first < last && isTemplateError(error, "E_TEMPLATE_LIMIT")) return undefined; // fewer turns ask for less
      throw error;
    }
  };
  const lengthOf = (prompt: RenderedPrompt | undefined): number => prompt?.ids.length ?? Number.POSITIVE_INFINITY;
  let first = Math.min(nForgotten, last);
  let prompt = written(first);
  if (lengthOf(prompt) > contextTokens - room && first < last) {
    // the smallest number of turns left out with which the others leave enough of the context free
    let [low, high] = [first + 1, last];
    while (low < high) {
      if (await pause()) return undefined;
      const middle = (low + high) >> 1;
      if (lengthOf(written(middle)) <= contextTokens * (1 - FREE_SHARE)) high = middle;
      else low = middle + 1;
    }
    if (await pause()) return undefined;
    first = low;
    prompt = written(first);
  }
  if (prompt === undefined || lengthOf(prompt) > contextTokens - room) {
    const message = `too long: ${lengthOf(prompt)} tokens with what stands before it, at most ${contextTokens - room} fit`;
    throw new ConversationError("E_TOO_LONG", message);
  }
  // where prompts of other turns part from this one
  const other: Turn = { user: "A", answer: "" };
  const begins = write(writer, [other], request).ids;
  const others = write(writer, [...turns.slice(first, -1), other], request).ids;
  return {
    ...prompt,
    nStart: nEqual(prompt.ids, begins),
    nBefore: nEqual(prompt.ids, others),
    nForgotten: first,
  };
}

/** Ids of turns, the last of which is to be answered. @throws TemplateError */
function write({ template, tokenizer }: TurnWriter, turns: readonly Turn[], told: FitRequest): RenderedPrompt {
  const { system, think } = told;
  const messages = turns.flatMap(({ user, answer, reasoning }, i): Message[] => {
    const asked: Message = { role: "user", content: user };
    if (i === turns.length - 1) return [asked];
    return [asked, { role: "assistant", content: answer, ...(reasoning !== undefined && { reasoning }) }];
  });
  const all: Message[] = system === "" ? messages : [{ role: "system", content: system }, ...messages];
  return template.render({ messages: all, tools: [], think }, tokenizer);
}

function nEqual(a: readonly number[], b: readonly number[]): number {
  const n = a.findIndex((id, i) => id !== b[i]);
  return n < 0 ? a.length : n;
}
