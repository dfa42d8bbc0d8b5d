// Tools at work: a call that is asked for, and one that was made. Loaded when there is either.

import type { AnswerTask } from "./answer.ts";
import type { ChatOptions } from "./chat-model.ts";
import { callGrammar, type Warn } from "./constraint.ts";
import type { OutputFormat } from "./format/output-format.ts";
import type { ToolCall } from "./format/output-part.ts";
import type { Message, Tools } from "./messages.ts";
import { validated } from "./schema.ts";

/** GBNF of an answer that is the call, or the calls, which `toolChoice` asks for. @throws TypeError for one that cannot be */
export function forcedCalls(
  format: OutputFormat,
  tools: Tools,
  { toolChoice, parallelToolCalls = true }: Pick<ChatOptions, "toolChoice" | "parallelToolCalls">,
  warn: Warn,
): string {
  const named = typeof toolChoice === "object" ? toolChoice.name : undefined;
  if (named !== undefined && !Object.hasOwn(tools, named)) {
    throw new TypeError(`"toolChoice" expected one of the tools, got ${JSON.stringify(named)}`);
  }
  const names = named === undefined ? Object.keys(tools) : [named];
  return callGrammar(format.calls.forced, tools, names, named !== undefined || !parallelToolCalls, warn) as string;
}

/** Runs a call. What the tool throws, and arguments that its schema does not admit, are results as well. */
export async function runTool(call: ToolCall, tools: Tools, { signal, emit }: AnswerTask): Promise<Message> {
  const { id, name } = call;
  const tool = tools[name];
  let result: string;
  let isError = false;
  try {
    const work = async (): Promise<unknown> => {
      const args = tool?.parameters === undefined ? call.arguments : await validated(tool.parameters, call.arguments);
      return tool?.run?.(args, { signal, id });
    };
    // whoever cancels does not wait for a tool that does not listen
    const value = await new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      work().then(resolve, reject);
    });
    result = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  } catch (error) {
    signal.throwIfAborted();
    isError = true;
    result = `Error: ${error instanceof Error ? error.message : String(error)}`;
  }
  signal.throwIfAborted();
  emit({ type: "tool-result", id, result, isError });
  return { role: "tool", toolCallId: id, content: result };
}
