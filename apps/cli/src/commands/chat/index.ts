// ll-chat: a conversation with a model file.

import { printable } from "@ll/bytes";
import { isTemplateError, jinjaTemplate } from "@ll/chat/jinja";
import type { ChatTemplate } from "@ll/chat/templates";
import type { ChatTemplates } from "@ll/model";
import type { Tokenizer } from "@ll/tokenizer";
import type { Command, Io } from "../../command.ts";
import { FLAG, type Origins } from "../../configuration.ts";
import { ExitCode } from "../../exit-codes.ts";
import { openDrafts } from "../../inference/drafts.ts";
import type { LoadedModel } from "../../inference/model-loading.ts";
import { loadQuietly } from "../../inference/model-loading.ts";
import { MAIN_OPTIONS } from "../../inference/options/index.ts";
import { kvTypes } from "../../inference/params.ts";
import { kernelName } from "../../kernel-tier.ts";
import { modelPath, openModelSource } from "../../model-path.ts";
import { parseOptions } from "../../option-table.ts";
import { type Program, readCommandLine, usageError } from "../../program.ts";
import { wrapFor } from "../../text-wrap.ts";
import { countText, sizeText } from "../../units.ts";
import { readModelFacts } from "../inspect/model-facts.ts";
import { modelReport } from "../inspect/model-report.ts";
import { type Chat, type ChatParts, createChat, type Settings } from "./chat.ts";
import { runClassic } from "./classic.ts";
import { openHistory } from "./history-file.ts";
import { CHAT_OPTIONS, type ChatParams, defaultChatParams, SETTINGS } from "./options.ts";
import { standardInputLines, talkInPipes } from "./piped-chat.ts";
import { FILE_TEMPLATE, loadTemplate } from "./template.ts";
import { talkOnTerminal } from "./terminal-chat.ts";

const MIN_CONTEXT_TOKENS = 8;

/** Of a context that nobody asked for. */
const MOST_CONTEXT_TOKENS = 4096;

/** Options of which the dialogue of --classic knows nothing. */
const NOT_CLASSIC: readonly string[] = ["--template", "--resume", "--json", "--prompt"];

const PROGRAM: Program<ChatParams> = {
  examples: ["ggml-model-q4_0.bin", "vicuna-7b-q4_K_M.bin --template vicuna --temp 0.7"],
  usage: "[options] MODEL [QUESTION]",
  description: [
    "A conversation with a model: a ggjt or GGUF file, such as ll-convert and ll-quantize make of a checkpoint, or the name of one on",
    "the Hugging Face hub, as ll-pull takes it.",
    "With a QUESTION, its answer and nothing else.",
    "On a terminal /help lists what can be done; without one every line of standard input is a turn, also one that begins",
    "with a slash, and standard output has the answers only.",
  ].join(" "),
  options: CHAT_OPTIONS,
  arguments: ["--model"],
  wholeConfig: true,
};

export const chatCommand: Command = async (bin, argv, io) => {
  const params = defaultChatParams();
  const commandLine = await readCommandLine(PROGRAM, bin, argv, params, io);
  if (commandLine === undefined) return ExitCode.ok;
  const { extra, origins } = commandLine;
  if (extra.length > 1) throw usageError(PROGRAM, bin, "more than a model and a question given: put it in quotes");
  params.question = extra[0] ?? params.question;
  if (params.model === "")
    throw usageError(PROGRAM, bin, "no model given: a ggjt or GGUF file, or a name such as hf:OWNER/REPO");
  params.model = await modelPath(params.model, io, params.quiet);
  if (origins.has("--ctx-size") && params.contextTokens !== 0)
    params.contextTokens = Math.max(MIN_CONTEXT_TOKENS, params.contextTokens);
  params.kernels = kernelName(io.env);
  if (!params.classic) return talk(params, origins, io);
  if (extra.length > 0) throw usageError(PROGRAM, bin, "--classic takes no question");
  const useless = NOT_CLASSIC.find((name) => origins.get(name)?.at(-1)?.origin === FLAG);
  if (useless !== undefined) throw usageError(PROGRAM, bin, `--classic and ${useless} exclude each other`);
  return runClassic(params, argumentsForMain(origins), io);
};

async function talk(params: ChatParams, origins: Origins, io: Io): Promise<number> {
  const asked = params.template === undefined ? undefined : await loadTemplate(params.template);
  const models: { dispose(): Promise<void> }[] = [];
  const begin = async (): Promise<Chat> => {
    const loaded = await loadQuietly(params, io);
    models.push(loaded.model);
    const { tokenizer, container, templates } = loaded;
    const { template: fileTemplate, reason } = fileTemplateOf(templates, tokenizer);
    const template: ChatParts["template"] =
      asked ?? (fileTemplate === undefined ? await loadTemplate("plain") : FILE_TEMPLATE);
    // ggml files never have one
    if (asked === undefined && reason !== undefined && container === "gguf" && !params.quiet) {
      io.err.write(`warning: ${printable(reason, 512)}: the conversation is a plain transcript\n`);
    }
    const modelSettings = settingsOf(loaded);
    const isFree = ([name]: readonly [string, string]): boolean => !origins.has(`--${name}`);
    for (const [name, value] of modelSettings.filter(isFree))
      await parseOptions(SETTINGS, [`--${name}`, value], params);
    const { contextTokens } = params;
    const context = await loaded.model.createContext({ contextTokens, kvType: kvTypes(params) });
    const now = (): number => performance.now();
    const settings = settingsFrom(origins);
    const drafted = { params, io, context, tokenizer };
    const drafts = await openDrafts(drafted, loadQuietly, (text) => io.err.write(`warning: ${text}\n`));
    if (drafts.model !== undefined) models.push(drafts.model);
    const parts = { context, tokenizer, params, settings, template, fileTemplate, modelSettings, now };
    const chat = createChat({ ...parts, drafts: drafts.options });
    if (params.resume !== undefined) await resume(chat, params.resume, origins);
    return chat;
  };
  try {
    if (params.question !== undefined) return await talkInPipes(await begin(), [params.question], params, io);
    if (process.stdin.isTTY !== true) return await talkInPipes(await begin(), standardInputLines(), params, io);
    const history = await openHistory(params.history ? io.env : {});
    const beginWithBanner = async (): Promise<Chat> => {
      if (!params.quiet) for (const line of await banner(params)) io.err.write(`${wrapFor(io.err, io.env, line)}\n`);
      return begin();
    };
    return await talkOnTerminal(beginWithBanner, history, params, io);
  } finally {
    for (const model of models) await model.dispose();
  }
}

/** The template of a file, or why it has none. */
function fileTemplateOf(
  { main, named }: ChatTemplates,
  tokenizer: Tokenizer,
): { readonly template?: ChatTemplate; readonly reason?: string } {
  if (main === undefined) return { reason: "the file has no chat template" };
  try {
    return { template: jinjaTemplate({ main, named }, tokenizer) };
  } catch (error) {
    if (!isTemplateError(error)) throw error;
    return { reason: error.message };
  }
}

/** What the makers of a model sample with; a GGUF file's chain has no penalty. */
function settingsOf({ container, sampling }: LoadedModel): Settings {
  const { temperature, topK, topP, minP, repeatPenalty = container === "gguf" ? 1 : undefined, repeatLastN } = sampling;
  const all = {
    temp: temperature,
    "top-k": topK,
    "top-p": topP,
    "min-p": minP,
    "repeat-penalty": repeatPenalty,
    "repeat-last-n": repeatLastN,
  };
  return Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)] as const]));
}

/** Name of the model, and what it takes of the memory, before that is taken. */
async function banner(params: ChatParams): Promise<string[]> {
  const { model, threads, kernels, arithmetic } = params;
  const source = await openModelSource(model);
  try {
    const facts = await readModelFacts(source);
    const contextTokens =
      params.contextTokens < 0 ? Math.min(facts.trainedContext, MOST_CONTEXT_TOKENS) : params.contextTokens;
    const template = params.template ?? (facts.templates.main === undefined ? "plain" : "of the file");
    const { types, memory } = await modelReport(facts, {
      contextSizes: [contextTokens],
      threads,
      kernels,
      arithmetic,
      kvType: kvTypes(params),
    });
    const weights = types.reduce((sum, type) => sum + type.weights, 0);
    const need = memory[0];
    const needs =
      need === undefined ? "" : `, needs ${sizeText(need.total)} with a context of ${need.contextTokens} tokens`;
    return [
      `${printable(model, 4096)}: ${countText(weights)} weights, mostly ${types[0]?.type ?? "none"}${needs}`,
      `template ${printable(template, 200)}; /help shows what can be done, Ctrl-D leaves`,
    ];
  } finally {
    await source.close();
  }
}

/** The settings that some source has set, for saved conversations. */
function settingsFrom(origins: Origins): Settings {
  return SETTINGS.flatMap(({ names: [name] }) => {
    const values = origins.get(name) ?? [];
    return values.map(({ text }): readonly [string, string] => [name.slice(2), text]);
  });
}

/** Loads a saved conversation; flags win over its settings. */
async function resume(chat: Chat, path: string, origins: Origins): Promise<void> {
  await chat.load(path);
  for (const { names } of SETTINGS) {
    for (const { text, origin } of origins.get(names[0]) ?? []) {
      if (origin === FLAG) await chat.set(names[0].slice(2), text);
    }
  }
}

/** The options that some source has set, and that ll-main takes as well. */
function argumentsForMain(origins: Origins): string[] {
  return [...origins].flatMap(([name, values]) => {
    const row = MAIN_OPTIONS.find(({ names }) => names[0] === name);
    if (row === undefined) return [];
    if (row.value !== "flag") return values.flatMap(({ text }) => [name, text]);
    return values.map(({ text }) => (row.words?.includes(text) ? `${name}=${text}` : name));
  });
}
