// The embedded model with a template of few words, and what asks it.

import { type ChatModel, type OpenOptions, openModel } from "@ll/chat";
import { SHORT_TEMPLATE, tinyModel } from "../../../../tools/tiny-model.ts";
import { createHandler, type Handler, type HandlerOptions } from "../../src/index.ts";

export async function smallModel(options: OpenOptions = {}): Promise<ChatModel> {
  return openModel(await tinyModel("q4_0"), { template: SHORT_TEMPLATE, contextTokens: 512, ...options });
}

export interface Asked {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look at answers of all kinds
  readonly body: any;
}

export type Ask = (path: string, body?: object | string, init?: RequestInit) => Promise<Asked>;

/** Asks a handler without a client. */
export function asker(
  model: ChatModel,
  options: HandlerOptions = {},
): { readonly ask: Ask; readonly handler: Handler } {
  const handler = createHandler(model, { names: ["tiny"], created: 1, ...options });
  const ask: Ask = async (path, body, init = {}) => {
    const headers = { "content-type": "application/json" };
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const sent = body === undefined ? {} : { method: "POST", headers, body: text };
    const response = await handler(`http://ll.invalid${path}`, { ...sent, ...init });
    const answer = await response.text();
    const isJson = response.headers.get("content-type")?.startsWith("application/json");
    return {
      status: response.status,
      headers: response.headers,
      body: isJson && answer !== "" ? JSON.parse(answer) : answer,
    };
  };
  return { ask, handler };
}

/** The data of events, in order; `[DONE]` as it is. */
export function eventsOf(stream: string) {
  return stream
    .split("\n\n")
    .flatMap((event) => /^data: (.*)$/m.exec(event)?.[1] ?? [])
    .map((data) => (data === "[DONE]" ? data : JSON.parse(data)));
}
