// `{m}`, `{m,}` and `{m,n}`. An item n times would be n copies; here it is a rule for each power of two: with the rules
//
//   twice ::= item item      fourfold ::= twice twice      …         exactly 2^k times
//   below2 ::= | item        below4 ::= below2 | twice below2   …    fewer than 2^k times, each number in one way
//
// {0,1000000} takes about forty rules, and a state has in the order of log² n stacks for it.

import { GrammarError } from "./errors.ts";
import type { GrammarElement } from "./grammar.ts";
import { expecting, skipSpace } from "./grammar-text.ts";
import { MAX_COUNT } from "./limits.ts";

export interface Count {
  readonly min: number;
  /** Infinity where there is no most. */
  readonly max: number;
}

/** In the body of a rule that is being defined: a reference to that rule. */
export const OWN_RULE = -1;

const COMMA = 0x2c;
const CLOSE_COUNT = 0x7d;

/** The count that begins with the brace at `offset`. @throws GrammarError E_SYNTAX, E_LIMIT */
export function readCount(bytes: Uint8Array, offset: number): { readonly count: Count; readonly end: number } {
  const first = readInteger(bytes, skipSpace(bytes, offset + 1, false));
  let max = first.value;
  let at = skipSpace(bytes, first.end, false);
  if (bytes[at] === COMMA) {
    at = skipSpace(bytes, at + 1, false);
    max = Number.POSITIVE_INFINITY;
    if (bytes[at] !== CLOSE_COUNT) {
      const last = readInteger(bytes, at);
      max = last.value;
      at = skipSpace(bytes, last.end, false);
    }
  }
  if (bytes[at] !== CLOSE_COUNT) throw expecting("expecting ',' or '}'", bytes, at);
  if (max < first.value) throw expecting("expecting a maximum that is not below the minimum", bytes, offset);
  return { count: { min: first.value, max }, end: at + 1 };
}

function readInteger(bytes: Uint8Array, offset: number): { readonly value: number; readonly end: number } {
  let value = 0;
  let end = offset;
  for (; bytes[end]! >= 0x30 && bytes[end]! <= 0x39; end++) {
    value = value * 10 + bytes[end]! - 0x30;
    if (value <= MAX_COUNT) continue;
    throw new GrammarError({ code: "E_LIMIT", message: `a count is greater than ${MAX_COUNT}`, offset });
  }
  if (end === offset) throw expecting("expecting a number", bytes, offset);
  return { value, end };
}

/** Elements that match the item so many times. `define` makes a rule of a body and returns its id. */
export function elementsOfCount(
  item: readonly GrammarElement[],
  { min, max }: Count,
  define: (body: readonly GrammarElement[]) => number,
): GrammarElement[] {
  if (max === 0) return [];
  if (min === 1 && max === 1) return [...item];
  const ref = (id: number): GrammarElement => ({ kind: "ref", value: id });
  const or: GrammarElement = { kind: "alt", value: 0 };
  const once = item.length === 1 && item[0]!.kind === "ref" ? item[0]! : ref(define(item));

  const powers = [once]; // [k]: exactly 2^k times
  const power = (k: number): GrammarElement => {
    for (let i = powers.length; i <= k; i++) powers.push(ref(define([powers[i - 1]!, powers[i - 1]!])));
    return powers[k]!;
  };
  const below: GrammarElement[] = []; // [k - 1]: fewer than 2^k times
  const fewerThanPower = (k: number): GrammarElement[] => {
    for (let i = below.length; i < k; i++) {
      const fewer = i === 0 ? [] : [below[i - 1]!];
      below.push(ref(define([...fewer, or, power(i), ...fewer])));
    }
    return k === 0 ? [] : [below[k - 1]!];
  };
  const atMost = (n: number): GrammarElement[] => {
    const k = Math.floor(Math.log2(n + 1));
    if (2 ** k === n + 1) return fewerThanPower(k);
    // 2^k − 1 or fewer, or 2^k and what is left
    const rest = atMost(n - 2 ** k);
    return [ref(define([...fewerThanPower(k), or, power(k), ...rest]))];
  };

  const exactly: GrammarElement[] = [];
  for (let k = 0; 2 ** k <= min; k++) if (Math.floor(min / 2 ** k) % 2 === 1) exactly.push(power(k));
  if (max === Number.POSITIVE_INFINITY) return [...exactly, ref(define([once, ref(OWN_RULE), or]))];
  return [...exactly, ...atMost(max - min)];
}
