// A conversation with a model: turns are its state, and what lies in the KV cache is only ever a saving. Before each answer the
// turns are written down as ids; of these, what the cache holds already is not evaluated again. So turns may be taken back,
// replaced or loaded at any time.

import { type Context, createGenerator, matchSession, type TokenGenerator, type TokenSampler } from "@ll/llama";
import type { Tokenizer } from "@ll/tokenizer";
import { Refusal } from "../../errors.ts";
import { createAnswerText } from "./answer-text.ts";
import type { PromptWriter } from "./prompt-writer.ts";

export interface Turn {
  readonly user: string;
  /** As generated, with white space at its ends. */
  readonly answer: string;
  /** The ids of the answer, without those of a stop text. */
  readonly ids: readonly number[];
}

/** Why an answer ended: the model's own end, a stop text, the most tokens it may have, or the signal. */
export type Finish = "eos" | "stop" | "length" | "interrupted";

export interface Answer {
  readonly finish: Finish;
  /** Tokens evaluated before the first one of the answer, and how long that took. */
  readonly promptTokens: number;
  readonly promptMs: number;
  readonly answerTokens: number;
  readonly answerMs: number;
}

export interface AnswerOptions {
  /** Takes the text as it grows. */
  readonly onText: (text: string) => void;
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
}

export interface Conversation {
  readonly settings: ConversationSettings;
  readonly turns: readonly Turn[];
  /** Turns at the beginning that no longer fit into the context. */
  readonly nForgotten: number;
  /** Positions of the cache in use. */
  readonly nPast: number;
  /** Adds a turn. @throws Refusal for one that does not fit; nothing is added then, nor if it is interrupted without any text. */
  ask(user: string, options: AnswerOptions): Promise<Answer>;
  /** Answers the last turn anew. @throws Refusal without one */
  regenerate(options: AnswerOptions): Promise<Answer>;
  /** Puts other turns in place of all there are. */
  replace(turns: readonly Turn[]): void;
}

export interface ConversationParts {
  readonly context: Context;
  readonly tokenizer: Tokenizer;
  readonly writer: PromptWriter;
  readonly stop: readonly string[];
  /** Most tokens of one evaluation. */
  readonly batchTokens: number;
  /** Milliseconds from any origin. */
  readonly now: () => number;
}

/** What a model said, before it is a turn. */
interface Generated {
  readonly text: string;
  readonly ids: readonly number[];
  readonly finish: Finish;
  /** Tokens drawn, those of a stop text and the end included. */
  readonly nTokens: number;
  readonly elapsedMs: number;
}

/** A part of the context that is left for an answer before old turns are forgotten. */
const ANSWER_SHARE = 1 / 4;

/** When turns have to go, so many go that this part of the context is free: else the next turn would make others go. */
const FREE_SHARE = 1 / 2;

/** Room that the generator wants behind a prompt. */
const RESERVED_TOKENS = 4;

export function createConversation(parts: ConversationParts, settings: ConversationSettings): Conversation {
  const { context, tokenizer, writer, batchTokens, now } = parts;
  let turns: readonly Turn[] = [];
  let nForgotten = 0;
  let cached: readonly number[] = []; // ids of the positions in the KV cache

  /** Start and turns from `first` on as ids; the answer of the last turn is what is to be generated. */
  function write(asked: readonly Turn[], first: number): number[] {
    const ids = [...writer.start(settings.system)];
    for (const [index, { user, ids: answer }] of asked.slice(first).entries()) {
      const turn = index === 0 ? writer.firstTurn(settings.system, user) : writer.nextTurn(user);
      for (const id of turn) ids.push(id);
      if (first + index < asked.length - 1) for (const id of answer) ids.push(id);
    }
    return ids;
  }

  /** The ids to evaluate, with as many old turns as leave room for an answer. */
  function fit(asked: readonly Turn[]): { ids: number[]; nForgotten: number } {
    const { contextTokens } = context;
    const wanted = settings.maxTokens < 0 ? contextTokens : settings.maxTokens;
    const room = Math.max(RESERVED_TOKENS, Math.min(wanted, Math.floor(contextTokens * ANSWER_SHARE)));
    let first = Math.min(nForgotten, asked.length - 1);
    let ids = write(asked, first);
    if (ids.length <= contextTokens - room) return { ids, nForgotten: first };
    while (first < asked.length - 1 && ids.length > contextTokens * (1 - FREE_SHARE)) ids = write(asked, ++first);
    if (ids.length > contextTokens - room) {
      throw new Refusal(
        `too long: ${ids.length} tokens with what stands before it, at most ${contextTokens - room} fit`,
      );
    }
    return { ids, nForgotten: first };
  }

  async function answer(asked: readonly Turn[], options: AnswerOptions): Promise<Answer> {
    const { ids: prompt, nForgotten: forgotten } = fit(asked);
    const { tokens, nMatching } = matchSession(cached, prompt);
    const promptTokens = prompt.length - Math.min(nMatching, tokens.length);
    const keepTokens = Math.min(writer.start(settings.system).length, prompt.length);
    const generator = createGenerator(context, {
      sampler: settings.sampler,
      keepTokens,
      batchTokens,
      session: { tokens },
    });
    const started = now();
    try {
      for (let first = 0; first < prompt.length; first += batchTokens) {
        generator.accept(prompt.slice(first, first + batchTokens));
        const isEvaluated = await evaluate(generator, options.signal);
        if (!isEvaluated) return { finish: "interrupted", promptTokens: 0, promptMs: 0, answerTokens: 0, answerMs: 0 };
      }
      const promptMs = now() - started;
      const generated = await generate(generator, options);
      const turn = { user: (asked.at(-1) as Turn).user, answer: generated.text, ids: generated.ids };
      turns = [...asked.slice(0, -1), turn];
      nForgotten = forgotten;
      const { finish, nTokens: answerTokens, elapsedMs: answerMs } = generated;
      return { finish, promptTokens, promptMs, answerTokens, answerMs };
    } finally {
      cached = generator.sessionTokens ?? []; // undefined after a context swap
    }
  }

  async function generate(generator: TokenGenerator, { onText, onToken, signal }: AnswerOptions): Promise<Generated> {
    const answerText = createAnswerText(parts.stop);
    const ids: number[] = [];
    const lengths: number[] = []; // characters of the text after each id, stop text included
    const started = now();
    let text = "";
    const take = (more: string): void => {
      text += more;
      if (more !== "") onText(more);
    };
    const finish = await (async (): Promise<Finish> => {
      for (;;) {
        const id = generator.sample();
        if (id === tokenizer.eos) return "eos";
        ids.push(id);
        const step = answerText.push(tokenizer.tokenBytes(id));
        lengths.push(answerText.length);
        take(step.text);
        onToken?.(ids.length, now() - started);
        if (step.stopped) return "stop";
        if (settings.maxTokens >= 0 && ids.length >= settings.maxTokens) return "length";
        if (!(await evaluate(generator, signal))) return "interrupted";
      }
    })();
    const nTokens = ids.length;
    if (finish !== "stop") take(answerText.flush());
    else {
      // whole tokens before the stop text stay as they are; the part of one is encoded again
      const nWhole = lengths.filter((length) => length <= text.length).length;
      const rest = text.slice(lengths[nWhole - 1] ?? 0);
      ids.splice(nWhole, ids.length, ...(rest === "" ? [] : writer.answer(rest)));
    }
    return { text, ids, finish, nTokens, elapsedMs: now() - started };
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
    ask: (user, options) => answer([...turns, { user, answer: "", ids: [] }], options),
    async regenerate(options) {
      if (turns.length === 0) throw new Refusal("nothing has been answered yet");
      return answer(turns, options);
    },
    replace(others) {
      turns = [...others];
      nForgotten = 0;
    },
  };
}

/** Evaluates what is pending. False if the signal ended that; what was evaluated until then is in the cache. */
async function evaluate(generator: TokenGenerator, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    await generator.evaluatePending(signal === undefined ? {} : { signal });
    return true;
  } catch (error) {
    if (signal?.aborted) return false;
    throw error;
  }
}
