// Messages, tools and formats of answers as OpenAI writes them, and as @ll/chat does.

import type { ChatOptions, Message, ToolCall, Tools } from "@ll/chat";
import * as v from "valibot";
import { ApiError, invalidValue, unsupported } from "./api-error.ts";
import { type JsonObject, shown } from "./request-body.ts";
import { object } from "./validate.ts";

const MAX_MESSAGES = 4096;
const MAX_TOOLS = 64;
const TOOL_NAME = /^[A-Za-z0-9_-]{1,64}$/;
const MAX_SCHEMA_CHARS = 64 * 1024;
const MAX_SCHEMA_DEPTH = 32;

const part = v.object({ type: v.string(), text: v.nullish(v.string()) });
const content = v.lazy((value) => (Array.isArray(value) ? v.array(part) : v.string()));

const toolCall = v.object({
  id: v.pipe(v.string(), v.nonEmpty()),
  function: v.object({ name: v.string(), arguments: v.string() }),
});

const message = v.variant("role", [
  v.object({ role: v.picklist(["system", "developer", "user"]), content }),
  v.object({
    role: v.literal("assistant"),
    content: v.nullish(content),
    reasoning_content: v.nullish(v.string()),
    tool_calls: v.nullish(v.array(toolCall)),
  }),
  v.object({ role: v.literal("tool"), tool_call_id: v.string(), content }),
]);

export const messagesField = v.pipe(v.array(message), v.minLength(1), v.maxLength(MAX_MESSAGES));

type ApiMessage = v.InferOutput<typeof message>;

/** @throws ApiError for parts that are no text, calls whose arguments are no JSON */
export function messagesOf(messages: readonly ApiMessage[]): Message[] {
  return messages.map((one, i) => messageOf(one, `messages[${i}]`));
}

function messageOf(one: ApiMessage, param: string): Message {
  if (one.role === "tool") {
    return {
      role: "tool",
      toolCallId: one.tool_call_id,
      content: textOf(one.content, `${param}.content`),
    };
  }
  if (one.role !== "assistant") {
    return { role: one.role === "user" ? "user" : "system", content: textOf(one.content, `${param}.content`) };
  }
  const calls = one.tool_calls ?? [];
  if (calls.length === 0 && (one.content ?? undefined) === undefined) {
    throw new ApiError({
      status: 400,
      code: "missing_field",
      param: `${param}.content`,
      message: `${param}.content: expected a text, or tool_calls beside it`,
    });
  }
  const { content: text, reasoning_content: reasoning } = one;
  return {
    role: "assistant",
    content: text === undefined || text === null ? null : textOf(text, `${param}.content`),
    ...(reasoning && { reasoning }),
    ...(calls.length > 0 && {
      toolCalls: calls.map(({ id, function: { name, arguments: json } }, i) =>
        callOf(id, name, json, `${param}.tool_calls[${i}].function.arguments`),
      ),
    }),
  };
}

/** A call that was made before, with its arguments as they were. @throws ApiError */
export function callOf(id: string, name: string, json: string, param: string): ToolCall {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    // said below
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalidValue(param, `expected a JSON object, got ${shown(json)}`);
  }
  return { id, name, arguments: value as Record<string, unknown>, argumentsText: json };
}

/** Parts of text, joined. @throws ApiError for any other */
export function textOf(
  from: string | readonly { readonly type: string; readonly text?: string | null | undefined }[],
  param: string,
  types: readonly string[] = ["text"],
): string {
  if (typeof from === "string") return from;
  return from
    .map(({ type, text }, i) => {
      if (!types.includes(type)) {
        throw unsupported(`${param}[${i}]`, `parts of type ${shown(type)} are not supported; send text`);
      }
      if (typeof text !== "string") throw invalidValue(`${param}[${i}].text`, "expected a string");
      return text;
    })
    .join("");
}

export interface FunctionTool {
  readonly name: string;
  readonly description?: string | null | undefined;
  readonly parameters?: JsonObject | null | undefined;
}

const functionTool = v.object({
  name: v.pipe(v.string(), v.regex(TOOL_NAME)),
  description: v.nullish(v.string()),
  parameters: v.nullish(object),
});

export const toolsField = v.optional(
  v.pipe(v.array(v.object({ type: v.string(), function: v.optional(functionTool) })), v.maxLength(MAX_TOOLS)),
);

/** Tools in the notation of /v1/responses. */
export const flatToolsField = v.optional(
  v.pipe(v.array(v.object({ type: v.string(), ...v.partial(functionTool).entries })), v.maxLength(MAX_TOOLS)),
);

/** @throws ApiError for types other than functions, names that are none or are there twice */
export function toolsOf(
  list: readonly { readonly type: string; readonly tool: Partial<FunctionTool> | undefined }[],
): Tools {
  const tools = new Map<string, Tools[string]>();
  for (const [i, { type, tool }] of list.entries()) {
    if (type !== "function") throw unsupported(`tools[${i}]`, `tools of type ${shown(type)} are not supported`);
    const { name, description, parameters } = tool ?? {};
    if (name === undefined) {
      throw new ApiError({
        status: 400,
        code: "missing_field",
        param: `tools[${i}].function`,
        message: `tools[${i}]: expected a function with a name`,
      });
    }
    if (tools.has(name)) throw invalidValue(`tools[${i}]`, `the name ${name} is there twice`);
    if (parameters) checkSchema(parameters, `tools[${i}].parameters`);
    if (parameters && (parameters["type"] ?? "object") !== "object") {
      throw invalidSchema(`tools[${i}].parameters`, "expected a schema of an object");
    }
    tools.set(name, { ...(description && { description }), ...(parameters && { parameters }) });
  }
  return Object.fromEntries(tools);
}

export const toolChoiceField = v.optional(
  v.union([
    v.picklist(["auto", "none", "required"]),
    v.object({
      type: v.string(),
      name: v.nullish(v.string()),
      function: v.nullish(v.object({ name: v.string() })),
    }),
  ]),
);

/** @throws ApiError for a tool that is not there */
export function toolChoiceOf(
  choice: v.InferOutput<typeof toolChoiceField>,
  tools: Tools,
): NonNullable<ChatOptions["toolChoice"]> {
  if (choice === undefined) return "auto";
  const nTools = Object.keys(tools).length;
  if (typeof choice === "string") {
    if (choice === "required" && nTools === 0) throw invalidValue("tool_choice", "expected tools to choose from");
    return choice;
  }
  if (choice.type !== "function") throw unsupported("tool_choice", `${shown(choice.type)} is not supported`);
  const name = choice.function?.name ?? choice.name ?? "";
  if (!Object.hasOwn(tools, name)) {
    throw invalidValue("tool_choice", `expected the name of one of the ${nTools} tools, got ${shown(name)}`);
  }
  return { name };
}

/** `json_object` is any object. */
export const formatField = v.optional(
  v.object({
    type: v.picklist(["text", "json_object", "json_schema"]),
    schema: v.nullish(object),
    json_schema: v.nullish(v.object({ name: v.nullish(v.string()), schema: v.nullish(object) })),
  }),
);

/** The schema of an answer. @param param where the format is in the request; @throws ApiError */
export function schemaOf(format: v.InferOutput<typeof formatField>, param: string): JsonObject | undefined {
  if (format === undefined || format.type === "text") return undefined;
  const schema = format.json_schema?.schema ?? format.schema;
  if (schema) {
    checkSchema(schema, param);
    return schema;
  }
  if (format.type === "json_object") return { type: "object" };
  throw new ApiError({
    status: 400,
    code: "missing_field",
    param,
    message: `${param}: expected a schema beside the type json_schema`,
  });
}

/** Sizes only: what a schema says is read where it becomes a grammar. */
function checkSchema(schema: JsonObject, param: string): void {
  const isDeep = depthOf(schema) > MAX_SCHEMA_DEPTH;
  if (!isDeep && JSON.stringify(schema).length <= MAX_SCHEMA_CHARS) return;
  const most = isDeep ? `${MAX_SCHEMA_DEPTH} levels` : `${MAX_SCHEMA_CHARS} characters`;
  throw invalidSchema(param, `expected a schema of at most ${most}`);
}

function invalidSchema(param: string, message: string): ApiError {
  return new ApiError({ status: 400, code: "invalid_schema", param, message: `${param}: ${message}` });
}

function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Object.values(value).reduce((most: number, one) => Math.max(most, depthOf(one)), 0);
}
