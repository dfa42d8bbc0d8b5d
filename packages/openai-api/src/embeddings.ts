// POST /v1/embeddings.

import * as v from "valibot";
import { ApiError, invalidValue } from "./api-error.ts";
import { answeringName, type RequestContext } from "./context.ts";
import { idsOf, isOnePrompt, promptsOf } from "./prompts.ts";
import type { JsonObject } from "./request-body.ts";
import { validate } from "./validate.ts";

const MAX_INPUTS = 256;

const SCHEMA = v.object({
  model: v.optional(v.string()),
  input: v.optional(v.unknown()),
  encoding_format: v.optional(v.picklist(["float", "base64"])),
  dimensions: v.optional(v.number()),
  ll_normalize: v.optional(v.boolean()),
});

/** @throws ApiError, and what `embed` of the model throws */
export async function embeddings(context: RequestContext, body: JsonObject): Promise<Response> {
  const { model, signal } = context;
  const { contextTokens, nEmbd } = model.info;
  const fields = validate(SCHEMA, body, []);
  const name = answeringName(context, fields.model);
  if (fields.dimensions !== undefined && fields.dimensions !== nEmbd) {
    throw invalidValue("dimensions", `expected ${nEmbd}, the length of this model's vectors`);
  }
  const inputs = promptsOf(fields.input, "input", MAX_INPUTS, model.tokenizer).map((input, i) => {
    const ids = idsOf(input, model.tokenizer, true);
    const param = isOnePrompt(fields.input) ? "input" : `input[${i}]`;
    if (input.length === 0 || ids.length === 0) throw invalidValue(param, "expected a text that is not empty");
    if (ids.length > contextTokens) throw tooLong(param, ids.length, contextTokens);
    return ids;
  });
  const data: object[] = [];
  for (const [index, ids] of inputs.entries()) {
    const vector = await model.embed(ids, { normalize: fields.ll_normalize ?? true, signal });
    const embedding = fields.encoding_format === "base64" ? base64(vector) : [...vector];
    data.push({ object: "embedding", index, embedding });
  }
  const tokens = inputs.reduce((sum, { length }) => sum + length, 0);
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  return Response.json({ object: "list", model: name, data, usage });
}

function tooLong(param: string, tokens: number, contextTokens: number): ApiError {
  return new ApiError({
    status: 400,
    code: "context_length_exceeded",
    param,
    message: `${param}: send less (prompt ${tokens} tokens, context ${contextTokens})`,
    details: { n_prompt_tokens: tokens, n_ctx: contextTokens },
  });
}

/** Of f32 in little-endian order. */
function base64(vector: Float32Array): string {
  const bytes = new DataView(new ArrayBuffer(vector.length * 4));
  for (const [i, value] of vector.entries()) bytes.setFloat32(i * 4, value, true);
  let binary = "";
  for (let i = 0; i < bytes.byteLength; i++) binary += String.fromCharCode(bytes.getUint8(i));
  return btoa(binary);
}
