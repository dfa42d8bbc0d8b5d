// A conversation that is remembered. Its turns are all of its state: an answer is what `chat` gives for them.

import { ContextOverflowError } from "@ll/llama";
import { type Answer, type AnswerResult, startAnswer } from "./answer.ts";
import type { ChatModel, ChatOptions, SavedSession, Session, SessionOptions } from "./chat-model.ts";
import { RESERVED_TOKENS } from "./engine.ts";
import { seedOf } from "./generate.ts";
import { checkedMessages, type Message } from "./messages.ts";
import type { Schema, SchemaOutput } from "./schema.ts";

interface State {
  system: string | undefined;
  turns: readonly Message[];
  nForgotten: number;
  seed: number | undefined;
  readonly overflow: "forget" | "error";
}

/** A part of the context that is left for an answer before old turns are forgotten. */
const ANSWER_SHARE = 1 / 4;

/** When turns have to go, so many go that this part of the context is free: else the next turn would make others go. */
const FREE_SHARE = 1 / 2;

export function createSession(model: ChatModel, options: SessionOptions): Session {
  const { system, turns, overflow = "forget" } = options;
  return sessionOf(model, { system, turns: [...checkedTurns(turns)], nForgotten: 0, seed: undefined, overflow });
}

function checkedTurns(turns: readonly Message[] = []): readonly Message[] {
  return turns.length === 0 ? turns : checkedMessages(turns);
}

/**
 * A session that was saved as JSON, with any model.
 * @throws TypeError for what is no saved session
 */
export function restoreSession(model: ChatModel, saved: unknown): Session {
  const { version, system, turns, nForgotten, seed, overflow } = (saved ?? {}) as Partial<SavedSession>;
  if (version !== 1) throw new TypeError(`"saved" expected a session of version 1, got ${String(version)}`);
  if (system !== undefined && typeof system !== "string") throw new TypeError(`"saved.system" expected a string`);
  if (!Array.isArray(turns)) throw new TypeError(`"saved.turns" expected an array`);
  if (seed !== undefined && !isIndex(seed, 2 ** 32 - 1)) throw new TypeError(`"saved.seed" expected a seed`);
  if (overflow !== "forget" && overflow !== "error") throw new TypeError(`"saved.overflow" expected forget or error`);
  if (!isIndex(nForgotten, turns.length)) throw new TypeError(`"saved.nForgotten" expected a number of turns`);
  const checked = checkedTurns(turns);
  for (const [i, { role }] of checked.entries()) {
    if (role === "system") throw new TypeError(`"saved.turns[${i}].role" expected user, assistant or tool`);
  }
  return sessionOf(model, { system, turns: structuredClone(checked), nForgotten, seed, overflow });
}

function isIndex(value: unknown, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most;
}

function sessionOf(model: ChatModel, state: State): Session {
  let busy: Promise<unknown> = Promise.resolve(); // one answer at a time

  const withSystem = (messages: readonly Message[]): readonly Message[] =>
    state.system === undefined ? messages : [{ role: "system", content: state.system }, ...messages];
  const nTokens = (messages: readonly Message[], options: ChatOptions): number =>
    model.countTokens(withSystem(messages), options.tools === undefined ? {} : { tools: options.tools });

  /** How many messages at the beginning are left out. @throws ContextOverflowError */
  function forgotten(asked: readonly Message[], options: ChatOptions): number {
    const { contextTokens } = model.info;
    const wanted = Math.min(options.maxTokens ?? contextTokens, Math.floor(contextTokens * ANSWER_SHARE));
    const room = Math.max(RESERVED_TOKENS, wanted);
    let most = contextTokens - room;
    for (let first = state.nForgotten; ; first = nextTurn(asked, first)) {
      const n = nTokens(asked.slice(first), options);
      if (n <= most) return first;
      const isLast = nextTurn(asked, first) >= asked.length;
      if (isLast && n <= contextTokens - room) return first;
      if (isLast || state.overflow === "error") throw new ContextOverflowError(0, n, contextTokens, room);
      most = Math.min(most, contextTokens * (1 - FREE_SHARE));
    }
  }

  function answer<S extends Schema>(
    asked: () => { readonly messages: readonly Message[]; readonly seed: number },
    options: ChatOptions<S>,
  ): Answer<SchemaOutput<S>> {
    const before = busy;
    let inner: Answer<SchemaOutput<S>> | undefined;
    const outer = startAnswer<SchemaOutput<S>>(
      async (task): Promise<AnswerResult> => {
        await before;
        task.signal.throwIfAborted();
        const { messages, seed } = asked();
        const first = forgotten(messages, options);
        inner = model.chat(withSystem(messages.slice(first)), { ...options, seed, signal: task.signal });
        for await (const event of inner) task.emit(event);
        const result = await inner.result();
        state.turns = [...messages, ...result.messages];
        state.nForgotten = first;
        state.seed = result.seed;
        return result;
      },
      () => (inner as Answer<SchemaOutput<S>>).json(),
      options.signal,
    );
    busy = outer.result().catch(() => undefined);
    return outer;
  }

  const session: Session = {
    get turns() {
      return state.turns;
    },
    get nForgotten() {
      return state.nForgotten;
    },
    get usedTokens() {
      const turns = state.turns.slice(state.nForgotten);
      return turns.length === 0 ? 0 : nTokens(turns, {}); // no prompt begins without one
    },
    get system() {
      return state.system;
    },
    set system(system) {
      state.system = system;
    },
    ask: (text, options = {}) =>
      answer(
        () => ({ messages: [...state.turns, { role: "user", content: text }], seed: seedOf(options.seed) }),
        options,
      ),
    regenerate: (options = {}) =>
      answer(() => {
        const last = state.turns.findLastIndex(({ role }) => role === "user");
        if (last < 0) throw new RangeError("nothing has been asked yet");
        const next = state.seed === undefined ? undefined : (state.seed + 1) >>> 0;
        return { messages: state.turns.slice(0, last + 1), seed: seedOf(options.seed ?? next) };
      }, options),
    edit(turn, text) {
      if (state.turns[turn]?.role !== "user")
        throw new RangeError(`"turn" expected the index of a message of the user`);
      state.turns = [...state.turns.slice(0, turn), { role: "user", content: text }];
      state.nForgotten = Math.min(state.nForgotten, turn);
    },
    fork: () => sessionOf(model, { ...state }),
    toJSON() {
      const { system, turns, nForgotten, seed, overflow } = state;
      return { version: 1, system, turns, nForgotten, seed, overflow };
    },
  };
  return session;
}

/** Index of the next message of the user, or the number of messages. */
function nextTurn(messages: readonly Message[], from: number): number {
  const next = messages.findIndex(({ role }, i) => i > from && role === "user");
  return next < 0 ? messages.length : next;
}
