// A chat: a conversation with its settings, which can be changed, saved and loaded. It knows nothing of a terminal.

import { resolve } from "node:path";
import { FormatError } from "@ll/bytes";
import { ggufSetPaths } from "@ll/gguf/node";
import type { Context } from "@ll/llama";
import { resolveSeed, type Sampler } from "@ll/sampling";
import type { Tokenizer } from "@ll/tokenizer";
import { parseOptions } from "../../option-table.ts";
import { createPace } from "../../pace.ts";
import { openSampler } from "../main/chain.ts";
import { type Answer, type AnswerOptions, type Conversation, createConversation, type Turn } from "./conversation.ts";
import { type ChatParams, defaultChatParams, SETTINGS } from "./options.ts";
import { createPromptWriter } from "./prompt-writer.ts";
import { readSavedChat, type SavedChat, writeSavedChat } from "./saved-chat.ts";
import { TEMPLATE_NAMES, type Template } from "./template.ts";

/** Names and values of options, in the order in which they were given; some may be given several times. */
export type Settings = readonly (readonly [name: string, value: string])[];

/** Options that add to what they set before. */
const ADDING: readonly string[] = ["logit-bias", "dry-sequence-breaker"];

/** What a chat is made of. */
export interface ChatParts {
  readonly context: Context;
  readonly tokenizer: Tokenizer;
  readonly params: ChatParams;
  /** The settings among the parameters that are not the default. */
  readonly settings: Settings;
  readonly template: Template;
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
}

export interface Chat {
  readonly turns: readonly Turn[];
  readonly stats: ChatStats;
  /** Those that are not the default. */
  readonly settings: Settings;
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
  const { context, tokenizer, now } = parts;
  const { nVocab } = context.config;
  const totals = { promptTokens: 0, promptMs: 0, answerTokens: 0, answerMs: 0 };
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

  /** @throws Refusal for a system prompt that makes too much text */
  function converse({ system, batchTokens, nPredict }: ChatParams, by: Template, drawer: Sampler): Conversation {
    const writer = createPromptWriter(by, tokenizer);
    const told = system ?? by.system;
    writer.start(told);
    return createConversation(
      { context, tokenizer, writer, stop: by.stop, batchTokens, now },
      { system: told, sampler: drawer, maxTokens: nPredict },
    );
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

  function counted(answer: Answer): Answer {
    for (const key of ["promptTokens", "promptMs", "answerTokens", "answerMs"] as const) totals[key] += answer[key];
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
    prepare: (signal) => conversation.prepare(signal),
    ask: async (user, options) => counted(await conversation.ask(user, options)),
    regenerate: async (options) => counted(await conversation.regenerate(options)),
    reset() {
      conversation.replace([]);
      savedPath = undefined; // what comes next is another conversation
    },

    async set(name, value) {
      const wanted = await changed(params, [[name, value]]);
      const reseeded = name === "seed";
      const fromSeed = reseeded ? resolveSeed(wanted.seed) : seed;
      const other = samplerFor(wanted, fromSeed);
      const system = wanted.system ?? template.system;
      createPromptWriter(template, tokenizer).start(system); // throws for one that is too long
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
        system: params.system ?? template.system,
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
      const wanted = await changed(defaults, saved.settings);
      const other = samplerFor(wanted, saved.seed);
      importState(other, saved, path);
      const next = converse(wanted, saved.template, other);
      const turns: Turn[] = [];
      const pace = createPace();
      for (const turn of saved.turns) {
        turns.push({ ...turn, ids: idsOf(turn, tokenizer) });
        await pace();
      }
      [params, seed, sampler, template] = [wanted, saved.seed, other, saved.template];
      settings = saved.settings;
      conversation = next;
      conversation.replace(turns);
      savedTurns = conversation.turns;
      savedPath = undefined;
    },
  };
}

/** Files that a chat is made of, which nothing may be saved over. */
function inputFiles({ model, lora, loraBase, template }: ChatParams): string[] {
  const others = [lora, loraBase, TEMPLATE_NAMES.includes(template) ? undefined : template];
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

/** The saved ids if they mean the saved text to this model, else others that do. */
function idsOf({ answer, ids }: Turn, tokenizer: Tokenizer): readonly number[] {
  const areKnown = ids.every((id) => id < tokenizer.nVocab);
  return areKnown && tokenizer.decode(ids) === answer ? ids : [...tokenizer.encode(answer)];
}
