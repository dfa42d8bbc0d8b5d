// A chat: a conversation with its settings, which can be changed, saved and loaded. It knows nothing of a terminal.

import { resolve } from "node:path";
import { FormatError } from "@ll/bytes";
import {
  type Answer,
  type AnswerOptions,
  type Conversation,
  createConversation,
  isConversationError,
  type Turn,
} from "@ll/chat/conversation";
import { isTemplateError } from "@ll/chat/jinja";
import { type ChatTemplate, patternTemplate } from "@ll/chat/templates";
import { ggufSetPaths } from "@ll/gguf/node";
import type { Context, DraftOptions } from "@ll/llama";
import { resolveSeed, type Sampler } from "@ll/sampling";
import type { Tokenizer } from "@ll/tokenizer";
import { Refusal } from "../../errors.ts";
import { createPace } from "../../long-text.ts";
import { parseOptions } from "../../option-table.ts";
import { openSampler } from "../main/chain.ts";
import { type ChatParams, defaultChatParams, SETTINGS } from "./options.ts";
import { readSavedChat, type SavedChat, writeSavedChat } from "./saved-chat.ts";
import { FILE_TEMPLATE, type PatternTemplate, TEMPLATE_NAMES } from "./template.ts";

/** Names and values of options, in the order in which they were given; some may be given several times. */
export type Settings = readonly (readonly [name: string, value: string])[];

/** Options that add to what they set before. */
const ADDING: readonly string[] = ["logit-bias", "dry-sequence-breaker"];

/** "hide": it thinks, and nobody sees it. */
export type ThinkMode = "on" | "off" | "hide";

/** What a chat is made of. */
export interface ChatParts {
  readonly context: Context;
  readonly tokenizer: Tokenizer;
  readonly params: ChatParams;
  /** The settings among the parameters that are not the default. */
  readonly settings: Settings;
  /** Patterns, or "file" for `fileTemplate`. */
  readonly template: PatternTemplate | typeof FILE_TEMPLATE;
  /** That of the model's file. */
  readonly fileTemplate?: ChatTemplate | undefined;
  /** Settings that are the default for this model, in place of the program's. */
  readonly modelSettings?: Settings | undefined;
  /** Guesses of the next tokens. */
  readonly drafts?: DraftOptions | undefined;
  readonly now: () => number;
}

/** How much has been evaluated, and how fast. */
export interface ChatStats {
  readonly turns: number;
  readonly nForgotten: number;
  readonly contextTokens: number;
  readonly usedTokens: number;
  readonly seed: number;
  /** Of all answers so far. */
  readonly promptTokens: number;
  readonly promptMs: number;
  readonly answerTokens: number;
  readonly answerMs: number;
  readonly draftedTokens: number;
  readonly acceptedTokens: number;
}

export interface Chat {
  readonly turns: readonly Turn[];
  readonly stats: ChatStats;
  /** Those that are not the default. */
  readonly settings: Settings;
  /** What the model's file says of them. */
  readonly modelSettings: Settings;
  /** Whether the model thinks before it answers, and whether that is shown; undefined for what its template makes of it. */
  think: ThinkMode | undefined;
  /** True if the model can be told to think, or thinks anyway. */
  readonly canThink: boolean;
  /** See `Conversation`. */
  prepare(signal: AbortSignal): Promise<void>;
  ask(user: string, options: AnswerOptions): Promise<Answer>;
  regenerate(options: AnswerOptions): Promise<Answer>;
  /** Forgets all turns. */
  reset(): void;
  /** Changes a setting for the turns to come, by its first name: `set("temp", "0.7")`. @throws UsageError */
  set(name: string, value: string): Promise<void>;
  /** True if turns have come, or gone, that no file holds. */
  readonly isUnsaved: boolean;
  /** @throws IoError `E_EXISTS` for a file that this chat has not written, unless `replace` is set; `E_SAME_FILE` for its model */
  save(path: string, options?: { readonly replace?: boolean }): Promise<void>;
  /** Puts a saved conversation in place of this one. @throws FormatError; IoError. Nothing is changed then. */
  load(path: string): Promise<void>;
}

/** @throws UsageError for settings that no sampler can be made of */
export function createChat(parts: ChatParts): Chat {
  const { context, tokenizer, fileTemplate, modelSettings = [], drafts, now } = parts;
  const { nVocab } = context.config;
  const totals = { promptTokens: 0, promptMs: 0, answerTokens: 0, answerMs: 0, draftedTokens: 0, acceptedTokens: 0 };
  let think: ThinkMode | undefined;
  let params = parts.params;
  let template = parts.template;
  let settings = parts.settings;
  let seed = resolveSeed(params.seed);
  let sampler = samplerFor(params, seed);
  let conversation = converse(params, template, sampler);
  let savedTurns: readonly Turn[] = conversation.turns;
  let savedPath: string | undefined;

  function samplerFor(wanted: ChatParams, fromSeed: number): Sampler {
    return openSampler(wanted, { seed: fromSeed, nVocab, tokenizer, guidance: undefined, grammar: undefined });
  }

  /** What the model is told first. */
  function toldBy({ system }: ChatParams, by: ChatParts["template"]): string {
    return system ?? (by === FILE_TEMPLATE ? "" : by.system);
  }

  /** @throws Refusal for a system prompt that makes too much text */
  function converse(wanted: ChatParams, by: ChatParts["template"], drawer: Sampler): Conversation {
    const { batchTokens, nPredict } = wanted;
    const told = toldBy(wanted, by);
    const settings = { system: told, sampler: drawer, maxTokens: nPredict, think: thinks() };
    const template = by === FILE_TEMPLATE ? fileTemplate : patternTemplate({ name: "patterns", ...by });
    if (template === undefined) throw new Refusal("the model's file has no chat template");
    if (by !== FILE_TEMPLATE) {
      const messages = [{ role: "system", content: told } as const];
      refusing(() => template.render({ messages, tools: [] }, tokenizer));
    }
    return createConversation({ context, tokenizer, template, drafts, batchTokens, now, createPace }, settings);
  }

  function thinks(): boolean | undefined {
    return think === undefined ? undefined : think !== "off";
  }

  /** Options in the order in which they are given; nothing changes if one of them is wrong. */
  async function changed(from: ChatParams, changes: Settings): Promise<ChatParams> {
    const copy = { ...from, logitBias: new Map(from.logitBias) };
    for (const [name, value] of changes) {
      const spec = SETTINGS.find(({ names }) => names.includes(`--${name}`));
      await parseOptions(SETTINGS, spec?.value === "flag" ? [`--${name}`] : [`--${name}`, value], copy);
    }
    return copy;
  }

  async function counted(work: () => Promise<Answer>): Promise<Answer> {
    const answer = await work().catch(refuse);
    for (const key of Object.keys(totals) as (keyof typeof totals)[]) totals[key] += answer[key];
    return answer;
  }

  return {
    get turns() {
      return conversation.turns;
    },
    get stats() {
      return {
        ...totals,
        turns: conversation.turns.length,
        nForgotten: conversation.nForgotten,
        contextTokens: context.contextTokens,
        usedTokens: conversation.nPast,
        seed,
      };
    },
    get settings() {
      return settings;
    },
    modelSettings,
    get think() {
      return think;
    },
    set think(mode) {
      think = mode;
      conversation.settings.think = thinks();
    },
    get canThink() {
      return template === FILE_TEMPLATE && fileTemplate?.format !== undefined;
    },
    prepare: (signal) => conversation.prepare(signal),
    ask: (user, options) => counted(() => conversation.ask(user, options)),
    regenerate: (options) => counted(() => conversation.regenerate(options)),
    reset() {
      conversation.replace([]);
      savedPath = undefined; // what comes next is another conversation
    },

    async set(name, value) {
      const wanted = await changed(params, [[name, value]]);
      const reseeded = name === "seed";
      const fromSeed = reseeded ? resolveSeed(wanted.seed) : seed;
      const other = samplerFor(wanted, fromSeed);
      const system = toldBy(wanted, template);
      converse(wanted, template, other); // throws for a system prompt that is too long
      if (!reseeded) other.rng.importState(sampler.rng.exportState()); // the random numbers go on
      [params, seed, sampler] = [wanted, fromSeed, other];
      const others = ADDING.includes(name) ? settings : settings.filter(([one]) => one !== name);
      settings = [...others, [name, value]];
      Object.assign(conversation.settings, { system, sampler, maxTokens: params.nPredict });
    },

    get isUnsaved() {
      return conversation.turns !== savedTurns && conversation.turns.length > 0;
    },

    async save(path, { replace = false } = {}) {
      const { turns } = conversation;
      const content = {
        template,
        system: toldBy(params, template),
        settings,
        seed,
        rng: sampler.rng.exportState(),
        turns,
      };
      const inputs = inputFiles(parts.params);
      await writeSavedChat(path, content, { inputs, replace: replace || resolve(path) === savedPath });
      savedTurns = turns;
      savedPath = resolve(path);
    },

    async load(path) {
      const saved = await readSavedChat(path);
      const { threads, batchTokens } = parts.params;
      const defaults = { ...defaultChatParams(threads), batchTokens, system: saved.system };
      if (saved.template === FILE_TEMPLATE && fileTemplate === undefined) {
        const message = "the conversation was held by the chat template of a model's file, and this one has none";
        throw new FormatError({ code: "E_SESSION", file: path, field: "template", message });
      }
      const wanted = await changed(await changed(defaults, modelSettings), saved.settings);
      const other = samplerFor(wanted, saved.seed);
      importState(other, saved, path);
      const next = converse(wanted, saved.template, other);
      [params, seed, sampler, template] = [wanted, saved.seed, other, saved.template];
      settings = saved.settings;
      conversation = next;
      conversation.replace(saved.turns);
      savedTurns = conversation.turns;
      savedPath = undefined;
    },
  };
}

/** Runs what a conversation may refuse. */
function refusing<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    return refuse(error);
  }
}

/** @throws Refusal in place of what a conversation or its template refuses; else the error itself */
function refuse(error: unknown): never {
  throw isConversationError(error) || isTemplateError(error) ? new Refusal(error.message) : error;
}

/** Files that a chat is made of, which nothing may be saved over. */
function inputFiles({ model, lora, loraBase, template }: ChatParams): string[] {
  const others = [lora, loraBase, template !== undefined && TEMPLATE_NAMES.includes(template) ? undefined : template];
  return [...ggufSetPaths(model), ...others.filter((path) => path !== undefined)];
}

function importState({ rng }: Sampler, saved: SavedChat, path: string): void {
  try {
    rng.importState(saved.rng);
  } catch (cause) {
    throw new FormatError({
      code: "E_SESSION",
      file: path,
      field: "rng",
      message: "no state of random numbers",
      cause,
    });
  }
}
