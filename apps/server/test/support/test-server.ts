// A server over the embedded model, on a port of its own.

import { type Agent, type IncomingHttpHeaders, request } from "node:http";
import type { AddressInfo } from "node:net";
import { openModel } from "@ll/chat";
import { afterEach, expect } from "vitest";
import { SHORT_TEMPLATE, tinyModel } from "../../../../tools/tiny-model.ts";
import type { LogLine } from "../../src/request-record.ts";
import { createModelServer, type ModelServer, type ServerOptions } from "../../src/server.ts";

export interface TestServer extends ModelServer {
  readonly url: string;
  readonly port: number;
  readonly lines: LogLine[];
  readonly errors: unknown[];
  close(): Promise<void>;
}

export interface TestOptions extends Partial<ServerOptions> {
  readonly slots?: number;
  readonly contexts?: number;
  readonly maxWaiting?: number;
  readonly maxStepMs?: number;
  readonly contextTokens?: number;
  readonly threads?: number;
  /** Of a socket to listen on instead of a port. */
  readonly path?: string;
  readonly isLoaded?: boolean;
}

export async function startServer(options: TestOptions = {}): Promise<TestServer> {
  const { slots = 4, contexts = 2 * slots, maxWaiting = 64, maxStepMs, contextTokens = 256, isLoaded = true } = options;
  const { threads, path } = options;
  const lines: LogLine[] = [];
  const errors: unknown[] = [];
  const bytes = await tinyModel("q4_0");
  const server = createModelServer({
    ...{ host: "127.0.0.1", allowHosts: [], allowOrigins: [], keys: [], names: ["tiny"], version: "0", hasSlots: true },
    queue: maxWaiting,
    open: () =>
      openModel(bytes, {
        ...{ template: SHORT_TEMPLATE, contextTokens, parallel: slots, threads },
        scheduler: { contexts, maxWaiting, maxStepMs, onStep: (step) => server.onStep(step) },
      }),
    log: (line) => lines.push(line),
    onError: (error) => errors.push(error),
    onReload: () => undefined,
    onFailed: () => undefined,
    ...options,
  });
  const address = path === undefined ? { host: "127.0.0.1", port: 0 } : { path };
  await new Promise<void>((resolve) => server.http.listen(address, resolve));
  if (isLoaded) await server.host.load();
  const { port } = server.http.address() as AddressInfo;
  return {
    ...server,
    port,
    url: `http://127.0.0.1:${port}`,
    lines,
    errors,
    async close() {
      server.http.closeAllConnections();
      await new Promise((resolve) => server.http.close(resolve));
      await server.host.close();
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  // biome-ignore lint/suspicious/noExplicitAny: tests look at answers of all kinds
  readonly body: any;
}

export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object | string;
  readonly agent?: Agent;
}

/** A request with exactly these headers, as no `fetch` sends it. */
export function ask(port: number, path: string, { method, headers = {}, body, agent }: Asked = {}): Promise<Answer> {
  const text = typeof body === "object" ? JSON.stringify(body) : body;
  const sent = { ...(text !== undefined && { "content-type": "application/json" }), ...headers };
  return new Promise((resolve, reject) => {
    const options = {
      host: "127.0.0.1",
      port,
      path,
      method: method ?? (text === undefined ? "GET" : "POST"),
      headers: sent,
      ...(agent !== undefined && { agent }),
    };
    const outgoing = request(options, (incoming) => {
      let answer = "";
      incoming.setEncoding("utf8");
      incoming.on("data", (piece: string) => {
        answer += piece;
      });
      incoming.on("end", () => {
        const isJson = incoming.headers["content-type"]?.startsWith("application/json") && answer !== "";
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          body: isJson ? JSON.parse(answer) : answer,
        });
      });
      incoming.on("error", reject);
    });
    outgoing.on("error", reject);
    outgoing.end(text);
  });
}

/** A function that starts servers, each of which ends with its test: then it must have met nothing unforeseen. */
export function startsServers(): (options?: TestOptions) => Promise<TestServer> {
  const running: TestServer[] = [];
  afterEach(async () => {
    for (const server of running.splice(0)) {
      expect(server.errors).toEqual([]);
      await server.close();
    }
  });
  return async (options) => {
    const server = await startServer(options);
    running.push(server);
    return server;
  };
}
