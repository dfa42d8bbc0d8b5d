// POST /v1/chat/completions.

import type { AnswerResult, ChatOptions, TokenLogprob } from "@ll/chat";
import * as v from "valibot";
import { chatLogprob, FINISH_REASONS, newId, ownPart, usageOf } from "./answer-parts.ts";
import { invalidValue, unsupported } from "./api-error.ts";
import { answeringName, observedChoices, type RequestContext, streamChoices } from "./context.ts";
import {
  formatField,
  messagesField,
  messagesOf,
  schemaOf,
  toolChoiceField,
  toolChoiceOf,
  toolsField,
  toolsOf,
} from "./conversation.ts";
import type { EventStream } from "./event-stream.ts";
import type { JsonObject } from "./request-body.ts";
import type { ChoiceEvent } from "./run-choices.ts";
import { choicesField, GENERATION_FIELDS, generateOptions, integerBetween } from "./sampling-fields.ts";
import { object, validate } from "./validate.ts";

const REFUSED = ["functions", "function_call", "audio", "web_search_options"];
const MAX_TOP_LOGPROBS = 20;

const FIELDS = {
  ...GENERATION_FIELDS,
  messages: messagesField,
  max_tokens: integerBetween(1, Number.MAX_SAFE_INTEGER),
  max_completion_tokens: integerBetween(1, Number.MAX_SAFE_INTEGER),
  logprobs: v.optional(v.boolean()),
  top_logprobs: integerBetween(0, MAX_TOP_LOGPROBS),
  response_format: formatField,
  tools: toolsField,
  tool_choice: toolChoiceField,
  parallel_tool_calls: v.optional(v.boolean()),
  modalities: v.optional(v.array(v.string())),
  reasoning_effort: v.optional(v.string()),
  chat_template_kwargs: v.optional(object),
};

type Head = Readonly<Record<"id" | "object" | "created" | "model" | "system_fingerprint", unknown>>;

/** @throws ApiError, and what `chat` of the model throws */
export async function chatCompletions(context: RequestContext, body: JsonObject): Promise<Response> {
  const { model, created, fingerprint, signal, client } = context;
  const fields = validate(v.object({ ...FIELDS, n: choicesField(context) }), body, REFUSED);
  const name = answeringName(context, fields.model);
  if (fields.modalities?.some((one) => one !== "text")) throw unsupported("modalities", `expected ["text"]`);
  if (fields.top_logprobs !== undefined && fields.logprobs !== true) {
    throw invalidValue("top_logprobs", "expected logprobs: true beside it");
  }
  const messages = messagesOf(fields.messages);
  const tools = toolsOf((fields.tools ?? []).map(({ type, function: tool }) => ({ type, tool })));
  const schema = schemaOf(fields.response_format, "response_format");
  const maxTokens = fields.max_completion_tokens ?? fields.max_tokens;
  const options: ChatOptions & { readonly seed: number } = {
    ...generateOptions(fields, context),
    ...(maxTokens !== undefined && { maxTokens }),
    ...(fields.logprobs && { logprobs: fields.top_logprobs ?? 0 }),
    ...(schema !== undefined && { schema }),
    ...templateOptions(fields),
    tools,
    toolChoice: toolChoiceOf(fields.tool_choice, tools),
    parallelToolCalls: fields.parallel_tool_calls ?? true,
    signal,
    client,
  };
  const { n = 1 } = fields;
  const { seed } = options;
  const start = (one: number) => model.chat(messages, { ...options, seed: one });
  const head: Head = {
    id: newId("chatcmpl-"),
    object: fields.stream ? "chat.completion.chunk" : "chat.completion",
    created,
    model: name,
    system_fingerprint: fingerprint,
  };
  if (!fields.stream) {
    const results = await observedChoices(context, [start], n, seed, () => undefined).results;
    return Response.json({
      ...head,
      choices: results.map((result, index) => choiceOf(result, index, fields.logprobs === true)),
      usage: usageOf(results, n),
      ll: { seed, ...ownPart(results) },
    });
  }
  const withUsage = fields.stream_options?.include_usage === true;
  return streamChoices(context, "messages", (stream) => {
    const writer = new ChunkWriter(stream, head, seed, withUsage, fields.return_progress === true);
    return {
      choices: observedChoices(context, [start], n, seed, (index, event) => writer.write(index, event)),
      finish: (results) => writer.finish(results, n),
    };
  });
}

/** What templates call the wish to think, and whatever else they ask for. */
export function templateOptions({
  chat_template_kwargs: kwargs,
  reasoning_effort: effort,
}: {
  readonly chat_template_kwargs?: JsonObject | undefined;
  readonly reasoning_effort?: string | undefined;
}): Pick<ChatOptions, "think" | "templateArguments"> {
  const { enable_thinking: enabled, thinking = enabled, ...others } = kwargs ?? {};
  const think = typeof thinking === "boolean" ? thinking : effort === "none" ? false : undefined;
  const templateArguments = { ...others, ...(effort !== undefined && { reasoning_effort: effort }) };
  return { ...(think !== undefined && { think }), templateArguments };
}

function choiceOf(
  { text, reasoning, toolCalls, finish, logprobs }: AnswerResult,
  index: number,
  withLogprobs: boolean,
) {
  const calls = toolCalls.map(({ id, name, arguments: args, argumentsText }) => ({
    id,
    type: "function",
    function: { name, arguments: argumentsText ?? JSON.stringify(args) },
  }));
  const message = {
    role: "assistant",
    content: calls.length > 0 && text === "" ? null : text,
    refusal: null,
    ...(reasoning !== "" && { reasoning_content: reasoning }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
  return {
    index,
    message,
    logprobs: withLogprobs ? logprobsOf(logprobs) : null,
    finish_reason: FINISH_REASONS[finish],
  };
}

function logprobsOf(logprobs: readonly TokenLogprob[]) {
  return { content: logprobs.map(chatLogprob), refusal: null };
}

function choice(index: number, delta: object, logprobs: object | null, finish: string | null) {
  return { index, delta, logprobs, finish_reason: finish };
}

/** Chunks of a stream. The first of a choice says who speaks, and waits until it is known whether a call is all there is. */
class ChunkWriter {
  readonly #stream: EventStream;
  readonly #head: Head;
  readonly #seed: number;
  readonly #withUsage: boolean;
  readonly #withProgress: boolean;
  readonly #startedAt = Date.now();
  readonly #begun = new Set<number>();
  readonly #nCalls = new Map<number, number>();

  constructor(stream: EventStream, head: Head, seed: number, withUsage: boolean, withProgress: boolean) {
    this.#stream = stream;
    this.#head = head;
    this.#seed = seed;
    this.#withUsage = withUsage;
    this.#withProgress = withProgress;
  }

  write(index: number, event: ChoiceEvent): void {
    switch (event.type) {
      case "prompt":
        if (this.#withProgress && index === 0) {
          const { total, cached, done } = event;
          const time_ms = Date.now() - this.#startedAt;
          this.#chunk([], { prompt_progress: { total, cache: cached, processed: done, time_ms } });
        }
        return;
      case "reasoning":
        this.#begin(index, "");
        this.#chunk([choice(index, { reasoning_content: event.text }, null, null)]);
        return;
      case "text":
        this.#begin(index, "");
        this.#chunk([choice(index, { content: event.text }, event.logprobs ? logprobsOf(event.logprobs) : null, null)]);
        return;
      case "tool-call-start": {
        this.#begin(index, null);
        const call = this.#nCalls.get(index) ?? 0;
        this.#nCalls.set(index, call + 1);
        const { id, name } = event;
        this.#call(index, { index: call, id, type: "function", function: { name, arguments: "" } });
        return;
      }
      case "tool-call-delta":
        this.#call(index, { index: (this.#nCalls.get(index) ?? 1) - 1, function: { arguments: event.delta } });
        return;
      case "tool-call":
    }
  }

  /** @param n choices */
  finish(results: readonly AnswerResult[], n: number): void {
    for (const [index, { finish }] of results.entries()) {
      this.#begin(index, "");
      const own = index === results.length - 1 ? { ll: ownPart(results) } : {};
      this.#chunk([choice(index, {}, null, FINISH_REASONS[finish])], own);
    }
    if (this.#withUsage) this.#stream.send({ ...this.#head, choices: [], usage: usageOf(results, n) });
    this.#stream.send("[DONE]");
  }

  #chunk(choices: readonly object[], own: object = {}): void {
    this.#stream.send({ ...this.#head, choices, ...(this.#withUsage && { usage: null }), ...own });
  }

  #call(index: number, call: object): void {
    this.#chunk([choice(index, { tool_calls: [call] }, null, null)]);
  }

  #begin(index: number, content: "" | null): void {
    if (this.#begun.has(index)) return;
    const own = this.#begun.size === 0 ? { ll: { seed: this.#seed } } : {};
    this.#begun.add(index);
    this.#chunk([choice(index, { role: "assistant", content }, null, null)], own);
  }
}
