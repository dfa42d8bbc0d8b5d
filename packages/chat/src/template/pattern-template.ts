// Templates of patterns: for models whose file has no template. Nothing in them is executed.

import type { Tokenizer } from "@ll/tokenizer";
import type { Message } from "../messages.ts";
import type { ChatTemplate, RenderRequest } from "./chat-template.ts";
import { answerText, describeTools, resultText } from "./plain-tools.ts";
import { TemplateError } from "./template-error.ts";

/**
 * Patterns hold `{bos}` and `{eos}` for these ids, `{text}` for what it is about and `{system}` for the system prompt in its block.
 * What stands for a placeholder is only ever plain text to the model, whatever is in it.
 */
export interface Template {
  readonly name: string;
  /** The system prompt if there is none. */
  readonly system: string;
  /** Put round a system prompt; without one there is no block. */
  readonly systemBlock: string;
  /** Before the first turn. */
  readonly start: string;
  /** The first turn of the user, if it is written another way than the others. */
  readonly firstUser?: string | undefined;
  /** A turn of the user, up to where the model goes on. */
  readonly user: string;
  /** Behind an answer, before the next turn. */
  readonly answerEnd: string;
  readonly stop: readonly string[];
  /** Texts in patterns that the vocabulary may have an id of its own for. */
  readonly special?: readonly string[];
}

/** Those of ll-chat. */
export const TEMPLATES: readonly Template[] = [
  {
    name: "plain",
    system:
      "This is the record of a conversation in which a User talks to Bob, an assistant. Bob is friendly, honest and a good writer, and he answers every request at once and to the point.",
    systemBlock: "{text}\n\n",
    start:
      "{bos} {system}User: Hello, Bob.\nBob: Hello! What can I do for you?\nUser: Which city is the largest in Europe?\nBob: The largest city in Europe is Moscow, which is also the capital of Russia.\n",
    user: "User: {text}\nBob:",
    answerEnd: "\n",
    stop: ["\nUser:", "\nBob:"],
  },
  {
    name: "alpaca",
    system: "Below is an instruction that describes a task. Write a response that appropriately completes the request.",
    systemBlock: "{text}\n\n",
    start: "{bos} {system}",
    user: "### Instruction:\n{text}\n\n### Response:\n",
    answerEnd: "\n\n",
    stop: ["### Instruction:"],
  },
  {
    name: "vicuna",
    system:
      "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, and polite answers to the user's questions.",
    systemBlock: "{text} ",
    start: "{bos} {system}",
    user: "USER: {text} ASSISTANT:",
    answerEnd: "{eos}",
    stop: ["USER:"],
  },
  {
    name: "llama-2",
    system: "",
    systemBlock: "<<SYS>>\n{text}\n<</SYS>>\n\n",
    start: "",
    firstUser: "{bos} [INST] {system}{text} [/INST]",
    user: "{bos} [INST] {text} [/INST]",
    answerEnd: " {eos}",
    stop: [],
  },
  {
    name: "chatml",
    system: "You are a helpful assistant.",
    systemBlock: "<|im_start|>system\n{text}<|im_end|>\n",
    start: "{bos}{system}",
    user: "<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n",
    answerEnd: "<|im_end|>\n",
    stop: ["<|im_end|>"],
    special: ["<|im_start|>", "<|im_end|>"],
  },
];

/** @throws TypeError for a name that is none */
export function patternTemplate(from: string | Template): ChatTemplate {
  const template = typeof from === "string" ? TEMPLATES.find(({ name }) => name === from) : from;
  if (template === undefined) {
    throw new TypeError(`"template" expected ${TEMPLATES.map(({ name }) => name).join(", ")} or data, got ${from}`);
  }
  return {
    name: template.name,
    format: undefined,
    stop: template.stop,
    system: template.system,
    render: (request, tokenizer) => ({ ids: render(template, request, tokenizer), startsInThought: false }),
  };
}

function render(template: Template, { messages, tools }: RenderRequest, tokenizer: Tokenizer): number[] {
  const writer = new PatternWriter(template, tokenizer);
  const nSystem = messages.findIndex(({ role }) => role !== "system");
  const block = messages.slice(0, nSystem < 0 ? messages.length : nSystem).map(({ content }) => content ?? "");
  const system = [...block, ...(tools.length === 0 ? [] : [describeTools(tools)])].join("\n\n");
  writer.append(template.start, { system, text: "" });
  let isFirst = true;
  let isAnswered = false; // the latest turn has its answer
  for (const message of messages.slice(block.length)) {
    if (message.role === "assistant") {
      const text = answerText(message);
      const hasSpace = text === "" || writer.endsWithSpace || /^\s/.test(text);
      writer.appendText(`${isAnswered ? "\n" : hasSpace ? "" : " "}${text}`);
      isAnswered = true;
      continue;
    }
    const pattern = isFirst ? (template.firstUser ?? template.user) : template.user;
    writer.append(isFirst ? pattern : template.answerEnd + pattern, {
      system: isFirst ? system : "",
      text: turnText(message),
    });
    isFirst = false;
    isAnswered = false;
  }
  return writer.take();
}

function turnText(message: Message): string {
  if (message.role === "tool") return resultText(message.content);
  return message.role === "system" ? `(System: ${message.content})` : (message.content ?? "");
}

/**
 * Characters of a prompt: a pattern may repeat what stands for a placeholder thousands of times, so that short files could ask for any
 * amount of text. So much is encoded in 0.2 s, and a context of 250,000 tokens holds no more.
 */
const MAX_CHARS = 1024 * 1024;

/** What a special id counts for: text on both sides of it is encoded separately, which takes as long as so many characters. */
const ID_CHARS = 32;

/** Neighbouring texts are encoded together, as the model saw them in training. */
class PatternWriter {
  readonly #template: Template;
  readonly #tokenizer: Tokenizer;
  readonly #special = new Map<string, number>();
  readonly #splitter: RegExp;
  readonly #ids: number[] = [];
  #pending = "";
  #nChars = 0;

  constructor(template: Template, tokenizer: Tokenizer) {
    this.#template = template;
    this.#tokenizer = tokenizer;
    const { bos, eos } = tokenizer.special;
    this.#special.set("{bos}", (tokenizer.addBos ? bos : undefined) ?? -1); // −1: not written
    this.#special.set("{eos}", eos ?? -1);
    for (const text of template.special ?? []) {
      const id = tokenizer.special.idOf(text);
      if (id !== undefined) this.#special.set(text, id);
    }
    const marks = ["{system}", "{text}", ...this.#special.keys()];
    this.#splitter = new RegExp(`(${marks.map((mark) => mark.replace(/[$()*+.?[\\\]^{|}]/g, "\\$&")).join("|")})`);
  }

  get endsWithSpace(): boolean {
    return this.#pending === "" ? this.#ids.length > 0 : /\s$/.test(this.#pending);
  }

  append(pattern: string, values: { readonly system: string; readonly text: string }): void {
    // patterns are written for LLaMA's own vocabulary: with BOS, and with a space where a text begins
    const wanted = this.#tokenizer.addSpacePrefix ? pattern : pattern.replaceAll("{bos} ", "{bos}");
    for (const piece of wanted.split(this.#splitter)) {
      const id = this.#special.get(piece);
      if (id !== undefined) {
        this.#take(ID_CHARS);
        this.#flush();
        if (id >= 0) this.#ids.push(id);
      } else if (piece === "{text}") this.appendText(values.text);
      else if (piece !== "{system}") this.appendText(piece);
      else if (values.system !== "") this.append(this.#template.systemBlock, { system: "", text: values.system });
    }
  }

  appendText(text: string): void {
    this.#take(text.length);
    this.#pending += text;
  }

  take(): number[] {
    this.#flush();
    return this.#ids;
  }

  #take(chars: number): void {
    this.#nChars += chars;
    if (this.#nChars <= MAX_CHARS) return;
    const message = `too long: more than ${MAX_CHARS} characters, as the template writes it down`;
    throw new TemplateError("E_TEMPLATE_LIMIT", message, { limit: "text" });
  }

  #flush(): void {
    if (this.#pending === "") return;
    for (const id of this.#tokenizer.encode(this.#pending)) this.#ids.push(id);
    this.#pending = "";
  }
}
