// A grammar flattened into arrays that positions index, and checked: from here on every rule that is reached is defined, and no
// rule begins with itself.

import { checkRules } from "./analysis.ts";
import type { Grammar, GrammarElementKind } from "./grammar.ts";

/** A position is an index into `kinds`; a stack holds the positions that are still to be matched. */
export interface GrammarProgram {
  readonly kinds: readonly GrammarElementKind[]; // (nElements)
  readonly values: Uint32Array; // (nElements)
  /** For a rule and for the first member of a set: the position behind it, −1 at the end of an alternative. */
  readonly next: Int32Array; // (nElements)
  /** For the first member of a set: how many elements it has, which is what a look at it costs. */
  readonly extent: Int32Array; // (nElements)
  /** First position of each alternative that is not empty, by rule. */
  readonly starts: readonly (readonly number[])[]; // (nRules)
  /** 1 for rules that can be empty. */
  readonly nullable: Uint8Array; // (nRules)
  /** Place of a rule in an order in which no rule begins with one that comes before it. */
  readonly rank: Int32Array; // (nRules)
  /** The inverse of `rank`. */
  readonly ruleOfRank: Int32Array; // (nRules)
  /** A reference to `root`, of no rule: where everything starts. */
  readonly entry: number;
}

/** @throws GrammarError E_NO_ROOT, E_UNDEFINED, E_LEFT_RECURSION, E_EMPTY_REPETITION */
export function compileGrammar(grammar: Grammar): GrammarProgram {
  const { root, nullable, order } = checkRules(grammar);
  const { rules } = grammar;
  const elements = rules.flatMap((rule) => rule.elements ?? []);
  elements.push({ kind: "ref", value: root }, { kind: "end", value: 0 });
  const kinds = elements.map(({ kind }) => kind);

  const next = new Int32Array(elements.length);
  const extent = new Int32Array(elements.length);
  for (let at = elements.length - 1, behind = -1, end = elements.length; at >= 0; at--) {
    const kind = kinds[at]!;
    if (kind === "char-alt" || kind === "range-upper") continue;
    next[at] = behind;
    extent[at] = end - at;
    end = at;
    behind = kind === "alt" || kind === "end" ? -1 : at;
  }

  const starts: number[][] = [];
  let at = 0;
  for (const rule of rules) {
    const ruleStarts: number[] = [];
    let isStart = true;
    for (const { kind } of rule.elements ?? []) {
      const isBorder = kind === "alt" || kind === "end";
      if (isStart && !isBorder) ruleStarts.push(at);
      isStart = isBorder;
      at++;
    }
    starts.push(ruleStarts);
  }

  const rank = new Int32Array(rules.length);
  for (const [place, rule] of order.entries()) rank[rule] = place;
  return {
    kinds,
    values: Uint32Array.from(elements, ({ value }) => value),
    next,
    extent,
    starts,
    nullable,
    rank,
    ruleOfRank: Int32Array.from(order),
    entry: elements.length - 2,
  };
}

/**
 * True if the set of characters at `position` admits low … high: one of its members lies there, or, for a negated set, none
 * does. With low = high that is membership of a character.
 */
export function admits(program: GrammarProgram, position: number, low: number, high: number): boolean {
  return meetsMember(program, position, low, high) === (program.kinds[position] === "char");
}

function meetsMember(program: GrammarProgram, position: number, low: number, high: number): boolean {
  const { kinds, values } = program;
  let at = position;
  do {
    const first = values[at++]!;
    const last = kinds[at] === "range-upper" ? values[at++]! : first;
    // the last comparison is for empty ranges such as z-a, which meet nothing
    if (first <= high && low <= last && first <= last) return true;
  } while (kinds[at] === "char-alt");
  return false;
}
