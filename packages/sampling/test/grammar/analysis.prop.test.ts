import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { createGrammarStage, isGrammarError, parseGrammar } from "../../src/index.ts";
import { bounds, type Expression, gbnf, type Rules, randomRules } from "./random-grammars.ts";

const subexpressions = (expression: Expression): Expression[] => {
  // what is repeated no times leaves no trace
  const isGone = expression.kind === "repeat" && bounds(expression.operator).max === 0;
  const inside = "parts" in expression ? expression.parts : "part" in expression && !isGone ? [expression.part] : [];
  return [expression, ...inside.flatMap(subexpressions)];
};

/** Whether an expression can be empty, if the rules in `empty` can. */
function canBeEmpty(expression: Expression, empty: ReadonlySet<string>): boolean {
  switch (expression.kind) {
    case "text":
      return expression.text === "";
    case "set":
    case "any":
      return false;
    case "rule":
      return empty.has(expression.name);
    case "sequence":
      return expression.parts.every((part) => canBeEmpty(part, empty));
    case "choice":
      return expression.parts.some((part) => canBeEmpty(part, empty));
    case "repeat":
      return bounds(expression.operator).min === 0 || canBeEmpty(expression.part, empty);
  }
}

/** Rules that an expression can begin with. */
function beginnings(expression: Expression, empty: ReadonlySet<string>): string[] {
  switch (expression.kind) {
    case "text":
    case "set":
    case "any":
      return [];
    case "rule":
      return [expression.name];
    case "sequence": {
      const firstFull = expression.parts.findIndex((part) => !canBeEmpty(part, empty));
      const open = firstFull < 0 ? expression.parts : expression.parts.slice(0, firstFull + 1);
      return open.flatMap((part) => beginnings(part, empty));
    }
    case "choice":
      return expression.parts.flatMap((part) => beginnings(part, empty));
    case "repeat":
      return bounds(expression.operator).max === 0 ? [] : beginnings(expression.part, empty);
  }
}

/** Everything that can be got to from `start` by `next`, `start` itself only if there is a way back. */
function reachable(start: string, next: (name: string) => string[]): Set<string> {
  const found = new Set<string>();
  const queue = [start];
  for (const name of queue) {
    for (const one of next(name)) {
      if (found.has(one)) continue;
      found.add(one);
      queue.push(one);
    }
  }
  return found;
}

function expectedProblems(rules: Rules): Set<string> {
  const empty = new Set<string>();
  for (let before = -1; before < empty.size; ) {
    before = empty.size;
    for (const [name, body] of rules) if (canBeEmpty(body, empty)) empty.add(name);
  }
  const mentioned = (name: string) =>
    subexpressions(rules.get(name)!).flatMap((one) => (one.kind === "rule" ? [one.name] : []));
  const problems = new Set<string>();
  for (const name of new Set(["root", ...reachable("root", mentioned)])) {
    if (reachable(name, (one) => beginnings(rules.get(one)!, empty)).has(name)) problems.add("E_LEFT_RECURSION");
    for (const one of subexpressions(rules.get(name)!)) {
      const repeats = one.kind === "repeat" && bounds(one.operator).max === Number.POSITIVE_INFINITY;
      if (repeats && canBeEmpty(one.part, empty)) problems.add("E_EMPTY_REPETITION");
    }
  }
  return problems;
}

test.prop([randomRules], { numRuns: 1000 })(
  "grammars are refused if and only if they would run without end",
  (rules) => {
    const problems = expectedProblems(rules);
    let code = "none";
    try {
      const grammar = parseGrammar(gbnf(rules));
      createGrammarStage({ grammar, nVocab: 1, endIds: [0], tokenBytes: () => new Uint8Array(0) });
    } catch (error) {
      if (!isGrammarError(error)) throw error;
      code = error.code;
    }
    if (problems.size === 0) expect(code).toBe("none");
    else expect([...problems]).toContain(code);
  },
);

test("the property sees both kinds and sound grammars", () => {
  const seen = new Set(
    fc.sample(randomRules, { numRuns: 500, seed: 1 }).map((rules) => [...expectedProblems(rules)].sort().join()),
  );
  expect(seen.size).toBe(4); // none, either and both
});
