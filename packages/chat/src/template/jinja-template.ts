// The template that a file carries, as a template of chats.

import type { ChatTemplates } from "@ll/model";
import type { Tokenizer } from "@ll/tokenizer";
import { endsInThought, outputFormatOf, PLAIN_FORMAT } from "../formats.ts";
import type { Message } from "../messages.ts";
import type { ChatTemplate, RenderRequest } from "./chat-template.ts";
import { CONTROL_MARK, createGuard, END_MARK, type Guard, withoutMarks } from "./control-marks.ts";
import { compileTemplate, type Rendering, type RenderOptions } from "./jinja/render.ts";
import { rewritingsFor, type TemplateMessage, templateMessages } from "./jinja-messages.ts";
import { answerText, describeTools, resultText } from "./plain-tools.ts";
import { isTemplateError, TemplateError } from "./template-error.ts";

export interface JinjaTemplateOptions extends RenderOptions {
  /** Texts of control tokens in messages and tools become these tokens. Default false: then they are text, as all that people type. */
  readonly unsafe?: boolean | undefined;
}

export interface JinjaTemplate extends ChatTemplate {
  /** What `render` makes ids of. @throws TemplateError; TypeError for arguments that are no plain data */
  text(request: RenderRequest): string;
}

/** Texts that end an answer, in templates that hold the first of them: where the vocabulary does not say so. */
const STOPS: readonly (readonly string[])[] = [
  ["<|observation|>", "<|user|>"],
  ["[INST]", "</s>"],
  ["<|start_of_role|>", "<|end_of_text|>"],
  ["<start_of_turn>", "<end_of_turn>"],
  ["<|im_end|>"],
  ["<|eot_id|>", "<|eom_id|>"],
  ["<|channel|>", "<|return|>", "<|call|>"],
];

/** Of these, the first only shows the format. */
const NO_STOPS: readonly string[] = ["[INST]", "<|start_of_role|>", "<start_of_turn>", "<|channel|>"];

/**
 * Parses the templates of a file once; the same rendering serves all conversations.
 * @param templates `tool_use` among the named ones is taken where tools are given, `rag` where `templateArguments` hold `documents`
 * @throws TemplateError
 */
export function jinjaTemplate(
  { main, named }: ChatTemplates & { readonly main: string },
  tokenizer: Tokenizer,
  options: JinjaTemplateOptions = {},
): JinjaTemplate {
  const toolUse = named.get("tool_use");
  const source = toolUse === undefined ? main : `${main}\n${toolUse}`; // what shows the format
  const known = outputFormatOf(source);
  const isPlain = known.name === PLAIN_FORMAT.name;
  const format = isPlain && known.thought === undefined && known.hidden === undefined ? undefined : known;
  const listsTools = /\b(?:xml_)?tools\b/.test(source);
  const rules = {
    hasShortIds: known.name.startsWith("mistral"),
    isEitherTextOrThought: known.channels === true,
  };
  const rewritings = rewritingsFor(source);
  const { bos, eos, ends } = tokenizer.special;
  const idText = (id: number | undefined): string =>
    id === undefined ? "" : tokenizer.decode([id], { special: true });
  const [bosText, eosText] = [idText(bos), idText(eos)];
  const compiled = new Map<string, Rendering>();
  const rendering = (text: string): Rendering => {
    const one = compiled.get(text) ?? compileTemplate(text, options);
    compiled.set(text, one);
    return one;
  };
  rendering(main);
  let guard: Guard | undefined;

  /** The text with its marks, and where it goes on. */
  function marked(request: RenderRequest): string {
    guard ??= createGuard(options.unsafe === true ? [] : tokenizer.special.texts());
    const { tools, think, templateArguments = {} } = request;
    const documents = templateArguments["documents"];
    const special = tools.length > 0 ? toolUse : documents === undefined ? undefined : named.get("rag");
    const render = rendering(special ?? main);
    const last = request.messages.at(-1);
    const begun = last?.role === "assistant" && (last.toolCalls ?? []).length === 0 ? (last.content ?? "") : undefined;
    const told = listsTools ? request.messages : withToolsTold(request.messages, tools, isPlain);
    const messages = guard(templateMessages(told, rules));
    const variables = {
      ...(think !== undefined && { enable_thinking: think, thinking: think }),
      ...guard(templateArguments),
      ...(tools.length > 0 && listsTools && guard({ tools, xml_tools: tools })),
      bos_token: bosText,
      eos_token: eosText,
      add_generation_prompt: begun === undefined,
    };
    const text = firstAccepted(begun === undefined ? messages : withEndMark(messages), rewritings, (all) =>
      render({ ...variables, messages: all }),
    );
    return begun === undefined ? text : cutAtMark(text, guard(begun));
  }

  return {
    name: "file",
    format,
    stop: stopsOf(source).filter((text) => !ends.has(tokenizer.special.idOf(text) ?? -1)),
    system: "",
    text: (request) => withoutMarks(marked(request)),
    render(request) {
      const text = marked(request);
      const ids = [...tokenizer.encode(text, { special: true, space: true, mark: CONTROL_MARK })];
      if (tokenizer.addBos && bos !== undefined && !(bosText !== "" && text.startsWith(bosText))) ids.unshift(bos);
      return { ids, startsInThought: format !== undefined && endsInThought(format, withoutMarks(text)) };
    },
  };
}

function stopsOf(source: string): string[] {
  const found = STOPS.filter(([first]) => source.includes(first as string)).flat();
  return [...new Set(found)].filter((text) => !NO_STOPS.includes(text));
}

/** Writes a conversation as it is, or in other words if the template refuses it. @throws what it said first */
function firstAccepted(
  messages: readonly TemplateMessage[],
  rewritings: ReturnType<typeof rewritingsFor>,
  render: (messages: readonly TemplateMessage[]) => string,
): string {
  try {
    return render(messages);
  } catch (refusal) {
    if (!isTemplateError(refusal, "E_TEMPLATE_RAISED")) throw refusal;
    for (const rewrite of rewritings) {
      const others = rewrite(messages);
      if (others === undefined) continue;
      try {
        return render(others);
      } catch (error) {
        if (!isTemplateError(error, "E_TEMPLATE_RAISED")) throw error;
      }
    }
    throw refusal;
  }
}

/** For templates that list no tools. Where they know no calls either, calls and results are text. */
function withToolsTold(
  messages: readonly Message[],
  tools: RenderRequest["tools"],
  isPlain: boolean,
): readonly Message[] {
  const all = isPlain
    ? messages.map((message): Message => {
        if (message.role === "tool") return { role: "user", content: resultText(message.content) };
        if (message.role !== "assistant") return message;
        const { toolCalls: _, ...rest } = message;
        return { ...rest, content: answerText(message) };
      })
    : messages;
  if (tools.length === 0) return all;
  const [first, ...rest] = all;
  const told = describeTools(tools);
  if (first?.role !== "system") return [{ role: "system", content: told }, ...all];
  return [{ role: "system", content: `${first.content}\n\n${told}` }, ...rest];
}

function withEndMark(messages: readonly TemplateMessage[]): TemplateMessage[] {
  const last = messages.at(-1) as TemplateMessage;
  return [...messages.slice(0, -1), { ...last, content: `${last.content}${END_MARK}` }];
}

/** The text up to the end of an answer that has begun. @throws TemplateError if it is not written as it is */
function cutAtMark(text: string, begun: string): string {
  const end = text.indexOf(END_MARK);
  const prompt = text.slice(0, Math.max(0, end));
  if (end < 0 || text.indexOf(END_MARK, end + 1) >= 0 || !prompt.endsWith(begun)) {
    const message = "the chat template does not write the last answer as it is: it cannot be gone on with";
    throw new TemplateError("E_TEMPLATE_RAISED", message);
  }
  return prompt;
}
