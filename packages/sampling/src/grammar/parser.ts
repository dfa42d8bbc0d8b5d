// GBNF text to rules, as the last revision of llama.cpp that reads ggjt (20 August 2023) does it: same language, same rule ids,
// same names for generated rules, same error texts. Beyond it, what later revisions read: `.` and counted repetitions.

import { elementsOfCount, OWN_RULE, readCount } from "./counted-repetition.ts";
import { GrammarError } from "./errors.ts";
import type { Grammar, GrammarElement, GrammarRule } from "./grammar.ts";
import { expecting, grammarBytes, readCharacter, skipLineEnd, skipName, skipSpace } from "./grammar-text.ts";
import { MAX_COUNTED_RULES, MAX_NESTING } from "./limits.ts";

const QUOTE = 0x22;
const OPEN_GROUP = 0x28;
const CLOSE_GROUP = 0x29;
const STAR = 0x2a;
const PLUS = 0x2b;
const HYPHEN = 0x2d;
const DOT = 0x2e;
const QUESTION_MARK = 0x3f;
const OPEN_CLASS = 0x5b;
const CLOSE_CLASS = 0x5d;
const CARET = 0x5e;
const OPEN_COUNT = 0x7b;
const BAR = 0x7c;
const LAST_CODE_POINT = 0x10ffff;
const DEFINES = [0x3a, 0x3a, 0x3d] as const; // ::=

interface Parser {
  readonly bytes: Uint8Array;
  readonly rules: Mutable<GrammarRule>[];
  readonly ids: Map<string, number>; // by name
  /** Rules that counted repetitions may still make. */
  countedRulesLeft: number;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** What a sequence is part of. */
interface Scope {
  /** Name of the rule being defined, which generated rules are named after. */
  readonly ruleName: string;
  /** Number of parentheses around; inside of any, line breaks are blanks. */
  readonly nesting: number;
}

/**
 * Parses a grammar. A string is taken as UTF-8; everything from the first NUL on is ignored. Whether the rules make sense
 * together (a `root`, no undefined rules, no left recursion) is checked by `createGrammarStage`.
 * @throws GrammarError E_SYNTAX with llama.cpp's message and the byte offset; E_EMPTY for a text without any rule; E_LIMIT, E_DEPTH
 */
export function parseGrammar(text: string | Uint8Array): Grammar {
  const parser: Parser = { bytes: grammarBytes(text), rules: [], ids: new Map(), countedRulesLeft: MAX_COUNTED_RULES };
  const { bytes, rules } = parser;
  let at = skipSpace(bytes, 0, true);
  while (at < bytes.length) at = parseRule(parser, at);
  if (rules.length === 0) {
    // llama.cpp exits without a word
    throw new GrammarError({ code: "E_EMPTY", message: "the grammar has no rule", offset: 0 });
  }
  return { rules };
}

/** All of these return the offset behind what they parsed. */
function parseRule(parser: Parser, offset: number): number {
  const { bytes } = parser;
  const nameEnd = skipName(bytes, offset);
  if (nameEnd === offset) throw expecting("expecting name", bytes, offset);
  const operator = skipSpace(bytes, nameEnd, false);
  const id = idOf(parser, offset, nameEnd);
  if (DEFINES.some((byte, i) => bytes[operator + i] !== byte)) throw expecting("expecting ::=", bytes, operator);
  const scope: Scope = { ruleName: parser.rules[id]!.name, nesting: 0 };
  const end = parseAlternatives(parser, skipSpace(bytes, operator + DEFINES.length, true), id, scope);
  return skipSpace(bytes, skipLineEnd(bytes, end), true);
}

function parseAlternatives(parser: Parser, offset: number, id: number, scope: Scope): number {
  const elements: GrammarElement[] = [];
  let at = parseSequence(parser, offset, elements, scope);
  while (parser.bytes[at] === BAR) {
    elements.push({ kind: "alt", value: 0 });
    at = parseSequence(parser, skipSpace(parser.bytes, at + 1, true), elements, scope);
  }
  elements.push({ kind: "end", value: 0 });
  parser.rules[id]!.elements = elements;
  return at;
}

function parseSequence(parser: Parser, offset: number, elements: GrammarElement[], scope: Scope): number {
  const { bytes } = parser;
  let itemStart = elements.length; // of the item that a repetition would apply to
  let at = offset;
  for (;;) {
    const byte = bytes[at];
    if (byte === STAR || byte === PLUS || byte === QUESTION_MARK) {
      if (itemStart === elements.length) throw expecting("expecting preceeding item to */+/?", bytes, at);
      const id = repeat(parser, at, elements.splice(itemStart), scope);
      elements.push({ kind: "ref", value: id });
      at++;
    } else if (byte === OPEN_COUNT) {
      if (itemStart === elements.length) throw expecting("expecting preceding item to {", bytes, at);
      const { count, end } = readCount(bytes, at);
      const define = (body: readonly GrammarElement[]): number => defineCounted(parser, at, body, scope);
      elements.push(...elementsOfCount(elements.splice(itemStart), count, define));
      at = end;
    } else {
      const start = elements.length;
      const end = parseItem(parser, at, elements, scope);
      if (end === at) return at;
      itemStart = start;
      at = end;
    }
    at = skipSpace(bytes, at, scope.nesting > 0);
  }
}

/** Returns `offset` itself if no item begins there. */
function parseItem(parser: Parser, offset: number, elements: GrammarElement[], scope: Scope): number {
  const { bytes } = parser;
  if (bytes[offset] === QUOTE) return parseLiteral(bytes, offset + 1, elements);
  if (bytes[offset] === OPEN_CLASS) return parseClass(bytes, offset + 1, elements);
  if (bytes[offset] === OPEN_GROUP) return parseGroup(parser, offset, elements, scope);
  if (bytes[offset] === DOT) {
    elements.push({ kind: "char", value: 0 }, { kind: "range-upper", value: LAST_CODE_POINT });
    return offset + 1;
  }
  const nameEnd = skipName(bytes, offset);
  if (nameEnd > offset) elements.push({ kind: "ref", value: idOf(parser, offset, nameEnd) });
  return nameEnd;
}

/** Each character is a set of one. */
function parseLiteral(bytes: Uint8Array, offset: number, elements: GrammarElement[]): number {
  let at = offset;
  while (bytes[at] !== QUOTE) {
    const { value, end } = readCharacter(bytes, at);
    elements.push({ kind: "char", value });
    at = end;
  }
  return at + 1;
}

function parseClass(bytes: Uint8Array, offset: number, elements: GrammarElement[]): number {
  let at = offset;
  let kind: GrammarElement["kind"] = "char";
  if (bytes[at] === CARET) {
    kind = "char-not";
    at++;
  }
  while (bytes[at] !== CLOSE_CLASS) {
    const member = readCharacter(bytes, at);
    elements.push({ kind, value: member.value });
    kind = "char-alt";
    at = member.end;
    if (bytes[at] === HYPHEN && bytes[at + 1] !== CLOSE_CLASS) {
      const upper = readCharacter(bytes, at + 1);
      elements.push({ kind: "range-upper", value: upper.value });
      at = upper.end;
    }
  }
  return at + 1;
}

function parseGroup(parser: Parser, offset: number, elements: GrammarElement[], scope: Scope): number {
  const { bytes } = parser;
  const nesting = scope.nesting + 1;
  if (nesting > MAX_NESTING) {
    const message = `parentheses are nested more than ${MAX_NESTING} deep`;
    throw new GrammarError({ code: "E_DEPTH", message, offset, field: scope.ruleName });
  }
  const id = generateId(parser, offset, scope, "group"); // before the ids of what is inside
  const end = parseAlternatives(parser, skipSpace(bytes, offset + 1, true), id, { ...scope, nesting });
  if (bytes[end] !== CLOSE_GROUP) throw expecting("expecting ')'", bytes, end);
  elements.push({ kind: "ref", value: id });
  return end + 1;
}

/** S* → R ::= S R |    S+ → R ::= S R | S    S? → R ::= S | */
function repeat(parser: Parser, offset: number, item: readonly GrammarElement[], scope: Scope): number {
  const operator = parser.bytes[offset];
  const id = generateId(parser, offset, scope, "repetition");
  const again: GrammarElement[] = operator === QUESTION_MARK ? [] : [{ kind: "ref", value: id }];
  const last = operator === PLUS ? item : [];
  parser.rules[id]!.elements = [...item, ...again, { kind: "alt", value: 0 }, ...last, { kind: "end", value: 0 }];
  return id;
}

/** A rule that a counted repetition needs; a reference to the rule itself is written as the id −1. */
function defineCounted(parser: Parser, offset: number, body: readonly GrammarElement[], scope: Scope): number {
  if (parser.countedRulesLeft-- === 0) {
    const message = `counted repetitions need more than ${MAX_COUNTED_RULES} rules`;
    throw new GrammarError({ code: "E_LIMIT", message, offset, field: scope.ruleName });
  }
  const id = generateId(parser, offset, scope, "repetition");
  const own = body.map((element) =>
    element.kind === "ref" && element.value === OWN_RULE ? { ...element, value: id } : element,
  );
  parser.rules[id]!.elements = [...own, { kind: "end", value: 0 }];
  return id;
}

/** The id of a name in the text, a new one at its first mention. */
function idOf(parser: Parser, offset: number, end: number): number {
  const name = String.fromCharCode(...parser.bytes.subarray(offset, end));
  const known = parser.ids.get(name);
  if (known !== undefined) return known;
  parser.ids.set(name, parser.rules.length);
  return addRule(parser, { name, origin: "name", offset, elements: undefined });
}

/** The id of a rule that the text does not name. An underscore is in no name of the text, so nothing collides. */
function generateId(parser: Parser, offset: number, scope: Scope, origin: GrammarRule["origin"]): number {
  const name = `${scope.ruleName}_${parser.rules.length}`;
  return addRule(parser, { name, origin, offset, elements: undefined });
}

function addRule(parser: Parser, rule: GrammarRule): number {
  return parser.rules.push(rule) - 1;
}
