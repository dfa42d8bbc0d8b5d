// An answer that has started: events that any number of readers see from the beginning, and promises beside them.

import type { AbortSignal as Signal } from "@ll/bytes";
import { AnswerError } from "./errors.ts";
import type { ToolCall } from "./format/output-part.ts";
import type { Message } from "./messages.ts";

/** Why an answer ended: the model's end of text, a stop text, most tokens or the end of the context, calls that the caller is to run. */
export type Finish = "eos" | "stop" | "length" | "tool-calls";

export interface TokenLogprob {
  readonly id: number;
  readonly bytes: Uint8Array;
  /** Natural logarithm of the softmax of the raw logits. */
  readonly logprob: number;
  /** The most likely ids, as many as were asked for. */
  readonly top: readonly { readonly id: number; readonly bytes: Uint8Array; readonly logprob: number }[];
}

export type AnswerEvent =
  /** Tokens of the prompt that are in the cache: `done` of `total`, `cached` of them from before. The first comes when it is accepted. */
  | { readonly type: "prompt"; readonly total: number; readonly cached: number; readonly done: number }
  | { readonly type: "reasoning"; readonly text: string }
  | { readonly type: "text"; readonly text: string; readonly logprobs?: readonly TokenLogprob[] }
  | { readonly type: "tool-call-start"; readonly id: string; readonly name: string }
  | { readonly type: "tool-call-delta"; readonly id: string; readonly delta: string }
  | { readonly type: "tool-call"; readonly call: ToolCall }
  | { readonly type: "tool-result"; readonly id: string; readonly result: string; readonly isError: boolean }
  | { readonly type: "finish"; readonly finish: Finish };

export interface Usage {
  readonly promptTokens: number;
  /** Of the prompt, those that were in the cache from before. */
  readonly cachedTokens: number;
  /** Tokens drawn, an end of text included. */
  readonly completionTokens: number;
  /** Of these, those of thoughts. */
  readonly reasoningTokens: number;
  /** Tokens that were guessed, and those of them that were drawn: these cost no pass of their own. */
  readonly draftedTokens: number;
  readonly acceptedTokens: number;
}

/** Milliseconds. */
export interface Timings {
  readonly queueMs: number;
  readonly promptMs: number;
  readonly generateMs: number;
}

export interface AnswerResult {
  readonly text: string;
  readonly reasoning: string;
  readonly finish: Finish;
  /** Calls that nobody ran. */
  readonly toolCalls: readonly ToolCall[];
  /** To append to the conversation. */
  readonly messages: readonly Message[];
  readonly usage: Usage;
  readonly timings: Timings;
  /** With it, the same answer comes again. */
  readonly seed: number;
  readonly logprobs: readonly TokenLogprob[];
  /** With that option: of each token of the prompt but the first. */
  readonly promptLogprobs: readonly TokenLogprob[];
  readonly warnings: readonly string[];
  /** With `n`, the answers beside this one. */
  readonly alternatives: readonly AnswerResult[];
}

/**
 * Starts at once. Read it in one way or in several; leaving a loop early, or `cancel()`, stops the work within a step. An answer that
 * nobody reads raises no unhandled rejection.
 */
export interface Answer<T = unknown> extends AsyncIterable<AnswerEvent> {
  readonly textStream: AsyncIterable<string>;
  /** All of it; of chats without white space at both ends. */
  text(): Promise<string>;
  /** What the text holds, with `schema` as its library has it. @throws AnswerError `E_CUT` if the limit came first, `E_INVALID` */
  json(): Promise<T>;
  result(): Promise<AnswerResult>;
  cancel(reason?: unknown): void;
}

/** What the maker of an answer gets. */
export interface AnswerTask {
  /** Aborted by `cancel`, by a reader that leaves, and by the caller's signal. */
  readonly signal: Signal;
  emit(event: AnswerEvent): void;
}

/** @param parse makes the value of `json()` */
export function startAnswer<T>(
  run: (task: AnswerTask) => Promise<AnswerResult>,
  parse: (result: AnswerResult) => Promise<T>,
  signal: Signal | undefined,
): Answer<T> {
  const events: AnswerEvent[] = [];
  const own = new AbortController();
  let waiting: (() => void)[] = [];
  const wake = (): void => {
    for (const resolve of waiting) resolve();
    waiting = [];
  };
  let isOver = false;
  const task: AnswerTask = {
    signal: signal === undefined ? own.signal : AbortSignal.any([own.signal, signal]),
    emit(event) {
      events.push(event);
      wake();
    },
  };
  const result = (async () => {
    try {
      return await run(task);
    } finally {
      isOver = true;
      wake();
    }
  })();
  result.catch(() => undefined); // whoever asks for it gets the rejection
  const cancel = (reason: unknown = new AnswerError("E_CANCELLED", "the answer was cancelled")): void =>
    own.abort(reason);

  async function* read(): AsyncGenerator<AnswerEvent, void, undefined> {
    let isRead = false;
    try {
      for (let at = 0; ; at++) {
        while (at >= events.length && !isOver) await new Promise<void>((resolve) => waiting.push(resolve));
        const event = events[at];
        if (event === undefined) break;
        yield event;
      }
      await result;
      isRead = true;
    } finally {
      if (!isRead) cancel();
    }
  }

  async function* readText(): AsyncGenerator<string, void, undefined> {
    for await (const event of read()) if (event.type === "text" && event.text !== "") yield event.text;
  }

  return {
    [Symbol.asyncIterator]: read,
    textStream: { [Symbol.asyncIterator]: readText },
    text: async () => (await result).text,
    json: async () => parse(await result),
    result: () => result,
    cancel,
  };
}
