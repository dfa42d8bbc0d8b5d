// From stacks with rules on top to the stacks that the rules begin with, all at once.

import { GrammarError } from "./errors.ts";
import { MAX_TOKEN_WORK } from "./limits.ts";
import type { GrammarProgram } from "./program.ts";
import type { StackSet, StackSets, Stacks } from "./stack-sets.ts";

export interface ExpandedStacks {
  readonly set: StackSet;
  /** Tops made or looked at. */
  readonly work: number;
}

/** Stacks that wait for a rule to be matched: where they go on behind it. */
interface Waiting {
  readonly stacks: Stacks[];
  mayEnd: boolean;
}

/**
 * Replaces rules on top of stacks by what they begin with, until all tops are sets of characters. A seed's top may be −1: its
 * alternative is finished, and what is below comes up.
 *
 * First everything that can come up does, past whatever can be empty, and rules that are met collect who waits for them. Then
 * each rule met is entered once, for all that wait together, in an order in which a rule comes after all that begin with it.
 * So the work is bounded by the size of the grammar and of the state, not by the number of ways to read the text.
 * @throws GrammarError E_LIMIT if it takes more than `maxWork`
 */
export function expandStacks(
  program: GrammarProgram,
  sets: StackSets,
  seeds: readonly Stacks[],
  maxWork: number,
): ExpandedStacks {
  const { kinds, values, next, nullable, rank, ruleOfRank, starts } = program;
  const found: Stacks[] = [];
  const waiting = new Map<number, Waiting>(); // by rule
  const ranks: number[] = []; // of rules not entered yet, descending
  let mayEnd = false;
  let work = 0;

  const look = (nTops: number): void => {
    work += nTops;
    if (work > maxWork) {
      const message = `the grammar is too ambiguous: one token led to more than ${MAX_TOKEN_WORK} stacks`;
      throw new GrammarError({ code: "E_LIMIT", message });
    }
  };

  const wait = (rule: number, behind: number, rest: StackSet): void => {
    let entry = waiting.get(rule);
    if (entry === undefined) {
      entry = { stacks: [], mayEnd: false };
      waiting.set(rule, entry);
      insertDescending(ranks, rank[rule]!);
    }
    if (behind >= 0) {
      entry.stacks.push({ top: behind, rest });
    } else {
      // nothing is left of this alternative: those below wait themselves, so that repetition makes no stack grow
      look(rest.tops.length);
      for (const [i, top] of rest.tops.entries()) entry.stacks.push({ top, rest: rest.rests[i]! });
      entry.mayEnd ||= rest.mayEnd;
    }
  };

  /** Goes on in an alternative from `position`; true if all that is left of it can be empty. */
  const walk = (position: number, rest: StackSet): boolean => {
    for (let at = position; at >= 0; at = next[at]!) {
      look(1);
      if (kinds[at] !== "ref") {
        found.push({ top: at, rest });
        return false;
      }
      wait(values[at]!, next[at]!, rest);
      if (nullable[values[at]!] === 0) return false;
    }
    return true;
  };

  const queue = [...seeds];
  const seen = new Set<number>();
  const surfaced = new Set<StackSet>();
  for (const { top, rest } of queue) {
    const key = rest.id * (kinds.length + 1) + top + 1; // exact up to 2^53
    if (seen.has(key)) continue;
    seen.add(key);
    if (!walk(top, rest) || surfaced.has(rest)) continue;
    surfaced.add(rest);
    mayEnd ||= rest.mayEnd;
    look(rest.tops.length);
    for (const [i, position] of rest.tops.entries()) queue.push({ top: position, rest: rest.rests[i]! });
  }

  for (let place = ranks.pop(); place !== undefined; place = ranks.pop()) {
    const rule = ruleOfRank[place]!;
    const callers = waiting.get(rule)!;
    const rest = sets.merge(callers.stacks, callers.mayEnd, look);
    for (const position of starts[rule]!) walk(position, rest); // what can be empty was passed where the rule was met
  }
  return { set: sets.merge(found, mayEnd, look), work };
}

/** Inserts into a descending list: short, because only rules that are just being entered are in it. */
function insertDescending(list: number[], value: number): void {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle]! > value) low = middle + 1;
    else high = middle;
  }
  list.splice(low, 0, value);
}
