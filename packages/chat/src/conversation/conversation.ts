// A conversation with a model: turns are its state, and what lies in the KV cache is only ever a saving. Before each answer the
// turns are written down as ids; of these, what the cache holds already is not evaluated again. So turns may be taken back,
// replaced or loaded at any time.

import {
  type Context,
  createGenerator,
  createTextStream,
  type DraftOptions,
  type TokenGenerator,
  type TokenSampler,
} from "@ll/llama";
import { matchSession } from "@ll/model";
import type { Tokenizer } from "@ll/tokenizer";
import { createOutputParser, type OutputPart } from "../formats.ts";
import type { ChatTemplate } from "../template/chat-template.ts";
import { ConversationError } from "./conversation-error.ts";
import { fitTurns, type Prompt } from "./fit.ts";
import type { Turn } from "./turn.ts";

/** Why an answer ended: the model's own end, a stop text, the most tokens it may have, or the signal. */
export type Finish = "eos" | "stop" | "length" | "interrupted";

export interface Answer {
  readonly finish: Finish;
  /** Tokens evaluated before the first one of the answer, and how long that took. */
  readonly promptTokens: number;
  readonly promptMs: number;
  readonly answerTokens: number;
  readonly answerMs: number;
  /** Tokens that were guessed, and those of them that were drawn. */
  readonly draftedTokens: number;
  readonly acceptedTokens: number;
}

export interface AnswerOptions {
  /** Takes the text as it grows. */
  readonly onText: (text: string) => void;
  /** Takes the thought that stands before it, as it grows. */
  readonly onThought?: (text: string) => void;
  /** Called while the model reads what it is to answer: tokens evaluated, of all that have to be. */
  readonly onRead?: (tokens: number, total: number) => void;
  /** Called after each token of the answer, with their number and how long they took so far. */
  readonly onToken?: (tokens: number, elapsedMs: number) => void;
  /** Ends the answer; what there is of it counts. */
  readonly signal?: AbortSignal;
}

/** What may change between two answers. */
export interface ConversationSettings {
  system: string;
  sampler: TokenSampler;
  /** Most tokens of an answer; negative for no limit. */
  maxTokens: number;
  /** Whether the model is to think, where its template can say so. */
  think?: boolean | undefined;
}

export interface Conversation {
  readonly settings: ConversationSettings;
  readonly turns: readonly Turn[];
  /** Turns at the beginning that no longer fit into the context. */
  readonly nForgotten: number;
  /** Positions of the cache in use. */
  readonly nPast: number;
  /** Reads what stands before the next turn, which then only has to read that turn. Nothing else may be asked meanwhile. */
  prepare(signal: AbortSignal): Promise<void>;
  /** Adds a turn. @throws ConversationError, TemplateError for one that does not fit; nothing is added then, nor if it is interrupted without any text. */
  ask(user: string, options: AnswerOptions): Promise<Answer>;
  /** Answers the last turn anew. @throws ConversationError without one */
  regenerate(options: AnswerOptions): Promise<Answer>;
  /** Puts other turns in place of all there are. */
  replace(turns: readonly Turn[]): void;
}

export interface ConversationParts {
  readonly context: Context;
  readonly tokenizer: Tokenizer;
  /** How turns are written down, and thoughts, if it has a format; without one, all is text. */
  readonly template: ChatTemplate;
  /** Guesses of the next tokens, which change no answer. */
  readonly drafts?: DraftOptions | undefined;
  /** Most tokens of one evaluation. */
  readonly batchTokens: number;
  /** Milliseconds from any origin. */
  readonly now: () => number;
  /** Makes what is called between steps of long work, to hear what happens meanwhile. */
  readonly createPace?: () => () => Promise<void>;
}

/** What a model said, before it is a turn. */
interface Generated {
  readonly text: string;
  readonly reasoning: string;
  readonly finish: Finish;
  /** Tokens drawn, those of a stop text and the end included. */
  readonly nTokens: number;
  readonly elapsedMs: number;
}

/** What comes of an interruption before the first token. */
const NOTHING: Answer = {
  finish: "interrupted",
  ...{ promptTokens: 0, promptMs: 0, answerTokens: 0, answerMs: 0, draftedTokens: 0, acceptedTokens: 0 },
};

/** Tokens that are evaluated between two looks at a signal that keep their place in the cache. */
const STEP_TOKENS = 64;

export function createConversation(parts: ConversationParts, settings: ConversationSettings): Conversation {
  const { context, tokenizer, template, batchTokens, now } = parts;
  let turns: readonly Turn[] = [];
  let nForgotten = 0;
  let cached: readonly number[] = []; // ids of the positions in the KV cache

  /** What is evaluated before an answer to the last of these turns, with as many old turns as leave room for it; undefined if the signal says so. */
  function fit(asked: readonly Turn[], signal: AbortSignal | undefined): Promise<Prompt | undefined> {
    const pace = parts.createPace?.();
    const pause = async (): Promise<boolean> => {
      await pace?.();
      return signal?.aborted === true;
    };
    const { system, think, maxTokens } = settings;
    const { contextTokens } = context;
    return fitTurns(parts, { turns: asked, system, think, nForgotten, contextTokens, maxTokens, pause });
  }

  /** A generator whose cache holds what it has in common with these ids, and how many are left to read. */
  function open({ ids, nStart }: Pick<Prompt, "ids" | "nStart">): { generator: TokenGenerator; nLeft: number } {
    const { tokens, nMatching } = matchSession(cached, ids);
    const generator = createGenerator(context, {
      sampler: settings.sampler,
      keepTokens: Math.min(nStart, ids.length),
      batchTokens,
      session: { tokens },
      ...parts.drafts,
    });
    return { generator, nLeft: ids.length - Math.min(nMatching, tokens.length) };
  }

  /** Evaluates ids. False if the signal ended that; the cache then holds the first of them. */
  async function read(
    generator: TokenGenerator,
    ids: readonly number[],
    { nLeft, onRead, signal }: Pick<AnswerOptions, "onRead" | "signal"> & { readonly nLeft: number },
  ): Promise<boolean> {
    const step = Math.min(batchTokens, STEP_TOKENS);
    for (let first = 0; first < ids.length; first += step) {
      generator.accept(ids.slice(first, first + step));
      if (!(await evaluate(generator, signal))) return false;
      const nRead = nLeft - (ids.length - Math.min(ids.length, first + step));
      if (nRead > 0) onRead?.(nRead, nLeft);
    }
    return true;
  }

  async function prepare(signal: AbortSignal): Promise<void> {
    const prompt = await fit([...turns, { user: "", answer: "" }], signal);
    if (prompt === undefined) return;
    const ids = prompt.ids.slice(0, prompt.nBefore);
    if (ids.every((id, index) => id === cached[index])) return;
    const { generator, nLeft } = open({ ...prompt, ids });
    try {
      await read(generator, ids, { nLeft, signal });
    } finally {
      cached = generator.sessionTokens ?? [];
    }
  }

  async function answer(asked: readonly Turn[], options: AnswerOptions): Promise<Answer> {
    const prompt = await fit(asked, options.signal);
    if (prompt === undefined) return NOTHING;
    const { generator, nLeft } = open(prompt);
    const started = now();
    try {
      if (!(await read(generator, prompt.ids, { ...options, nLeft }))) return NOTHING;
      const promptMs = now() - started;
      const generated = await generate(generator, prompt.startsInThought, options);
      const { text, reasoning } = generated;
      const { user } = asked.at(-1) as Turn;
      const turn: Turn = { user, ...(reasoning !== "" && { reasoning }), answer: text };
      turns = [...asked.slice(0, -1), turn];
      nForgotten = prompt.nForgotten;
      const { finish, nTokens: answerTokens, elapsedMs: answerMs } = generated;
      const { nDrafted: draftedTokens = 0, nAccepted: acceptedTokens = 0 } = generator.drafts ?? {};
      return { finish, promptTokens: nLeft, promptMs, answerTokens, answerMs, draftedTokens, acceptedTokens };
    } finally {
      cached = generator.sessionTokens ?? []; // undefined after a context swap
    }
  }

  async function generate(
    generator: TokenGenerator,
    startsInThought: boolean,
    { onText, onThought, onToken, signal }: AnswerOptions,
  ): Promise<Generated> {
    const { format } = template;
    const stream = createTextStream(template.stop.filter((text) => text !== ""));
    const parser = format === undefined ? undefined : createOutputParser({ format, startsInThought });
    const special = parser !== undefined; // marks of thoughts may be control tokens
    const started = now();
    let nTokens = 0;
    let text = "";
    let reasoning = "";
    const show = (parts: readonly OutputPart[]): void => {
      for (const part of parts) {
        if (part.type === "reasoning") {
          reasoning += part.text;
          onThought?.(part.text);
        } else if (part.type === "text") {
          text += part.text;
          onText(part.text);
        }
      }
    };
    const take = (more: string): void => {
      if (more !== "") show(parser?.push(more) ?? [{ type: "text", text: more }]);
    };
    const finish = await (async (): Promise<Finish> => {
      for (;;) {
        const id = generator.sample();
        if (tokenizer.special.ends.has(id)) return "eos";
        nTokens++;
        const step = stream.push(tokenizer.tokenBytes(id, { special }));
        take(step.text);
        onToken?.(nTokens, now() - started);
        if (step.stopped) return "stop";
        const most = settings.maxTokens < 0 ? Number.POSITIVE_INFINITY : settings.maxTokens;
        if (nTokens >= most) return "length";
        if (!(await evaluate(generator, signal, most - nTokens - 1))) return "interrupted";
      }
    })();
    if (finish !== "stop") take(stream.flush());
    show(parser?.end() ?? []);
    return { text, reasoning, finish, nTokens, elapsedMs: now() - started };
  }

  return {
    settings,
    get turns() {
      return turns;
    },
    get nForgotten() {
      return nForgotten;
    },
    get nPast() {
      return cached.length;
    },
    prepare,
    ask: (user, options) => answer([...turns, { user, answer: "" }], options),
    async regenerate(options) {
      if (turns.length === 0) throw new ConversationError("E_NO_TURN", "nothing has been answered yet");
      return answer(turns, options);
    },
    replace(others) {
      turns = [...others];
      nForgotten = 0;
    },
  };
}

/** Evaluates what is pending. False if the signal ended that; what was evaluated until then is in the cache. */
async function evaluate(
  generator: TokenGenerator,
  signal: AbortSignal | undefined,
  mostDrafted?: number,
): Promise<boolean> {
  try {
    await generator.evaluatePending({ ...(signal && { signal }), ...(mostDrafted !== undefined && { mostDrafted }) });
    return true;
  } catch (error) {
    if (signal?.aborted) return false;
    throw error;
  }
}
