// Messages as templates of files expect them, and the other ways to write them that some templates insist on.

import type { Message } from "../messages.ts";

/** A message of OpenAI's shape, as transformers hands it to templates. */
export interface TemplateMessage {
  readonly role: Message["role"];
  readonly content: string | readonly { readonly type: "text"; readonly text: string }[];
  readonly name?: string;
  readonly reasoning_content?: string;
  readonly thinking?: string;
  readonly tool_calls?: readonly TemplateCall[];
  readonly tool_call_id?: string;
}

interface TemplateCall {
  readonly id: string;
  readonly type: "function";
  readonly function: { readonly name: string; readonly arguments: unknown };
}

export interface MessageRules {
  /** Ids of calls have nine letters and digits, or the template refuses them. */
  readonly hasShortIds: boolean;
  /** An answer with calls has either a text or a thought. */
  readonly isEitherTextOrThought: boolean;
}

const SHORT_ID = /^[A-Za-z0-9]{9}$/;

export function templateMessages(messages: readonly Message[], rules: MessageRules): TemplateMessage[] {
  const names = new Map<string, string>(); // of tools, by the ids of their calls
  const ids = new Map<string, string>();
  const idOf = (id: string): string => {
    if (!rules.hasShortIds || SHORT_ID.test(id)) return id;
    const known = ids.get(id) ?? `call${String(ids.size + 1).padStart(5, "0")}`;
    ids.set(id, known);
    return known;
  };
  return messages.map((message): TemplateMessage => {
    if (message.role === "tool") {
      const name = names.get(message.toolCallId);
      const id = idOf(message.toolCallId);
      return { role: "tool", content: message.content, ...(name !== undefined && { name }), tool_call_id: id };
    }
    if (message.role !== "assistant") return { role: message.role, content: message.content };
    const { content, reasoning, toolCalls = [] } = message;
    for (const { id, name } of toolCalls) names.set(id, name);
    const calls = toolCalls.map(({ id, name, arguments: args, argumentsText }): TemplateCall => {
      const isObject = typeof args === "object" && args !== null && !Array.isArray(args);
      return {
        id: idOf(id),
        type: "function",
        function: { name, arguments: isObject ? args : (argumentsText ?? args) },
      };
    });
    const hasThought = reasoning !== undefined && !(rules.isEitherTextOrThought && calls.length > 0 && content);
    return {
      role: "assistant",
      content: content ?? "",
      ...(hasThought && { reasoning_content: reasoning, thinking: reasoning }),
      ...(calls.length > 0 && { tool_calls: calls }),
    };
  });
}

/** The same conversation in other words, or undefined if it would be no other. */
type Rewriting = (messages: readonly TemplateMessage[]) => readonly TemplateMessage[] | undefined;

/** For templates without a system role: its text stands before the first message of the user, with a blank line between. */
const systemInUser: Rewriting = (messages) => {
  const [system, first, ...rest] = messages;
  if (system?.role !== "system" || first?.role !== "user") return undefined;
  return [{ ...first, content: `${system.content}\n\n${first.content}` }, ...rest];
};

/** For templates that take one call in a message: each call with its result. */
const callByCall: Rewriting = (messages) => {
  if (messages.every(({ tool_calls: calls = [] }) => calls.length < 2)) return undefined;
  const results = new Map(messages.flatMap((one) => (one.role === "tool" ? [[one.tool_call_id, one] as const] : [])));
  const placed = new Set<TemplateMessage>();
  const all = messages.flatMap((message): TemplateMessage[] => {
    const { tool_calls: calls = [], ...rest } = message;
    if (calls.length < 2) return [message];
    return calls.flatMap((call, i): TemplateMessage[] => {
      const result = results.get(call.id);
      if (result !== undefined) placed.add(result);
      const said: TemplateMessage = i === 0 ? rest : { role: "assistant", content: "" };
      return [{ ...said, tool_calls: [call] }, ...(result === undefined ? [] : [result])];
    });
  });
  const seen = new Set<TemplateMessage>();
  return all.filter((message) => {
    const isTwice = placed.has(message) && seen.has(message);
    seen.add(message);
    return !isTwice;
  });
};

/** For templates of models that see pictures, too. */
const contentInParts: Rewriting = (messages) =>
  messages.map((message) => ({ ...message, content: [{ type: "text", text: String(message.content) }] }));

/** What is tried in turn, if a template refuses a conversation. */
export function rewritingsFor(source: string): readonly Rewriting[] {
  const knowsParts = /(?:\.|["'])(?:text|type)\b/.test(source);
  return [systemInUser, callByCall, ...(knowsParts ? [contentInParts] : [])];
}
