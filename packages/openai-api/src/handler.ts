// OpenAI's API over a model: a function from Request to Response. It opens no socket: an HTTP server, a page and tests call it, and so
// does every client that takes a `fetch`.

import type { Fetch, Request as HttpRequest } from "@ll/bytes";
import type { ChatModel } from "@ll/chat";
import { fingerprintOf } from "./answer-parts.ts";
import { ApiError, methodNotAllowed } from "./api-error.ts";
import { chatCompletions } from "./chat-completions.ts";
import { completions } from "./completions.ts";
import { type AnswerObserver, answeredError, type RequestContext } from "./context.ts";
import { applyTemplate, detokenize, listModels, oneModel, tokenize } from "./model-routes.ts";
import { type JsonObject, readJsonBody } from "./request-body.ts";

export interface HandlerOptions {
  /** Names under which the model answers; `*` for any. Default: its own, and any. */
  readonly names?: readonly string[] | undefined;
  /** When the model was made, in seconds since 1970. Default: now. */
  readonly created?: number | undefined;
  /** Seed of requests that have none. Default: drawn. */
  readonly seed?: number | undefined;
  /** Most choices of a request, `n`. Default: as many as the model generates at the same time. */
  readonly maxChoices?: number | undefined;
  /** Bytes of a request's body. Default 4 MiB. */
  readonly maxBodyBytes?: number | undefined;
  /** Milliseconds of silence in a stream after which a comment is sent. Default 15,000. */
  readonly pingMs?: number | undefined;
  /** Told of errors that are answered with status 500. */
  readonly onError?: ((error: unknown) => void) | undefined;
  /** Who asks: clients take turns in the queue, and take over what prompts of their own hold alone. Default: all are one. */
  readonly client?: ((request: HttpRequest) => string | undefined) | undefined;
  /** Who is told of the answers to a request. */
  readonly observe?: ((request: HttpRequest) => AnswerObserver | undefined) | undefined;
}

/** A `fetch` that asks a model. */
export type Handler = Fetch;

type Endpoint = (context: RequestContext, body: JsonObject) => Response | Promise<Response>;

interface Route {
  readonly answer: Endpoint;
  /** Field of the request that the prompt comes from. */
  readonly prompt: string;
  /** Its answers take a place in the queue. */
  readonly isQueued?: boolean;
}

const DEFAULT_BODY_BYTES = 4 * 1024 * 1024;
const DEFAULT_PING_MS = 15_000;

/** Pages that never ask for it do not load it. */
function loaded(load: () => Promise<Endpoint>): Endpoint {
  return async (context, body) => (await load())(context, body);
}

/** Under these paths, and under /v1 in front of them. */
const POSTS: ReadonlyMap<string, Route> = new Map([
  ["/chat/completions", { answer: chatCompletions, prompt: "messages", isQueued: true }],
  ["/completions", { answer: completions, prompt: "prompt", isQueued: true }],
  ["/embeddings", { answer: loaded(async () => (await import("./embeddings.ts")).embeddings), prompt: "input" }],
  [
    "/responses",
    { answer: loaded(async () => (await import("./responses.ts")).responses), prompt: "input", isQueued: true },
  ],
  ["/tokenize", { answer: tokenize, prompt: "content" }],
  ["/detokenize", { answer: detokenize, prompt: "tokens" }],
  ["/apply-template", { answer: applyTemplate, prompt: "messages" }],
]);

/**
 * @example const client = new OpenAI({ baseURL: "http://ll.invalid/v1", apiKey: "-", fetch: createHandler(model) });
 */
export function createHandler(model: ChatModel, options: HandlerOptions = {}): Handler {
  const { maxBodyBytes = DEFAULT_BODY_BYTES, pingMs = DEFAULT_PING_MS, onError = () => undefined } = options;
  const { names = [model.info.name, "*"], created = Math.floor(Date.now() / 1000) } = options;
  const fingerprint = fingerprintOf(model.info);
  return async (input: Request | URL | string, init?: RequestInit): Promise<Response> => {
    const request = input instanceof Request && init === undefined ? input : new Request(input, init);
    // the signal itself: one that follows it may be forgotten before it is heard
    const signal = init?.signal ?? request.signal;
    const context: RequestContext = {
      ...{ model, names, created, fingerprint, pingMs, signal, onError },
      seed: options.seed,
      maxChoices: options.maxChoices ?? model.info.parallel,
      client: options.client?.(request),
      observer: options.observe?.(request),
    };
    let prompt = "";
    try {
      const path = new URL(request.url).pathname.replace(/^\/v1(?=\/)/, "");
      const route = POSTS.get(path);
      if (route === undefined) return get(context, path, request.method);
      prompt = route.prompt;
      if (request.method !== "POST") throw methodNotAllowed("POST");
      if (route.isQueued) model.assertRoom(); // before the body is read: to refuse has to be cheap where many ask
      return await route.answer(context, await readJsonBody(request, maxBodyBytes));
    } catch (error) {
      if (signal.aborted) throw signal.reason; // as `fetch` does
      return answeredError(error, prompt, context).toResponse();
    }
  };
}

/** @throws ApiError 404, 405 */
function get(context: RequestContext, path: string, method: string): Response {
  const [, name] = /^\/models(?:\/(.+))?$/s.exec(path) ?? [undefined, ""];
  if (name === "") throw new ApiError({ status: 404, code: "not_found", message: "No such path" });
  if (method !== "GET" && method !== "HEAD") throw methodNotAllowed("GET, HEAD");
  const response = name === undefined ? listModels(context) : oneModel(context, decoded(name));
  return method === "GET" ? response : new Response(null, response);
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
