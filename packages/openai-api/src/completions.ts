// POST /v1/completions: goes on with a text, as ll-main does.

import type { AnswerResult, CompleteOptions, TokenLogprob } from "@ll/chat";
import * as v from "valibot";
import { FINISH_REASONS, finite, newId, ownPart, tokenText, usageOf } from "./answer-parts.ts";
import { unsupported } from "./api-error.ts";
import { answeringName, observedChoices, type RequestContext, streamChoices } from "./context.ts";
import { formatField, schemaOf } from "./conversation.ts";
import { idsOf, type Prompt, promptsOf, type Tokenizer } from "./prompts.ts";
import type { JsonObject } from "./request-body.ts";
import { choicesField, GENERATION_FIELDS, generateOptions, integerBetween } from "./sampling-fields.ts";
import { validate } from "./validate.ts";

const MAX_PROMPTS = 64;
const MAX_LOGPROBS = 5;
const DEFAULT_MAX_TOKENS = 16;

const FIELDS = {
  ...GENERATION_FIELDS,
  prompt: v.optional(v.unknown()),
  max_tokens: integerBetween(1, Number.MAX_SAFE_INTEGER),
  logprobs: integerBetween(0, MAX_LOGPROBS),
  response_format: formatField,
  echo: v.optional(v.boolean()),
  best_of: v.optional(v.number()),
};

/** @throws ApiError, and what `complete` of the model throws */
export async function completions(context: RequestContext, body: JsonObject): Promise<Response> {
  const { model, created, fingerprint, signal, client } = context;
  const { tokenizer } = model;
  const fields = validate(v.object({ ...FIELDS, n: choicesField(context) }), body, ["suffix"]);
  const name = answeringName(context, fields.model);
  const { n = 1, max_tokens: maxTokens = DEFAULT_MAX_TOKENS, logprobs, echo = false } = fields;
  if (fields.best_of !== undefined && fields.best_of !== n) throw unsupported("best_of", `expected ${n}, as n`);
  const schema = schemaOf(fields.response_format, "response_format");
  const prompts = promptsOf(fields.prompt, "prompt", MAX_PROMPTS, tokenizer);
  const options: CompleteOptions & { readonly seed: number } = {
    ...generateOptions(fields, context),
    maxTokens,
    ...(schema !== undefined && { schema }),
    ...(logprobs !== undefined && { logprobs, ...(echo && { promptLogprobs: logprobs }) }),
    signal,
    client,
  };
  const { seed } = options;
  const starts = prompts.map((prompt) => (one: number) => model.complete(prompt, { ...options, seed: one }));
  const head = {
    id: newId("cmpl-"),
    object: "text_completion",
    created,
    model: name,
    system_fingerprint: fingerprint,
  };
  if (fields.stream && echo && logprobs !== undefined) throw unsupported("echo", "with logprobs is not streamed");
  const echoed = prompts.map((prompt) => (echo ? textOf(prompt, tokenizer) : ""));
  if (!fields.stream) {
    const results = await observedChoices(context, starts, n, seed, () => undefined).results;
    const choices = results.map((result, index) => {
      const prompt = Math.floor(index / n);
      const { text, finish } = result;
      const part = echo ? echoedLogprobs(prompts[prompt] ?? "", result, tokenizer) : logprobsOf(result.logprobs, 0);
      return {
        index,
        text: echoed[prompt] + text,
        logprobs: logprobs === undefined ? null : part,
        finish_reason: FINISH_REASONS[finish],
      };
    });
    return Response.json({ ...head, choices, usage: usageOf(results, n), ll: { seed, ...ownPart(results) } });
  }
  const withUsage = fields.stream_options?.include_usage === true;
  return streamChoices(context, "prompt", (stream) => {
    const offsets = new Map<number, number>();
    const begun = new Set<number>();
    const send = (
      index: number,
      text: string,
      finish: string | null,
      tokens: readonly TokenLogprob[],
      own = {},
    ): void => {
      const shown = begun.has(index) ? text : (echoed[Math.floor(index / n)] ?? "") + text;
      const first = begun.size === 0 ? { ll: { seed } } : {};
      begun.add(index);
      const at = offsets.get(index) ?? 0;
      const part = tokens.length === 0 ? null : logprobsOf(tokens, at);
      offsets.set(index, at + tokens.reduce((sum, { bytes }) => sum + tokenText(bytes).length, 0));
      const choices = [{ index, text: shown, logprobs: part, finish_reason: finish }];
      stream.send({ ...head, choices, ...(withUsage && { usage: null }), ...first, ...own });
    };
    return {
      choices: observedChoices(context, starts, n, seed, (index, event) => {
        if (event.type === "text") send(index, event.text, null, event.logprobs ?? []);
      }),
      finish(results) {
        for (const [index, { finish }] of results.entries()) {
          send(index, "", FINISH_REASONS[finish], [], index === results.length - 1 ? { ll: ownPart(results) } : {});
        }
        if (withUsage) stream.send({ ...head, choices: [], usage: usageOf(results, n) });
        stream.send("[DONE]");
      },
    };
  });
}

function textOf(prompt: Prompt, tokenizer: Tokenizer): string {
  return typeof prompt === "string" ? prompt : tokenizer.decode(prompt);
}

/** Of the prompt, whose first token nothing foretells, and of what was generated. */
function echoedLogprobs(prompt: Prompt, { promptLogprobs, logprobs }: AnswerResult, tokenizer: Tokenizer) {
  const [first = 0] = idsOf(prompt, tokenizer);
  const head = tokenText(tokenizer.tokenBytes(first));
  // the space in front is the tokenizer's, and not in the text
  const space = typeof prompt === "string" && tokenizer.addSpacePrefix ? 1 : 0;
  const rest = logprobsOf([...promptLogprobs, ...logprobs], head.length - space);
  return {
    tokens: [head, ...rest.tokens],
    token_logprobs: [null, ...rest.token_logprobs],
    top_logprobs: [null, ...rest.top_logprobs],
    text_offset: [0, ...rest.text_offset],
  };
}

/** @param offset characters in front of the first token */
function logprobsOf(tokens: readonly TokenLogprob[], offset: number) {
  const texts = tokens.map(({ bytes }) => tokenText(bytes));
  let at = offset;
  return {
    tokens: texts,
    token_logprobs: tokens.map(({ logprob }) => finite(logprob)),
    top_logprobs: tokens.map(({ top }) =>
      Object.fromEntries(top.map(({ bytes, logprob }) => [tokenText(bytes), finite(logprob)])),
    ),
    text_offset: texts.map((text) => {
      at += text.length;
      return Math.max(0, at - text.length);
    }),
  };
}
