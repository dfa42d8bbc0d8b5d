// Which rules can be empty and which can begin with which: what has to be known before a grammar can be run without end. Only
// rules that can be reached from `root` are judged, because the others do no harm.

import { GrammarError } from "./errors.ts";
import { type Grammar, type GrammarRule, isCharacterKind } from "./grammar.ts";

export interface RuleFacts {
  /** Id of the start rule. */
  readonly root: number;
  /** 1 for rules that can be empty. */
  readonly nullable: Uint8Array; // (nRules)
  /** Ids of all rules that can be reached; none begins with one that comes before it. */
  readonly order: readonly number[];
}

const START_RULE = "root";

/** @throws GrammarError E_NO_ROOT, E_UNDEFINED, E_LEFT_RECURSION, E_EMPTY_REPETITION */
export function checkRules(grammar: Grammar): RuleFacts {
  const { rules } = grammar;
  const root = rules.findIndex((rule) => rule.name === START_RULE);
  if (root < 0) {
    throw new GrammarError({
      code: "E_NO_ROOT",
      message: `the grammar has no rule "${START_RULE}"`,
      field: START_RULE,
    });
  }
  const reached = reachableRules(rules, root);
  const nullable = nullableRules(rules);
  const order = orderByBeginnings(rules, reached, nullable);
  return { root, nullable, order };
}

function reachableRules(rules: readonly GrammarRule[], root: number): number[] {
  const reached = [root];
  const isReached = new Uint8Array(rules.length); // (nRules)
  isReached[root] = 1;
  for (const id of reached) {
    const { name, offset, elements } = rules[id]!;
    if (elements === undefined) {
      const message = `rule "${name}" is mentioned at byte ${offset} and defined nowhere`;
      throw new GrammarError({ code: "E_UNDEFINED", message, offset, field: name });
    }
    for (const { kind, value } of elements) {
      if (kind !== "ref" || isReached[value] === 1) continue;
      isReached[value] = 1;
      reached.push(value); // the loop goes on over it
    }
  }
  return reached;
}

/** An alternative can be empty if all it consists of can be: counts down what is missing, so the time is that of one pass. */
function nullableRules(rules: readonly GrammarRule[]): Uint8Array {
  const nullable = new Uint8Array(rules.length); // (nRules)
  const mentions = rules.map((): { owner: number; missing: number }[] => []); // by rule: alternatives that wait for it
  const found: number[] = [];
  const settle = (owner: number): void => {
    if (nullable[owner] === 0) found.push(owner);
    nullable[owner] = 1;
  };
  for (const [owner, rule] of rules.entries()) {
    let refs: number[] | undefined = []; // undefined: has characters
    for (const { kind, value } of rule.elements ?? []) {
      if (kind === "ref") refs?.push(value);
      else if (isCharacterKind(kind)) refs = undefined;
      else {
        if (refs?.length === 0) settle(owner);
        const alternative = { owner, missing: refs?.length ?? 0 };
        for (const ref of refs ?? []) mentions[ref]!.push(alternative);
        refs = [];
      }
    }
  }
  for (const id of found) {
    for (const alternative of mentions[id]!) {
      alternative.missing--;
      if (alternative.missing === 0) settle(alternative.owner);
    }
  }
  return nullable;
}

/** Rules that `rule` can begin with: those in front of its alternatives, and behind what can be empty there. */
function beginnings(rule: GrammarRule, nullable: Uint8Array): number[] {
  const ids = new Set<number>();
  let isOpen = true; // everything so far can be empty
  for (const { kind, value } of rule.elements ?? []) {
    if (kind === "alt" || kind === "end") {
      isOpen = true;
    } else if (isOpen) {
      if (kind === "ref") ids.add(value);
      isOpen = kind === "ref" && nullable[value] === 1;
    }
  }
  return [...ids];
}

/** A topological order, by depth-first search without recursion. */
function orderByBeginnings(rules: readonly GrammarRule[], reached: readonly number[], nullable: Uint8Array): number[] {
  const finished: number[] = []; // callees before callers
  const state = new Uint8Array(rules.length); // (nRules): 1 on the path, 2 finished
  for (const start of reached) {
    const path: { id: number; rest: number[] }[] = [];
    const enter = (id: number): void => {
      state[id] = 1;
      path.push({ id, rest: beginnings(rules[id]!, nullable) });
    };
    if (state[start] === 0) enter(start);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const callee = top.rest.pop();
      if (callee === undefined) {
        state[top.id] = 2;
        finished.push(top.id);
        path.pop();
      } else if (state[callee] === 1) {
        const cycle = path.slice(path.findIndex(({ id }) => id === callee)).map(({ id }) => rules[id]!);
        throw beginsWithItself(cycle);
      } else if (state[callee] === 0) {
        enter(callee);
      }
    }
  }
  return finished.reverse();
}

const SHOWN_RULES = 6; // of a cycle, in a message

function beginsWithItself(cycle: readonly GrammarRule[]): GrammarError {
  const first = cycle[0]!;
  const { offset, name: field } = first;
  if (cycle.length === 1 && first.origin === "repetition") {
    const message = `the repetition at byte ${offset} (${field}) repeats something that can be empty`;
    return new GrammarError({ code: "E_EMPTY_REPETITION", message, offset, field });
  }
  const names = [...cycle, first].map(({ name }) => name);
  const shown = names.length > SHOWN_RULES ? [...names.slice(0, SHOWN_RULES - 1), "…", field] : names;
  const message = `rule "${field}" (byte ${offset}) can begin with itself: ${shown.join(" → ")}`;
  return new GrammarError({ code: "E_LEFT_RECURSION", message, offset, field });
}
