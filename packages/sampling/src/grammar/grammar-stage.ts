// A grammar as a stage of a chain: forbids every token that the grammar cannot continue with, and follows the ids chosen.

import type { Candidates } from "../candidates.ts";
import { checkInteger } from "../guards.ts";
import type { CustomStage } from "../stages/custom.ts";
import { createAutomaton } from "./automaton.ts";
import { GrammarError } from "./errors.ts";
import type { Grammar } from "./grammar.ts";
import { MAX_KEPT_MASKS } from "./limits.ts";
import type { StackSet } from "./stack-sets.ts";
import { NO_PARTIAL, type PartialCharacter } from "./utf8.ts";
import {
  createGrammarVocabulary,
  type GrammarVocabulary,
  type GrammarVocabularyOptions,
  textOf,
} from "./vocabulary.ts";
import { createVocabularyTrie, follow } from "./vocabulary-trie.ts";

/** With `vocabulary`, what it was made of is not given again. */
export type GrammarStageOptions = { readonly grammar: Grammar } & (
  | GrammarVocabularyOptions
  | { readonly vocabulary: GrammarVocabulary }
);

/** Holds the state of one text: one stage per sampler. */
export interface GrammarStage extends CustomStage {
  /**
   * Follows an id that was chosen; the sampler calls it.
   * @throws GrammarError E_DEAD_END if the grammar does not permit the id, as happens when it permits none. The state stays.
   */
  accept(id: number): void;
  /** Back to the beginning of the grammar, for a new text. */
  reset(): void;
}

/**
 * A stage that sets the logits of ids that cannot come next to −∞; the order of the candidates and their count stay. Ids without
 * text are never permitted, and what ends the text only where the grammar may end. In a chain it belongs behind the penalties
 * and in front of everything that drops candidates, or none may be left that is permitted.
 *
 * A token may end within a character: then it is permitted if some character of the grammar begins with its bytes. Kept from
 * llama.cpp: a negated set permits such a token only if no character it excludes begins so ([^é] forbids the byte C3, and with
 * it è), and within a token the bytes of a character are not checked.
 * @throws GrammarError E_NO_ROOT, E_UNDEFINED, E_LEFT_RECURSION, E_EMPTY_REPETITION, E_LIMIT; RangeError for bad options
 */
export function createGrammarStage(options: GrammarStageOptions): GrammarStage {
  const vocabulary = "vocabulary" in options ? options.vocabulary : createGrammarVocabulary(options);
  const { nVocab, endIds } = vocabulary;
  const automaton = createAutomaton(options.grammar);
  const trie = createVocabularyTrie(vocabulary, automaton);
  const masks = new Map<StackSet, Mask>(); // by state between characters
  const keptLogits = new Float32Array(Math.ceil(nVocab / FEW_SHARE)); // of the ids of a mask that permits few
  let state = automaton.start;
  let partial: PartialCharacter = NO_PARTIAL;

  const computeMask = (): Mask => {
    const bits = new Uint32Array(Math.ceil(nVocab / 32));
    const ids: number[] = [];
    const permit = (id: number): void => {
      bits[id >>> 5]! |= 1 << (id & 31);
      if (ids.length <= keptLogits.length) ids.push(id);
    };
    trie.forEachPermitted(state, partial, permit);
    if (state.mayEnd) for (const id of endIds) permit(id);
    return { bits, few: ids.length <= keptLogits.length ? Int32Array.from(ids) : undefined };
  };
  const currentMask = (): Mask => {
    if (automaton.beginToken() || masks.size >= MAX_KEPT_MASKS) masks.clear();
    if (partial.remaining > 0) return computeMask();
    let mask = masks.get(state);
    if (mask === undefined) {
      mask = computeMask();
      masks.set(state, mask);
    }
    return mask;
  };

  return {
    kind: "custom",
    name: "grammar",
    apply({ ids, logits, n }: Candidates, context) {
      if (context.nVocab !== nVocab) {
        throw new RangeError(`grammar: "nVocab" expected ${context.nVocab} as in the sampler, got ${nVocab}`);
      }
      const { bits, few } = currentMask();
      if (few?.every((id) => id < n && ids[id] === id)) {
        for (let i = 0; i < few.length; i++) keptLogits[i] = logits[few[i]!]!;
        logits.fill(Number.NEGATIVE_INFINITY, 0, n);
        for (let i = 0; i < few.length; i++) logits[few[i]!] = keptLogits[i]!;
        return;
      }
      for (let i = 0; i < n; i++) {
        const id = ids[i]!;
        if ((bits[id >>> 5]! & (1 << (id & 31))) === 0) logits[i] = Number.NEGATIVE_INFINITY;
      }
    },
    accept(id) {
      if (endIds.has(id) && state.mayEnd) return;
      if (automaton.beginToken()) masks.clear();
      const text = textOf(vocabulary, checkInteger("id", id, 0, nVocab - 1));
      const next = text.length === 0 ? undefined : follow(automaton, state, partial, text);
      if (next === undefined) {
        // were the end permitted, it would have been chosen
        const message = state.mayEnd
          ? `the grammar is complete, and the end of the text is forbidden: it does not permit the token ${id} here`
          : `the grammar does not permit the token ${id} here`;
        throw new GrammarError({ code: "E_DEAD_END", message });
      }
      state = next.state;
      partial = next.partial;
    },
    reset() {
      state = automaton.start;
      partial = NO_PARTIAL;
    },
  };
}

/** What may come next. */
interface Mask {
  readonly bits: Uint32Array; // (nVocab / 32): bit id % 32 of word id / 32
  /** The same ids, if they are few: others need not be looked at one by one while candidates are in the order of their ids. */
  readonly few: Int32Array | undefined;
}

/** An id in so many is few. */
const FEW_SHARE = 16;
