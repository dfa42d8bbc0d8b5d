// A conversation with a model: turns are its state, and what lies in the KV cache is only ever a saving. Before each answer the
// turns are written down as ids; of these, what the cache holds already is not evaluated again. So turns may be taken back,
// replaced or loaded at any time.

import { type Context, createGenerator, matchSession, type TokenGenerator, type TokenSampler } from "@ll/llama";
import type { Tokenizer } from "@ll/tokenizer";
import { Refusal } from "../../errors.ts";
import { createPace } from "../../pace.ts";
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

/** Turns as ids, ready to be evaluated. */
interface Prompt {
  readonly ids: readonly number[];
  /** Ids before the last turn, and before the first. */
  readonly nBefore: number;
  readonly nStart: number;
  /** Turns at the beginning that are left out. */
  readonly nForgotten: number;
}

/** What comes of an interruption before the first token. */
const NOTHING: Answer = { finish: "interrupted", promptTokens: 0, promptMs: 0, answerTokens: 0, answerMs: 0 };

/** A part of the context that is left for an answer before old turns are forgotten. */
const ANSWER_SHARE = 1 / 4;

/** When turns have to go, so many go that this part of the context is free: else the next turn would make others go. */
const FREE_SHARE = 1 / 2;

/** Tokens that are evaluated between two looks at a signal that keep their place in the cache. */
const STEP_TOKENS = 64;

/** Room that the generator wants behind a prompt. */
const RESERVED_TOKENS = 4;

export function createConversation(parts: ConversationParts, settings: ConversationSettings): Conversation {
  const { context, tokenizer, writer, batchTokens, now } = parts;
  let turns: readonly Turn[] = [];
  let nForgotten = 0;
  let cached: readonly number[] = []; // ids of the positions in the KV cache

  /**
   * What is evaluated before an answer to the last of these turns, with as many old turns as leave room for it; undefined if the
   * signal says so. Turns are written from the newest back, and no more of them than could fit: a saved conversation may have
   * thousands.
   * @throws Refusal
   */
  async function fit(asked: readonly Turn[], signal: AbortSignal | undefined): Promise<Prompt | undefined> {
    const { contextTokens } = context;
    const wanted = settings.maxTokens < 0 ? contextTokens : settings.maxTokens;
    const room = Math.max(RESERVED_TOKENS, Math.min(wanted, Math.floor(contextTokens * ANSWER_SHARE)));
    const pace = createPace();
    const start = writer.start(settings.system);
    const last = asked.length - 1;
    const oldest = Math.min(nForgotten, last);
    const later: number[][] = []; // ids of the turns behind `first`, the newest first
    let nLater = 0;
    let chosen = { first: last, turn: [] as number[], nTokens: 0 };

    for (let first = last; first >= oldest; first--) {
      await pace();
      if (signal?.aborted) return undefined;
      const { user, ids } = asked[first] as Turn;
      const answer = first === last ? [] : ids; // that of the last turn is yet to be generated
      const nOthers = start.length + answer.length + nLater;
      const most = first === oldest ? contextTokens - room : contextTokens * (1 - FREE_SHARE);
      if (first === last || nOthers <= most) {
        const turn = writer.firstTurn(settings.system, user).concat(answer);
        const nTokens = start.length + turn.length + nLater;
        if (first === last || nTokens <= most) chosen = { first, turn, nTokens };
      }
      if (nOthers > contextTokens - room) break;
      const turn = writer.nextTurn(user).concat(answer);
      later.push(turn);
      nLater += turn.length;
    }

    const { first, turn, nTokens } = chosen;
    if (nTokens > contextTokens - room) {
      throw new Refusal(`too long: ${nTokens} tokens with what stands before it, at most ${contextTokens - room} fit`);
    }
    const turns = [turn, ...later.slice(0, last - first).reverse()];
    const nLast = turns.at(-1)?.length ?? 0;
    return { ids: [start, ...turns].flat(), nBefore: nTokens - nLast, nStart: start.length, nForgotten: first };
  }

  /** A generator whose cache holds what it has in common with these ids, and how many are left to read. */
  function open({ ids, nStart }: Prompt): { generator: TokenGenerator; nLeft: number } {
    const { tokens, nMatching } = matchSession(cached, ids);
    const generator = createGenerator(context, {
      sampler: settings.sampler,
      keepTokens: Math.min(nStart, ids.length),
      batchTokens,
      session: { tokens },
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
    const prompt = await fit([...turns, { user: "", answer: "", ids: [] }], signal);
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
      const generated = await generate(generator, options);
      const turn = { user: (asked.at(-1) as Turn).user, answer: generated.text, ids: generated.ids };
      turns = [...asked.slice(0, -1), turn];
      nForgotten = prompt.nForgotten;
      const { finish, nTokens: answerTokens, elapsedMs: answerMs } = generated;
      return { finish, promptTokens: nLeft, promptMs, answerTokens, answerMs };
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
        if (tokenizer.special.ends.has(id)) return "eos";
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
    prepare,
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
