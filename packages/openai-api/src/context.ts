// What every endpoint knows of the model and of the request that it answers.

import type { AnswerResult, ChatModel } from "@ll/chat";
import { ApiError, apiErrorOf } from "./api-error.ts";
import { EventStream } from "./event-stream.ts";
import { shown } from "./request-body.ts";
import { type ChoiceEvent, type Choices, runChoices } from "./run-choices.ts";

export interface RequestContext {
  readonly model: ChatModel;
  /** Names under which the model answers; `*` for any. The first is the one that answers tell if none was asked for. */
  readonly names: readonly string[];
  /** Seconds since 1970. */
  readonly created: number;
  readonly fingerprint: string;
  readonly pingMs: number;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** Told of errors that nobody foresaw. */
  readonly onError: (error: unknown) => void;
  /** Of requests that have none; undefined: drawn. */
  readonly seed: number | undefined;
  /** Most `n` of a request. */
  readonly maxChoices: number;
  /** Who asks, for the queue. */
  readonly client: string | undefined;
  readonly observer: AnswerObserver | undefined;
}

/** Is told of the answers to one request. */
export interface AnswerObserver {
  /** @param index of the choice */
  event(index: number, event: ChoiceEvent): void;
  /** All have ended. */
  end(results: readonly AnswerResult[]): void;
  fail(error: unknown): void;
}

/** Runs the choices of a request, and tells whoever observes it. */
export function observedChoices(
  { observer }: RequestContext,
  ...[starts, n, seed, onEvent]: Parameters<typeof runChoices>
): Choices {
  const choices = runChoices(starts, n, seed, (index, event) => {
    observer?.event(index, event);
    onEvent(index, event);
  });
  if (observer !== undefined) choices.results.then(observer.end, observer.fail);
  return choices;
}

/** The name to answer with. @throws ApiError 404 */
export function answeringName({ names }: RequestContext, asked: string | undefined): string {
  if (asked === undefined) return names.find((name) => name !== "*") ?? "*";
  if (names.includes(asked) || names.includes("*")) return asked;
  throw new ApiError({
    status: 404,
    code: "model_not_found",
    param: "model",
    message: `No model ${shown(asked)} here. Models: ${names.join(", ")}`,
  });
}

/** Milliseconds after which whoever found no place is to come again. */
const RETRY_MS = { least: 1000, most: 60_000 };

/** The error to answer with. @param prompt field of the request that the prompt comes from */
export function answeredError(error: unknown, prompt: string, { model, onError }: RequestContext): ApiError {
  const { answerMs, waiting } = model.stats();
  const estimate = (answerMs * (waiting + 1)) / model.info.parallel;
  const retryMs = Math.min(Math.max(estimate, RETRY_MS.least), RETRY_MS.most);
  const known = apiErrorOf(error, prompt, retryMs);
  if (known === undefined || known.status === 500) onError(error);
  return (
    known ?? new ApiError({ status: 500, code: "internal_error", message: "Something went wrong here; this is a bug" })
  );
}

export interface ChoicesStream {
  readonly choices: Choices;
  /** What comes when all have ended. */
  finish(results: Awaited<Choices["results"]>): void;
  /** What comes when one has failed; the error itself if absent. */
  fail?(error: ApiError): void;
}

/**
 * A stream of what choices do. Headers are sent when every prompt has been taken: what can be refused is refused before.
 * @param prompt field of the request that the prompt comes from
 * @param end what comes when all choices have ended
 * @throws whatever the prompts are refused with
 */
export async function streamChoices(
  context: RequestContext,
  prompt: string,
  start: (stream: EventStream) => ChoicesStream,
): Promise<Response> {
  const { pingMs, signal, model } = context;
  let started: ChoicesStream | undefined;
  const stream = new EventStream({ pingMs, onGone: (reason) => started?.choices.cancel(reason) });
  const { choices, finish, fail = (error) => stream.send(error) } = start(stream);
  started = { choices, finish };
  choices.results
    .then(finish)
    .catch((error: unknown) => {
      if (signal.aborted) stream.abort(signal.reason);
      else if (!stream.isGone) fail(answeredError(error, prompt, context));
    })
    .finally(() => stream.close());
  await choices.accepted;
  const { running, waiting } = model.stats();
  if (running + waiting > model.info.parallel) stream.ping(); // it may wait: proxies and clients see life
  return stream.response();
}
