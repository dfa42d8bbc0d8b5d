// POST /v1/responses, without a memory: what was said before is in the input.

import type { AnswerResult, ChatOptions, Message, Tools } from "@ll/chat";
import * as v from "valibot";
import { newId, usageOf } from "./answer-parts.ts";
import { ApiError, unsupported } from "./api-error.ts";
import { templateOptions } from "./chat-completions.ts";
import { answeringName, observedChoices, type RequestContext, streamChoices } from "./context.ts";
import { callOf, flatToolsField, schemaOf, textOf, toolChoiceField, toolChoiceOf, toolsOf } from "./conversation.ts";
import { OutputItems } from "./output-items.ts";
import { type JsonObject, shown } from "./request-body.ts";
import { GENERATION_FIELDS, generateOptions, integerBetween } from "./sampling-fields.ts";
import { object, validate } from "./validate.ts";

const REFUSED = ["previous_response_id", "conversation", "prompt"];
const MAX_ITEMS = 4096;
const TEXT_PARTS = ["input_text", "output_text", "text"];

const part = v.object({ type: v.string(), text: v.nullish(v.string()) });
const item = v.object({
  type: v.nullish(v.string()),
  role: v.nullish(v.picklist(["system", "developer", "user", "assistant"])),
  content: v.nullish(v.lazy((value) => (Array.isArray(value) ? v.array(part) : v.string()))),
  call_id: v.nullish(v.string()),
  name: v.nullish(v.string()),
  arguments: v.nullish(v.string()),
  output: v.nullish(v.lazy((value) => (Array.isArray(value) ? v.array(part) : v.string()))),
});

type Item = v.InferOutput<typeof item>;

const SCHEMA = v.object({
  ...GENERATION_FIELDS,
  input: v.lazy((value) =>
    Array.isArray(value) ? v.pipe(v.array(item), v.minLength(1), v.maxLength(MAX_ITEMS)) : v.string(),
  ),
  instructions: v.optional(v.string()),
  max_output_tokens: integerBetween(1, Number.MAX_SAFE_INTEGER),
  tools: flatToolsField,
  tool_choice: toolChoiceField,
  parallel_tool_calls: v.optional(v.boolean()),
  text: v.optional(
    v.object({
      format: v.nullish(
        v.object({ type: v.picklist(["text", "json_object", "json_schema"]), schema: v.nullish(object) }),
      ),
    }),
  ),
  reasoning: v.optional(v.object({ effort: v.nullish(v.string()) })),
  background: v.optional(v.boolean()),
  metadata: v.optional(object),
});

type Fields = v.InferOutput<typeof SCHEMA>;

/** @throws ApiError, and what `chat` of the model throws */
export async function responses(context: RequestContext, body: JsonObject): Promise<Response> {
  const { model, created, signal, client } = context;
  const fields = validate(SCHEMA, body, REFUSED);
  const name = answeringName(context, fields.model);
  if (fields.background) throw unsupported("background", "is not supported; leave it out");
  const messages = messagesOf(fields);
  const tools = toolsOf((fields.tools ?? []).map((tool) => ({ type: tool.type, tool: named(tool) })));
  const schema = schemaOf(fields.text?.format ?? undefined, "text.format");
  const { max_output_tokens: maxTokens } = fields;
  const options: ChatOptions & { readonly seed: number } = {
    ...generateOptions(fields, context),
    ...(maxTokens !== undefined && { maxTokens }),
    ...(schema !== undefined && { schema }),
    ...templateOptions({ reasoning_effort: fields.reasoning?.effort ?? undefined }),
    tools,
    toolChoice: toolChoiceOf(fields.tool_choice, tools),
    parallelToolCalls: fields.parallel_tool_calls ?? true,
    signal,
    client,
  };
  const start = (seed: number) => model.chat(messages, { ...options, seed });
  const head = headOf(fields, tools, newId("resp_"), name, created);
  if (!fields.stream) {
    const items = new OutputItems(() => undefined);
    const [result] = await observedChoices(context, [start], 1, options.seed, (_, event) => items.push(event)).results;
    return Response.json(whole(head, items, result as AnswerResult));
  }
  return streamChoices(context, "input", (stream) => {
    let sequence_number = 0;
    const send = (type: string, more: object): void =>
      stream.send({ type, sequence_number: sequence_number++, ...more }, type);
    const items = new OutputItems(send);
    const started = { ...head, status: "in_progress", output: [], incomplete_details: null, usage: null };
    send("response.created", { response: started });
    send("response.in_progress", { response: started });
    return {
      choices: observedChoices(context, [start], 1, options.seed, (_, event) => items.push(event)),
      finish([result]) {
        const response = whole(head, items, result as AnswerResult);
        send(`response.${response.status}`, { response });
      },
      fail({ code, message, param = null }) {
        send("error", { code, message, param });
      },
    };
  });
}

function headOf(fields: Fields, tools: Tools, id: string, model: string, created_at: number) {
  return {
    id,
    object: "response",
    created_at,
    error: null,
    instructions: fields.instructions ?? null,
    max_output_tokens: fields.max_output_tokens ?? null,
    model,
    parallel_tool_calls: fields.parallel_tool_calls ?? true,
    previous_response_id: null,
    store: false,
    temperature: fields.temperature ?? null,
    text: { format: fields.text?.format ?? { type: "text" } },
    tool_choice: fields.tool_choice ?? "auto",
    tools: Object.entries(tools).map(([name, { description = null, parameters = null }]) => ({
      type: "function",
      name,
      description,
      parameters,
      strict: true,
    })),
    top_p: fields.top_p ?? null,
    truncation: "disabled",
    metadata: fields.metadata ?? {},
  };
}

function whole(head: ReturnType<typeof headOf>, items: OutputItems, result: AnswerResult) {
  const status = result.finish === "length" ? ("incomplete" as const) : ("completed" as const);
  const { prompt_tokens, completion_tokens, total_tokens, prompt_tokens_details, completion_tokens_details } = usageOf(
    [result],
    1,
  );
  return {
    ...head,
    status,
    incomplete_details: status === "incomplete" ? { reason: "max_output_tokens" } : null,
    output: items.finish(status),
    usage: {
      input_tokens: prompt_tokens,
      input_tokens_details: prompt_tokens_details,
      output_tokens: completion_tokens,
      output_tokens_details: completion_tokens_details,
      total_tokens,
    },
  };
}

type FlatTool = NonNullable<Fields["tools"]>[number];

function named({ name, description, parameters }: FlatTool) {
  return name === undefined ? undefined : { name, description, parameters };
}

/** Calls that follow each other belong to one message. */
function messagesOf({ input, instructions }: Fields): Message[] {
  const messages: Message[] = instructions === undefined ? [] : [{ role: "system", content: instructions }];
  if (typeof input === "string") return [...messages, { role: "user", content: input }];
  let reasoning = "";
  for (const [i, one] of input.entries()) {
    const param = `input[${i}]`;
    if (one.type === "reasoning") {
      reasoning = textOf(one.content ?? [], `${param}.content`, ["reasoning_text"]);
      continue;
    }
    messages.push(...messageOf(one, param, reasoning, messages));
    reasoning = "";
  }
  return messages;
}

/** What an item adds; a call is added to the message of the assistant in front of it. */
function messageOf(one: Item, param: string, reasoning: string, before: Message[]): Message[] {
  const thought = reasoning === "" ? {} : { reasoning };
  switch (one.type ?? "message") {
    case "message": {
      const content = textOf(given(one.content, `${param}.content`), `${param}.content`, TEXT_PARTS);
      const role = given(one.role, `${param}.role`);
      if (role === "assistant") return [{ role, content, ...thought }];
      return [{ role: role === "user" ? "user" : "system", content }];
    }
    case "function_call": {
      const id = given(one.call_id, `${param}.call_id`);
      const name = given(one.name, `${param}.name`);
      const call = callOf(id, name, given(one.arguments, `${param}.arguments`), `${param}.arguments`);
      const last = before.at(-1);
      if (last?.role !== "assistant") return [{ role: "assistant", content: null, toolCalls: [call], ...thought }];
      before[before.length - 1] = { ...last, toolCalls: [...(last.toolCalls ?? []), call] };
      return [];
    }
    case "function_call_output": {
      const content = textOf(given(one.output, `${param}.output`), `${param}.output`, TEXT_PARTS);
      return [{ role: "tool", toolCallId: given(one.call_id, `${param}.call_id`), content }];
    }
    default:
      throw unsupported(`${param}.type`, `items of type ${shown(String(one.type))} are not supported`);
  }
}

/** @throws ApiError */
function given<T>(value: T | null | undefined, param: string): T {
  if (value !== null && value !== undefined) return value;
  throw new ApiError({ status: 400, code: "missing_field", param, message: `${param}: expected a value, got nothing` });
}
