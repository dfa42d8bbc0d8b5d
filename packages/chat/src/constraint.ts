// What an answer must look like: grammars and schemas as a stage of the sampler, calls of tools as a grammar.

import {
  callsToGrammar,
  createGrammarStage,
  createGrammarVocabulary,
  type GrammarStage,
  type GrammarVocabulary,
  isGrammarError,
  type JsonSchemaOptions,
  jsonSchemaToGrammar,
  parseGrammar,
  type SamplerStage,
} from "@ll/sampling";
import type { Tokenizer } from "@ll/tokenizer";
import { callsBehindMark, type ForcedCalls, type OutputFormat } from "./format/output-format.ts";
import type { CallMaker } from "./format/output-part.ts";
import type { Tools } from "./messages.ts";
import { argumentsSchema, type JsonSchema } from "./schema.ts";

/** A JSON pointer and what it is about, for each keyword that a grammar does not hold to. */
export type Warn = (warning: string) => void;

/** GBNF of what a schema admits. @throws GrammarError E_SCHEMA */
export function schemaGrammar(schema: JsonSchema, warn: Warn): string {
  return jsonSchemaToGrammar(schema, unenforced("", warn));
}

function unenforced(where: string, warn: Warn): JsonSchemaOptions {
  return { onUnenforced: ({ pointer, keyword }) => warn(`${where}${pointer}: "${keyword}" is not enforced`) };
}

/**
 * GBNF of texts that are calls of these tools.
 * @param written what stands there already, of a call that begins with its mark; undefined comes back if no call begins so
 */
export function callGrammar(
  forced: ForcedCalls,
  tools: Tools,
  names: readonly string[],
  isOne: boolean,
  warn: Warn,
  written?: string,
): string | undefined {
  const calls = names.map((name) => ({
    name,
    schema: argumentsSchema(tools[name]?.parameters),
    ...unenforced(`tools.${name}`, warn),
  }));
  return callsToGrammar(forced, calls, isOne, written);
}

/** What a constraint has to know of the text before it: an `OutputParser`. */
interface Progress {
  readonly isThinking: boolean;
  readonly mayThink: boolean;
}

/**
 * A grammar that begins behind the thought.
 * @param progress undefined where there are no thoughts
 * @param thoughtId the token that begins a thought, if there is one: it is permitted as long as a thought may begin
 */
export function grammarStage(
  grammar: string,
  tokenizer: Tokenizer,
  progress: Progress | undefined,
  thoughtId: number | undefined,
): SamplerStage {
  const stage = stageOf(grammar, tokenizer);
  let isActive = true;
  let mayThink = false;
  return {
    kind: "custom",
    name: "grammar",
    apply(candidates, context) {
      isActive = progress?.isThinking !== true;
      mayThink = progress?.mayThink === true && thoughtId !== undefined;
      const thought = mayThink ? candidates.ids.subarray(0, candidates.n).indexOf(thoughtId as number) : -1;
      const logit = candidates.logits[thought];
      if (isActive) stage.apply(candidates, context);
      if (logit !== undefined) candidates.logits[thought] = logit;
    },
    accept(id) {
      if (isActive && !(mayThink && id === thoughtId)) stage.accept(id);
    },
  };
}

const vocabularies = new WeakMap<Tokenizer, GrammarVocabulary>();

function stageOf(grammar: string, tokenizer: Tokenizer): GrammarStage {
  let vocabulary = vocabularies.get(tokenizer);
  if (vocabulary === undefined) {
    vocabulary = createGrammarVocabulary({
      nVocab: tokenizer.nVocab,
      // marks of calls may be control tokens
      tokenBytes: (id) => tokenizer.tokenBytes(id, { special: true }),
      endIds: tokenizer.special.ends,
    });
    vocabularies.set(tokenizer, vocabulary);
  }
  return createGrammarStage({ grammar: parseGrammar(grammar), vocabulary });
}

/** Calls that a model makes by itself: from the mark of one to its end a grammar holds, so its arguments are as their schema says. */
export interface MadeCalls extends CallMaker {
  /** Permits everything outside calls. */
  readonly stage: SamplerStage;
  /** For a parser that reads the same later: says what was found before. */
  readonly shown: CallMaker;
}

/**
 * Undefined if calls of this format are only read.
 * @param warn is told why they are read all the same, if a schema cannot be a grammar
 */
export function madeCalls(
  format: OutputFormat,
  tools: Tools,
  isOne: boolean,
  tokenizer: Tokenizer,
  warn: Warn,
): MadeCalls | undefined {
  const calls = callsBehindMark(format);
  if (calls === undefined) return undefined;
  const names = Object.keys(tools);
  const stages = new Map<string, GrammarStage | undefined>(); // by what is written behind the mark
  const found: boolean[] = []; // whether each mark begins a call that a grammar makes
  let current: GrammarStage | undefined; // within a call
  const newStage = (written: string): GrammarStage | undefined => {
    try {
      const grammar = callGrammar(calls, tools, names, isOne, warn, written);
      return grammar === undefined ? undefined : stageOf(grammar, tokenizer);
    } catch (error) {
      if (!isGrammarError(error)) throw error;
      warn(`calls are read as they come: ${error.message}`);
      return undefined;
    }
  };
  const end = (): void => {
    current = undefined;
  };
  return {
    begin(text) {
      if (!stages.has(text)) stages.set(text, newStage(text));
      current = stages.get(text);
      current?.reset();
      found.push(current !== undefined);
      return current !== undefined;
    },
    end,
    shown: { begin: () => found.shift() === true, end: () => undefined },
    stage: {
      kind: "custom",
      name: "calls",
      apply: (candidates, context) => current?.apply(candidates, context),
      accept: (id) => current?.accept(id),
    },
  };
}
