// One answer as it comes: the request, its stream, a server that is full for a while.

import { eventsOf, RequestError } from "./connection.ts";
import type { Message, Timings, Usage } from "./records.ts";

/** What an answer is doing. */
export type Phase =
  | { readonly kind: "waiting" }
  /** The server is full or loads its model: asked again in so many seconds. */
  | { readonly kind: "retry"; readonly seconds: number; readonly reason: string }
  | { readonly kind: "prompt"; readonly done: number; readonly total: number }
  | { readonly kind: "thinking" }
  | { readonly kind: "writing" };

export interface AnswerEnd {
  readonly finish: NonNullable<Message["finish"]>;
  readonly usage: Usage | undefined;
  readonly timings: Timings | undefined;
  readonly warnings: readonly string[];
}

export interface AnswerListener {
  readonly onPhase: (phase: Phase) => void;
  readonly onSeed: (seed: number) => void;
  readonly onThought: (text: string) => void;
  readonly onText: (text: string) => void;
}

/** How a request is sent; it asks for a key where one is wanted. */
export type Ask = (path: string, body: object, signal: AbortSignal) => Promise<Response>;

/** What a stream of the API has, of chats and of completions. */
interface Chunk {
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string | null; readonly reasoning_content?: string | null };
    readonly text?: string;
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: {
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
    readonly prompt_tokens_details?: { readonly cached_tokens?: number };
  } | null;
  readonly prompt_progress?: { readonly total: number; readonly processed: number };
  readonly ll?: {
    readonly seed?: number;
    readonly warnings?: readonly string[];
    readonly timings?: { readonly prompt_ms: number; readonly predicted_ms: number };
  };
}

const RETRIES = 2;
const RETRY_MS = 5000;

/** @throws RequestError, and the reason of the signal */
export async function streamAnswer(
  ask: Ask,
  path: string,
  fields: object,
  signal: AbortSignal,
  listener: AnswerListener,
): Promise<AnswerEnd> {
  const body = { ...fields, stream: true, stream_options: { include_usage: true }, return_progress: true };
  const startedAt = performance.now();
  for (let attempt = 0; ; attempt++) {
    listener.onPhase({ kind: "waiting" });
    try {
      const response = await ask(path, body, signal);
      return await readAnswer(response, startedAt, signal, listener);
    } catch (error) {
      const isFull = error instanceof RequestError && error.status === 503;
      if (!isFull || attempt >= RETRIES) throw error;
      await countDown(error, signal, listener);
    }
  }
}

async function countDown(error: RequestError, signal: AbortSignal, { onPhase }: AnswerListener): Promise<void> {
  const reason = error.message;
  for (let seconds = Math.ceil((error.retryMs ?? RETRY_MS) / 1000); seconds > 0; seconds--) {
    onPhase({ kind: "retry", seconds, reason });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    signal.throwIfAborted();
  }
}

async function readAnswer(
  response: Response,
  startedAt: number,
  signal: AbortSignal,
  { onPhase, onSeed, onThought, onText }: AnswerListener,
): Promise<AnswerEnd> {
  let phase = "waiting";
  let firstMs: number | undefined;
  let finish: AnswerEnd["finish"] = "cut";
  let usage: Usage | undefined;
  let own: Chunk["ll"] = {};
  const begin = (kind: "thinking" | "writing"): void => {
    firstMs ??= performance.now() - startedAt;
    if (phase !== kind) onPhase({ kind });
    phase = kind;
  };
  for await (const event of eventsOf(response, signal)) {
    const { choices = [], usage: used, prompt_progress: progress, ll } = event as Chunk;
    if (progress !== undefined) onPhase({ kind: "prompt", done: progress.processed, total: progress.total });
    if (ll !== undefined) own = { ...own, ...ll };
    if (ll?.seed !== undefined) onSeed(ll.seed);
    if (used) {
      const { prompt_tokens: prompt, completion_tokens: completion, prompt_tokens_details: details } = used;
      usage = { prompt, completion, cached: details?.cached_tokens ?? 0 };
    }
    const [choice] = choices;
    const thought = choice?.delta?.reasoning_content ?? "";
    const text = choice?.delta?.content ?? choice?.text ?? "";
    if (thought !== "") {
      begin("thinking");
      onThought(thought);
    }
    if (text !== "") {
      begin("writing");
      onText(text);
    }
    const reason = choice?.finish_reason;
    if (reason === "stop" || reason === "length" || reason === "tool_calls") finish = reason;
  }
  const { prompt_ms: promptMs = 0, predicted_ms: generateMs = 0 } = own.timings ?? {};
  const timings = own.timings && { firstMs: firstMs ?? performance.now() - startedAt, promptMs, generateMs };
  return { finish, usage, timings, warnings: own.warnings ?? [] };
}
