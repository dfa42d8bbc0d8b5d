// GET /v1/models, and what llama.cpp's server tells of tokens: POST /tokenize, /detokenize, /apply-template.

import type { ChatModel } from "@ll/chat";
import * as v from "valibot";
import { fingerprintOf } from "./answer-parts.ts";
import { answeringName, type RequestContext } from "./context.ts";
import { messagesField, messagesOf, toolsField, toolsOf } from "./conversation.ts";
import { checkedIds } from "./prompts.ts";
import type { JsonObject } from "./request-body.ts";
import { samplingFields } from "./sampling-fields.ts";
import { validate } from "./validate.ts";

export function listModels(context: RequestContext): Response {
  const names = context.names.filter((name) => name !== "*");
  return Response.json({ object: "list", data: names.map((name) => modelOf(context, name)) });
}

/** @throws ApiError 404 */
export function oneModel(context: RequestContext, name: string): Response {
  return Response.json(modelOf(context, answeringName(context, name)));
}

/** What a model is and does by itself, by the names of the API. */
export function propertiesOf({ info }: ChatModel): Readonly<Record<string, unknown>> {
  const { contextTokens, parallel, template, kernels, threads, arithmetic } = info;
  return {
    n_ctx: contextTokens,
    total_slots: parallel,
    ...{ template, fingerprint: fingerprintOf(info), kernels, threads, arithmetic },
    sampling: samplingFields(info.sampling),
  };
}

function modelOf({ model, created }: RequestContext, id: string) {
  const { contextTokens, nEmbd, nParameters, weightBytes, weightType, sampling } = model.info;
  const meta = {
    n_ctx: contextTokens,
    n_vocab: model.tokenizer.nVocab,
    n_embd: nEmbd,
    n_params: nParameters,
    size: weightBytes,
    type: weightType,
    sampling: samplingFields(sampling),
  };
  return { id, object: "model", created, owned_by: "ll", meta };
}

const TOKENIZE = v.object({
  content: v.string(),
  add_special: v.optional(v.boolean()),
  with_pieces: v.optional(v.boolean()),
});

export function tokenize({ model: { tokenizer } }: RequestContext, body: JsonObject): Response {
  const { content, add_special: bos = false, with_pieces: withPieces = false } = validate(TOKENIZE, body, []);
  const ids = [...tokenizer.encode(content, { bos })];
  const tokens = withPieces ? ids.map((id) => ({ id, piece: pieceOf(tokenizer.tokenBytes(id)) })) : ids;
  return Response.json({ tokens });
}

/** A text, or bytes that are none. */
function pieceOf(bytes: Uint8Array): string | number[] {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return [...bytes];
  }
}

export function detokenize({ model: { tokenizer } }: RequestContext, body: JsonObject): Response {
  const { tokens } = validate(v.object({ tokens: v.array(v.unknown()) }), body, []);
  return Response.json({ content: tokenizer.decode(checkedIds(tokens, "tokens", tokenizer.nVocab)) });
}

export function applyTemplate({ model }: RequestContext, body: JsonObject): Response {
  const fields = validate(v.object({ messages: messagesField, tools: toolsField }), body, []);
  const tools = toolsOf((fields.tools ?? []).map(({ type, function: tool }) => ({ type, tool })));
  const ids = model.promptIds(messagesOf(fields.messages), { tools });
  return Response.json({ prompt: model.tokenizer.decode(ids, { special: true }) });
}
