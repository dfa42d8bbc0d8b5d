// Runs a grammar character by character. A state is the set of all stacks whose tops are sets of characters, that is, all ways
// in which the text so far can be read.

import { characterClasses } from "./character-classes.ts";
import type { Grammar } from "./grammar.ts";
import { MAX_KEPT_TOPS, MAX_TOKEN_WORK } from "./limits.ts";
import { admits, compileGrammar } from "./program.ts";
import { expandStacks } from "./stack-expansion.ts";
import { createStackSets, type StackSet, type Stacks } from "./stack-sets.ts";
import type { PartialCharacter } from "./utf8.ts";

export interface Automaton {
  /** Nothing read yet. */
  readonly start: StackSet;
  readonly nClasses: number;
  /** Class of a code point: all of a class lead from one state to the same one. */
  classOf(codePoint: number): number;
  /** The state after one character of a class; `isDead` if there is none. @throws GrammarError E_LIMIT */
  step(state: StackSet, characterClass: number): StackSet;
  /** What `step` has found for a state already, by class; grows with it. */
  knownSteps(state: StackSet): readonly (StackSet | undefined)[];
  /** False if the character that began can become none that the grammar admits here. */
  admitsPartial(state: StackSet, partial: PartialCharacter): boolean;
  /**
   * To be called before each token: keeps memory and time bounded. Returns true if equal states may from now on be different
   * objects.
   */
  beginToken(): boolean;
}

/** True for the state that nothing leads out of and that no text may end in. */
export function isDead(state: StackSet): boolean {
  return state.tops.length === 0 && !state.mayEnd;
}

/** @throws GrammarError E_NO_ROOT, E_UNDEFINED, E_LEFT_RECURSION, E_EMPTY_REPETITION, E_LIMIT */
export function createAutomaton(grammar: Grammar): Automaton {
  const program = compileGrammar(grammar);
  const classes = characterClasses(program);
  const sets = createStackSets();
  const transitions = new Map<StackSet, (StackSet | undefined)[]>(); // by state, then class
  let work = 0; // since the last `beginToken`
  const expand = (seeds: readonly Stacks[]): StackSet => {
    const expanded = expandStacks(program, sets, seeds, MAX_TOKEN_WORK - work);
    work += expanded.work;
    return expanded.set;
  };
  const rowOf = (state: StackSet): (StackSet | undefined)[] => {
    let row = transitions.get(state);
    if (row === undefined) {
      row = [];
      transitions.set(state, row);
    }
    return row;
  };
  return {
    start: expand([{ top: program.entry, rest: sets.ended }]),
    nClasses: classes.first.length,
    classOf: classes.classOf,
    knownSteps: rowOf,
    step(state, characterClass) {
      const row = rowOf(state);
      const known = row[characterClass];
      if (known !== undefined) return known;
      const codePoint = classes.first[characterClass]!;
      const seeds: Stacks[] = [];
      for (const [i, top] of state.tops.entries()) {
        work += program.extent[top]! / LOOKS_PER_WORK;
        if (admits(program, top, codePoint, codePoint)) seeds.push({ top: program.next[top]!, rest: state.rests[i]! });
      }
      const next = expand(seeds);
      row[characterClass] = next;
      return next;
    },
    admitsPartial(state, { value, remaining }) {
      if (remaining === 1 && value < 2) return false; // would be a longer spelling of an ASCII character
      let low = value * 64 ** remaining;
      const high = low + 64 ** remaining - 1;
      if (low === 0) low = SHORTEST[remaining]!;
      return state.tops.some((top) => admits(program, top, low, high));
    },
    beginToken() {
      work = 0;
      if (sets.size <= MAX_KEPT_TOPS) return false;
      sets.forget();
      transitions.clear();
      return true;
    },
  };
}

/** Comparing a character with a member of a set is so much cheaper than making a new top. */
const LOOKS_PER_WORK = 16;

/** Least code point that needs so many bytes behind the first: others begun like this are overlong. */
const SHORTEST = [0, 0, 0x800, 0x10000] as const;
