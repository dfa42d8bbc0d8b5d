// Random grammars as trees: written out as GBNF for the code under test, and matched directly by a matcher that shares nothing
// with it.

import { fc } from "@fast-check/vitest";

export type Expression =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "set"; readonly isNegated: boolean; readonly ranges: readonly (readonly [string, string])[] }
  | { readonly kind: "rule"; readonly name: string }
  | { readonly kind: "sequence"; readonly parts: readonly Expression[] }
  | { readonly kind: "choice"; readonly parts: readonly Expression[] }
  | { readonly kind: "any" }
  | { readonly kind: "repeat"; readonly part: Expression; readonly operator: Operator };

/** `max` undefined: no most. */
export type Operator = "*" | "+" | "?" | { readonly min: number; readonly max: number | undefined };

/** Least and most number of times. */
export function bounds(operator: Operator): { readonly min: number; readonly max: number } {
  if (typeof operator === "object") return { min: operator.min, max: operator.max ?? Number.POSITIVE_INFINITY };
  return { min: operator === "+" ? 1 : 0, max: operator === "?" ? 1 : Number.POSITIVE_INFINITY };
}

/** By name, in order; the first is `root`. */
export type Rules = ReadonlyMap<string, Expression>;

/** Characters of one to four bytes, some with a meaning in GBNF; é and è, 江 and 汉 share their first bytes. */
export const ALPHABET = ["a", "b", "c", '"', "\\", "]", "-", "^", "\n", "é", "è", "江", "汉", "😀"] as const;
const RULE_NAMES = ["root", "one", "two", "three"] as const;

const character = fc.constantFrom(...ALPHABET);
const range = fc.oneof(
  character.map((c) => [c, c] as const),
  fc.tuple(character, character).map(([a, b]) => [a, b] as const), // empty if the wrong way round
);

const operator: fc.Arbitrary<Operator> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("*" as const, "+" as const, "?" as const) },
  fc
    .tuple(fc.integer({ min: 0, max: 9 }), fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined }))
    .map(([min, more]) => ({ min, max: more === undefined ? undefined : min + more })),
);

const parts = (part: fc.Arbitrary<Expression>, minLength: number) => fc.array(part, { minLength, maxLength: 4 });

const { expression } = fc.letrec<{ expression: Expression }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 4, depthSize: "medium" },
    // texts can be empty, but mostly are not
    fc.array(character, { maxLength: 3 }).map((c): Expression => ({ kind: "text", text: c.join("") })),
    fc.record({
      kind: fc.constant("set" as const),
      isNegated: fc.boolean(),
      ranges: fc.array(range, { minLength: 1, maxLength: 3 }),
    }),
    fc.constantFrom(...RULE_NAMES).map((name): Expression => ({ kind: "rule", name })),
    fc.record({ kind: fc.constant("sequence" as const), parts: parts(tie("expression"), 0) }),
    fc.record({ kind: fc.constant("sequence" as const), parts: parts(tie("expression"), 2) }),
    fc.record({ kind: fc.constant("choice" as const), parts: parts(tie("expression"), 2) }),
    fc.record({
      kind: fc.constant("repeat" as const),
      part: tie("expression"),
      operator,
    }),
    fc.constant({ kind: "any" as const }),
  ),
}));

const longRule = fc.record({ kind: fc.constant("sequence" as const), parts: parts(expression, 3) });

/** Four rules; `root` is a sequence, so that there is something to go through. */
export const randomRules: fc.Arbitrary<Rules> = fc
  .tuple(longRule, expression, expression, expression)
  .map((bodies) => new Map(RULE_NAMES.map((name, i) => [name, bodies[i]!])));

/** GBNF text; `spell` says how each character is spelled where there is a choice. */
export function gbnf(rules: Rules, spell: (character: string) => string = plainEscape): string {
  return [...rules].map(([name, body]) => `${name} ::= ${write(body, spell)}\n`).join("");
}

function write(expression: Expression, spell: (character: string) => string): string {
  switch (expression.kind) {
    case "text":
      return `"${[...expression.text].map(spell).join("")}"`;
    case "set": {
      const members = expression.ranges.map(([a, b]) => (a === b ? spell(a) : `${spell(a)}-${spell(b)}`));
      return `[${expression.isNegated ? "^" : ""}${members.join("")}]`;
    }
    case "rule":
      return expression.name;
    case "sequence":
      return `( ${expression.parts.map((part) => write(part, spell)).join(" ")} )`;
    case "choice":
      return `(${expression.parts.map((part) => write(part, spell)).join("\n | ")})`;
    case "any":
      return ".";
    case "repeat":
      return `( ${write(expression.part, spell)} )${writeOperator(expression.operator)}`;
  }
}

function writeOperator(operator: Operator): string {
  if (typeof operator === "string") return operator;
  const { min, max } = operator;
  if (max === min) return `{${min}}`;
  return max === undefined ? `{${min},}` : `{ ${min}, ${max} }`;
}

/** As hexadecimal where the character could be taken for syntax. */
export function plainEscape(character: string): string {
  const code = character.codePointAt(0)!;
  return /[a-z]/.test(character) || code > 127 ? character : `\\x${code.toString(16).padStart(2, "0")}`;
}

/** True if the code points are a text of the grammar: all ends of all ways to read them, by brute force. */
export function matches(rules: Rules, codePoints: readonly number[]): boolean {
  const known = new Map<string, Set<number>>();
  const endsOf = (expression: Expression, start: number): Set<number> => {
    switch (expression.kind) {
      case "text": {
        const wanted = [...expression.text].map((c) => c.codePointAt(0)!);
        const fits = wanted.every((code, i) => codePoints[start + i] === code);
        return new Set(fits ? [start + wanted.length] : []);
      }
      case "set": {
        const code = codePoints[start];
        if (code === undefined) return new Set();
        const isIn = expression.ranges.some(([a, b]) => a.codePointAt(0)! <= code && code <= b.codePointAt(0)!);
        return new Set(isIn !== expression.isNegated ? [start + 1] : []);
      }
      case "rule": {
        const key = `${expression.name} ${start}`;
        const before = known.get(key);
        if (before !== undefined) return before;
        const ends = endsOf(rules.get(expression.name)!, start);
        known.set(key, ends);
        return ends;
      }
      case "sequence":
        return expression.parts.reduce((ends, part) => behindAll(ends, part), new Set([start]));
      case "choice":
        return new Set(expression.parts.flatMap((part) => [...endsOf(part, start)]));
      case "any":
        return new Set(start < codePoints.length ? [start + 1] : []);
      case "repeat": {
        const { min, max } = bounds(expression.operator);
        const ends = new Set<number>();
        // all places that may be reached so many times; from `least` on nothing new comes up for good
        const least = min + codePoints.length + 1;
        let places = new Set([start]);
        for (let n = 0; n <= max && n <= least && places.size > 0; n++) {
          if (n >= min) for (const place of places) ends.add(place);
          places = behindAll(places, expression.part);
        }
        return ends;
      }
    }
  };
  const behindAll = (starts: Set<number>, part: Expression): Set<number> =>
    new Set([...starts].flatMap((start) => [...endsOf(part, start)]));
  return endsOf(rules.get("root")!, 0).has(codePoints.length);
}

/** A random text of the grammar, undefined if it became too long; `choose` gives an integer in [0, n). */
export function derive(rules: Rules, choose: (n: number) => number): string | undefined {
  let budget = 200;
  const text = (expression: Expression): string => {
    if (--budget < 0) return "";
    switch (expression.kind) {
      case "text":
        return expression.text;
      case "set": {
        const all = ALPHABET.filter((c) => matches(new Map([["root", expression]]), [c.codePointAt(0)!]));
        if (all.length === 0) budget = -1; // an empty set: no text at all
        return all[choose(all.length)] ?? "";
      }
      case "rule":
        return text(rules.get(expression.name)!);
      case "sequence":
        return expression.parts.map(text).join("");
      case "choice":
        return text(expression.parts[choose(expression.parts.length)]!);
      case "any":
        return ALPHABET[choose(ALPHABET.length)]!;
      case "repeat": {
        const { min, max } = bounds(expression.operator);
        const n = min + choose(Math.min(max - min, 2) + 1);
        return Array.from({ length: n }, () => text(expression.part)).join("");
      }
    }
  };
  const derived = text(rules.get("root")!);
  return budget < 0 ? undefined : derived;
}
