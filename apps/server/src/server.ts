// The HTTP server round the handler of @ll/openai-api: who may ask, what a connection may take, health, metrics, a log.

import { randomUUID } from "node:crypto";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createAdaptorServer, type HttpBindings } from "@hono/node-server";
import type { ChatModel } from "@ll/chat";
import { ApiError, createHandler, type Handler, methodNotAllowed, propertiesOf } from "@ll/openai-api";
import { type Context, Hono, type Handler as RouteHandler } from "hono";
import { type Admission, createGuard, type GuardOptions } from "./guard.ts";
import { createMetrics } from "./metrics.ts";
import { ModelHost, type ModelHostOptions } from "./model-host.ts";
import type { Page } from "./page.ts";
import { type LogLine, RequestRecord } from "./request-record.ts";

export interface ServerOptions extends GuardOptions, Pick<ModelHostOptions, "open" | "onReload" | "onFailed"> {
  /** Names under which the model answers; `*` for any. None: its own. */
  readonly names: readonly string[];
  /** When the model was made, in seconds since 1970. */
  readonly created?: number;
  /** Of requests that have none. */
  readonly seed?: number | undefined;
  readonly version: string;
  /** GET /slots. */
  readonly hasSlots: boolean;
  /** Places in the queue, for GET /props. */
  readonly queue: number;
  readonly maxBodyBytes?: number;
  readonly pingMs?: number;
  /** Other limits of connections than those of `HTTP`. */
  readonly limits?: Partial<typeof HTTP>;
  /** What a browser gets at `/`; undefined for nothing. */
  readonly page?: Page | undefined;
  /** Gets one line for each request. */
  readonly log: (line: LogLine) => void;
  /** Told of what nobody foresaw. */
  readonly onError: (error: unknown) => void;
  readonly onReady?: (model: ChatModel) => void;
}

export interface ModelServer {
  readonly http: Server;
  readonly host: ModelHost;
  /** Told of every step of the engine. */
  readonly onStep: (step: { readonly rows: number; readonly ms: number }) => void;
  /** Answers that run or wait. */
  nAnswers(): number;
}

const MAX_BODY_BYTES = 4 * 1024 * 1024;
const REQUEST_ID = /^[\w.-]{1,64}$/;

/** Limits of a connection; what takes longer is answered with 408 and closed. */
const HTTP = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 2000,
  keepAliveTimeout: 75_000, // longer than the 60 s of proxies
};
const MAX_CONNECTIONS = 1024;

const SECURITY_HEADERS = {
  "x-content-type-options": "nosniff",
  "cross-origin-resource-policy": "same-origin",
  server: "ll",
};

interface Env {
  Bindings: HttpBindings;
  Variables: { admission: Admission; record: RequestRecord };
}

export function createModelServer(options: ServerOptions): ModelServer {
  const { version, page, log, onError, maxBodyBytes = MAX_BODY_BYTES } = options;
  const guard = createGuard({ ...options, pagePaths: page?.paths });
  const records = new WeakMap<Request, RequestRecord>();
  let handler: Handler | undefined;
  const host = new ModelHost({
    open: options.open,
    onReload: options.onReload,
    onFailed: options.onFailed,
    onReady(model) {
      const { names, pingMs } = options;
      handler = createHandler(model, {
        maxBodyBytes,
        names: names.length > 0 ? names : [model.info.name],
        created: options.created,
        seed: options.seed,
        ...(pingMs !== undefined && { pingMs }),
        onError(error) {
          void host.answerFailed(error);
          onError(error);
        },
        client: (request) => records.get(request)?.client,
        observe: (request) => records.get(request),
      });
      metrics.modelReady(model);
      options.onReady?.(model);
    },
  });
  const metrics = createMetrics(host, version);

  const app = new Hono<Env>();
  app.use(async (c, next) => {
    const { incoming, outgoing } = c.env;
    const given = String(incoming.headers["x-request-id"] ?? "");
    const id = REQUEST_ID.test(given) ? given : randomUUID();
    const record = new RequestRecord(id, routeOf(c.req.path), metrics, outgoing as ServerResponse);
    outgoing.once("close", () => record.close(outgoing as ServerResponse, log));
    c.set("record", record);
    const cors = guard.corsHeaders(incoming as IncomingMessage) ?? {};
    try {
      const admission = guard.admit(incoming as IncomingMessage);
      record.admitted(admission);
      await next();
    } catch (error) {
      c.res = refusal(error, outgoing.destroyed);
    }
    for (const [name, value] of Object.entries({ ...SECURITY_HEADERS, ...cors, "x-request-id": id })) {
      c.res.headers.set(name, value);
    }
  });
  app.options("*", () => new Response(null, { status: 204 }));
  const get = (path: string, answered: RouteHandler<Env>) => {
    app.get(path, answered);
    app.all(path, () => {
      throw methodNotAllowed("GET, HEAD");
    });
  };
  get("/health/live", (c) => c.json({ status: "ok" }));
  for (const path of ["/health", "/health/ready", "/v1/health"]) {
    get(path, () => {
      if (host.isReady) return Response.json({ status: "ok" });
      const error = host.unready();
      return Response.json({ ...error.toJSON(), status: host.trouble }, { status: 503, headers: error.headers });
    });
  }
  get("/metrics", async () => {
    const { type, text } = await metrics.text();
    return new Response(text, { headers: { "content-type": type } });
  });
  get("/props", () => Response.json(propsOf(host.ready(), options, maxBodyBytes)));
  if (options.hasSlots) get("/slots", () => Response.json(slotsOf(host.ready())));
  for (const path of page?.paths ?? []) {
    get(path, (c) => {
      const answered = page?.answer(path, c.req.raw.headers);
      if (answered !== undefined) return answered;
      throw new ApiError({ status: 404, code: "not_found", message: "Browsers get a page here; the API is under /v1" });
    });
  }
  app.all("*", (c) => answer(c));
  app.onError((error, c) => refusal(error, c.env.outgoing.destroyed));

  async function answer(c: Context<Env>): Promise<Response> {
    host.ready();
    const request = c.req.raw;
    records.set(request, c.get("record"));
    host.started();
    return (await handler?.(request)) ?? host.unready().toResponse();
  }

  /** @param isGone nobody waits for the answer: what it fails with is that */
  function refusal(error: unknown, isGone: boolean): Response {
    if (error instanceof ApiError) return error.toResponse();
    if (!isGone) onError(error);
    return new ApiError({ status: 500, code: "internal_error", message: "Something went wrong here" }).toResponse();
  }

  const http = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: true, // its own Response needs no stream of the platform: who is refused costs a quarter less
    serverOptions: { ...HTTP, ...options.limits },
  }) as Server;
  http.maxConnections = MAX_CONNECTIONS;
  return {
    http,
    host,
    onStep(step) {
      host.stepped(step.ms);
      metrics.stepped(step);
    },
    nAnswers() {
      const { running = 0, waiting = 0 } = host.model?.stats() ?? {};
      return running + waiting;
    },
  };
}

const ROUTES = new Set([
  "/",
  ...["/chat/completions", "/completions", "/embeddings", "/responses", "/models"],
  ...["/tokenize", "/detokenize", "/apply-template", "/health", "/health/live", "/health/ready"],
  ...["/metrics", "/slots", "/props"],
]);

/** A label of metrics: never what a client made up. */
function routeOf(path: string): string {
  const known = path
    .replace(/^\/v1(?=\/)/, "")
    .replace(/^\/models\/.*$/s, "/models")
    .replace(/^\/assets\/.*$/s, "/");
  return ROUTES.has(known) ? known : "other";
}

function slotsOf(model: ChatModel): object[] {
  const { contextTokens } = model.info;
  return model.stats().slots.map(({ state, held, promptTokens, cachedTokens, drawnTokens, ms }, id) => ({
    ...{ id, state, n_ctx: contextTokens, n_past: held, n_prompt: promptTokens, n_cached: cachedTokens },
    ...{ n_generated: drawnTokens, seconds: Math.round(ms) / 1000 },
  }));
}

function propsOf(model: ChatModel, { names, version, queue }: ServerOptions, bodyBytes: number): object {
  const { running, waiting } = model.stats();
  const { name, parallel } = model.info;
  return {
    model: names.find((one) => one !== "*") ?? name,
    ...propertiesOf(model),
    ...{ slots_in_use: running, waiting, version },
    limits: { body_bytes: bodyBytes, queue, n: parallel, stop: 16, tools: 64 },
  };
}
