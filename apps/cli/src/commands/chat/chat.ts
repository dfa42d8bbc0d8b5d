// A chat: a conversation with its settings, which can be changed, saved and loaded. It knows nothing of a terminal.

import { FormatError } from "@ll/bytes";
import type { Context } from "@ll/llama";
import { resolveSeed, type Sampler } from "@ll/sampling";
import type { Tokenizer } from "@ll/tokenizer";
import { parseOptions } from "../../option-table.ts";
import { openSampler } from "../main/chain.ts";
import { type Answer, type AnswerOptions, type Conversation, createConversation, type Turn } from "./conversation.ts";
import { type ChatParams, defaultChatParams, SETTINGS } from "./options.ts";
import { createPromptWriter } from "./prompt-writer.ts";
import { readSavedChat, type SavedChat, writeSavedChat } from "./saved-chat.ts";
import type { Template } from "./template.ts";

/** Names and values of options, in the order in which they were given; some may be given several times. */
export type Settings = readonly (readonly [name: string, value: string])[];

/** Options that add to what they set before. */
const ADDING: readonly string[] = ["logit-bias", "dry-sequence-breaker"];

/** What a chat is made of. */
export interface ChatParts {
  readonly context: Context;
  readonly tokenizer: Tokenizer;
  /** The id whose text is exactly this. */
  readonly idOf: (text: string) => number | undefined;
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
  ask(user: string, options: AnswerOptions): Promise<Answer>;
  regenerate(options: AnswerOptions): Promise<Answer>;
  /** Forgets all turns. */
  reset(): void;
  /** Changes a setting for the turns to come, by its first name: `set("temp", "0.7")`. @throws UsageError */
  set(name: string, value: string): Promise<void>;
  /** @throws IoError */
  save(path: string): Promise<void>;
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
  let conversation = converse();

  function samplerFor(wanted: ChatParams, fromSeed: number): Sampler {
    return openSampler(wanted, { seed: fromSeed, nVocab, tokenizer, guidance: undefined, grammar: undefined });
  }

  function converse(): Conversation {
    const writer = createPromptWriter(template, tokenizer, parts.idOf);
    const system = params.system ?? template.system;
    return createConversation(
      { context, tokenizer, writer, stop: template.stop, batchTokens: params.batchTokens, now },
      { system, sampler, maxTokens: params.nPredict },
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
    ask: async (user, options) => counted(await conversation.ask(user, options)),
    regenerate: async (options) => counted(await conversation.regenerate(options)),
    reset: () => conversation.replace([]),

    async set(name, value) {
      const wanted = await changed(params, [[name, value]]);
      const reseeded = name === "seed";
      const fromSeed = reseeded ? resolveSeed(wanted.seed) : seed;
      const other = samplerFor(wanted, fromSeed);
      if (!reseeded) other.rng.importState(sampler.rng.exportState()); // the random numbers go on
      [params, seed, sampler] = [wanted, fromSeed, other];
      const others = ADDING.includes(name) ? settings : settings.filter(([one]) => one !== name);
      settings = [...others, [name, value]];
      const system = params.system ?? template.system;
      Object.assign(conversation.settings, { system, sampler, maxTokens: params.nPredict });
    },

    save: (path) =>
      writeSavedChat(path, {
        template,
        system: params.system ?? template.system,
        settings,
        seed,
        rng: sampler.rng.exportState(),
        turns: conversation.turns,
      }),

    async load(path) {
      const saved = await readSavedChat(path);
      const { threads, batchTokens } = parts.params;
      const defaults = { ...defaultChatParams(threads), batchTokens, system: saved.system };
      const wanted = await changed(defaults, saved.settings);
      const other = samplerFor(wanted, saved.seed);
      importState(other, saved, path);
      [params, seed, sampler, template] = [wanted, saved.seed, other, saved.template];
      settings = saved.settings;
      conversation = converse();
      conversation.replace(saved.turns.map((turn) => ({ ...turn, ids: idsOf(turn, tokenizer) })));
    },
  };
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
