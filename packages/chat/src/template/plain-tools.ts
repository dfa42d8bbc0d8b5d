// Tools for templates that know none: they are told in the system message, and calls and results are text.

import type { Message } from "../messages.ts";
import type { TemplateTool } from "./chat-template.ts";

export function describeTools(tools: readonly TemplateTool[]): string {
  const lines = tools.map((tool) => JSON.stringify(tool.function));
  const how = 'To call one, answer with <tool_call>{"name": NAME, "arguments": {…}}</tool_call> and nothing else.';
  return `You may call these tools:\n${lines.join("\n")}\n${how}`;
}

/** An answer; calls are written back as they were. */
export function answerText(message: Extract<Message, { role: "assistant" }>): string {
  const calls = (message.toolCalls ?? []).map(({ name, arguments: args, argumentsText }) => {
    const json = argumentsText ?? JSON.stringify(args);
    return `<tool_call>\n{"name": ${JSON.stringify(name)}, "arguments": ${json}}\n</tool_call>`;
  });
  return [...(message.content ? [message.content] : []), ...calls].join("\n");
}

export function resultText(content: string): string {
  return `<tool_response>\n${content}\n</tool_response>`;
}
