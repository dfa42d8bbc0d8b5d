// Regular expressions as JSON schemas have them, parsed to a tree: what a grammar can follow, without look-around, back-references,
// borders of words and properties of characters. https://tc39.es/ecma262/#sec-patterns: a character is a code point, as with the flag u,
// and what that flag forbids and others write, such as \-, is read.

/** Code points first … last, both included. */
export type CodePointRange = readonly [first: number, last: number];

export type PatternNode =
  | { readonly kind: "set"; readonly ranges: readonly CodePointRange[] } // ascending, apart from each other
  | { readonly kind: "sequence"; readonly parts: readonly PatternNode[] }
  | { readonly kind: "choice"; readonly parts: readonly PatternNode[] }
  | { readonly kind: "repeat"; readonly part: PatternNode; readonly min: number; readonly max: number }
  | { readonly kind: "start" | "end" };

const MAX_PATTERN_LETTERS = 4096;
const MAX_DEPTH = 50; // of groups: the grammar nests as deep
const MAX_NODES = 10_000; // of the tree, also while it is rewritten
const MAX_COUNT = 2 ** 31 - 1;
const LAST_CODE_POINT = 0x10ffff;

/** Everything but the halves of surrogate pairs. */
const ANY: PatternNode = { kind: "set", ranges: complement([]) };
const EMPTY: PatternNode = { kind: "sequence", parts: [] };
const ANYTHING: PatternNode = { kind: "repeat", part: ANY, min: 0, max: Number.POSITIVE_INFINITY };

const DIGITS: readonly CodePointRange[] = [[0x30, 0x39]];
const WORD: readonly CodePointRange[] = [...DIGITS, [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]];
const SPACE: readonly CodePointRange[] = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
const LINE_ENDS: readonly CodePointRange[] = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
];
const CONTROL_LETTERS: ReadonlyMap<string, number> = new Map([
  ["t", 0x09],
  ["n", 0x0a],
  ["v", 0x0b],
  ["f", 0x0c],
  ["r", 0x0d],
  ["0", 0],
]);

/** Leaves the parser: the pattern has something that no grammar follows, or is none. */
class Unsupported extends Error {}

/**
 * A tree of all texts in which a pattern is found, so that `b` becomes any text, a b, and any text; undefined if no grammar can
 * follow it, or if it is no pattern. Nothing that is repeated without end can be empty.
 */
export function parsePattern(source: string): PatternNode | undefined {
  if (source.length > MAX_PATTERN_LETTERS) return undefined;
  try {
    new RegExp(source); // only compiled, never run: what is no pattern throws
    const budget = { nodes: MAX_NODES };
    return withoutEmptyLoops(found(new Parser(source).parse(), true, true), budget);
  } catch (error) {
    if (error instanceof Unsupported || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

class Parser {
  readonly #source: string;
  #at = 0;
  #depth = 0;

  constructor(source: string) {
    this.#source = source;
  }

  parse(): PatternNode {
    const tree = this.#choice();
    if (this.#at < this.#source.length) throw new Unsupported();
    return tree;
  }

  #next(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #take(): string {
    const code = this.#source.codePointAt(this.#at);
    if (code === undefined) throw new Unsupported();
    const character = String.fromCodePoint(code);
    this.#at += character.length;
    return character;
  }

  #choice(): PatternNode {
    if (++this.#depth > MAX_DEPTH) throw new Unsupported();
    const parts = [this.#sequence()];
    while (this.#next("|")) parts.push(this.#sequence());
    this.#depth--;
    return parts.length === 1 ? parts[0]! : { kind: "choice", parts };
  }

  #sequence(): PatternNode {
    const parts: PatternNode[] = [];
    while (this.#at < this.#source.length && !"|)".includes(this.#source[this.#at]!)) parts.push(this.#quantified());
    return parts.length === 1 ? parts[0]! : { kind: "sequence", parts };
  }

  #quantified(): PatternNode {
    const part = this.#atom();
    let [min, max] = [1, 1];
    if (this.#next("*")) [min, max] = [0, Number.POSITIVE_INFINITY];
    else if (this.#next("+")) [min, max] = [1, Number.POSITIVE_INFINITY];
    else if (this.#next("?")) [min, max] = [0, 1];
    else if (this.#next("{")) [min, max] = this.#count();
    else return part;
    this.#next("?"); // prefers fewer: the same texts
    return { kind: "repeat", part, min, max };
  }

  #count(): [number, number] {
    const end = this.#source.indexOf("}", this.#at);
    const count = /^(\d+)(?:,(\d*))?$/.exec(this.#source.slice(this.#at, end));
    if (count === null) throw new Unsupported(); // a brace as it is
    const [, min, max] = count;
    this.#at = end + 1;
    const least = Number(min);
    const most = max === undefined ? least : max === "" ? Number.POSITIVE_INFINITY : Number(max);
    if (least > MAX_COUNT || (most > MAX_COUNT && most !== Number.POSITIVE_INFINITY)) throw new Unsupported();
    return [least, most];
  }

  #atom(): PatternNode {
    if (this.#next("^")) return { kind: "start" };
    if (this.#next("$")) return { kind: "end" };
    if (this.#next(".")) return { kind: "set", ranges: complement(LINE_ENDS) };
    if (this.#next("[")) return this.#class();
    if (this.#next("(")) {
      if (!this.#next("?:") && this.#next("?")) {
        if (!this.#next("<") || "=!".includes(this.#source[this.#at]!)) throw new Unsupported(); // looks around, or sets flags
        this.#at = this.#source.indexOf(">", this.#at) + 1;
      }
      const inside = this.#choice();
      if (!this.#next(")")) throw new Unsupported();
      return inside;
    }
    const character = this.#take();
    if ("{}]".includes(character)) throw new Unsupported();
    return { kind: "set", ranges: normalized(character === "\\" ? this.#escape() : single(character.codePointAt(0)!)) };
  }

  #class(): PatternNode {
    const isNegated = this.#next("^");
    const ranges: CodePointRange[] = [];
    while (!this.#next("]")) {
      const first = this.#member();
      if (this.#source[this.#at] === "-" && this.#source[this.#at + 1] !== "]") {
        this.#at++;
        const last = this.#member();
        if (!isSingle(first) || !isSingle(last)) throw new Unsupported(); // [\w-z]
        ranges.push([first[0]![0], last[0]![1]]);
      } else {
        ranges.push(...first);
      }
    }
    return { kind: "set", ranges: isNegated ? complement(normalized(ranges)) : normalized(ranges) };
  }

  #member(): readonly CodePointRange[] {
    const character = this.#take();
    if (character !== "\\") return single(character.codePointAt(0)!);
    return this.#next("b") ? single(0x08) : this.#escape();
  }

  /** Behind the backslash. */
  #escape(): readonly CodePointRange[] {
    const letter = this.#take();
    const control = CONTROL_LETTERS.get(letter);
    if (letter === "0" && /\d/.test(this.#source[this.#at] ?? "")) throw new Unsupported();
    if (control !== undefined) return single(control);
    switch (letter) {
      case "d":
        return DIGITS;
      case "D":
        return complement(DIGITS);
      case "w":
        return WORD;
      case "W":
        return complement(WORD);
      case "s":
        return SPACE;
      case "S":
        return complement(SPACE);
      case "c":
        return single(this.#controlLetter());
      case "x":
        return single(this.#hex(2));
      case "u": {
        if (this.#next("{")) {
          const end = this.#source.indexOf("}", this.#at);
          const code = this.#hex(end - this.#at);
          this.#at++;
          return single(code);
        }
        const high = this.#hex(4);
        const isPair = high >= 0xd800 && high < 0xdc00 && /^\\u[dD][c-fC-F]/.test(this.#source.slice(this.#at));
        if (!isPair) return single(high);
        this.#at += 2;
        return single(0x10000 + ((high - 0xd800) << 10) + (this.#hex(4) - 0xdc00));
      }
    }
    if (/[a-zA-Z0-9]/.test(letter)) throw new Unsupported(); // \b \B \p{…} \k<…> \1
    return single(letter.codePointAt(0)!);
  }

  #controlLetter(): number {
    const letter = this.#take();
    if (!/^[a-zA-Z]$/.test(letter)) throw new Unsupported();
    return letter.charCodeAt(0) % 32;
  }

  #hex(nDigits: number): number {
    const digits = this.#source.slice(this.#at, this.#at + nDigits);
    if (digits.length !== nDigits || !/^[0-9a-fA-F]+$/.test(digits)) throw new Unsupported();
    this.#at += nDigits;
    return Number.parseInt(digits, 16);
  }
}

function single(code: number): readonly CodePointRange[] {
  return [[code, code]];
}

function isSingle(ranges: readonly CodePointRange[]): boolean {
  return ranges.length === 1 && ranges[0]![0] === ranges[0]![1];
}

/** In order, without overlaps and without surrogates. */
function normalized(ranges: readonly CodePointRange[]): CodePointRange[] {
  const merged: [number, number][] = [];
  for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const before = merged.at(-1);
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else merged.push([first, last]);
  }
  return merged.flatMap(([first, last]): CodePointRange[] => {
    const parts: CodePointRange[] = [
      [first, Math.min(last, 0xd7ff)],
      [Math.max(first, 0xe000), last],
    ];
    return parts.filter(([low, high]) => low <= high);
  });
}

function complement(ranges: readonly CodePointRange[]): CodePointRange[] {
  const gaps: CodePointRange[] = [];
  let next = 0;
  for (const [first, last] of ranges) {
    if (first > next) gaps.push([next, first - 1]);
    next = last + 1;
  }
  if (next <= LAST_CODE_POINT) gaps.push([next, LAST_CODE_POINT]);
  return normalized(gaps);
}

/** Without ^ and $: where one is missing, any text may stand. They are understood at the borders of alternatives alone. */
function found(node: PatternNode, isFirst: boolean, isLast: boolean): PatternNode {
  switch (node.kind) {
    case "start":
      if (!isFirst) throw new Unsupported();
      return isLast ? ANYTHING : EMPTY;
    case "end":
      if (!isLast) throw new Unsupported();
      return isFirst ? ANYTHING : EMPTY;
    case "choice":
      return { kind: "choice", parts: node.parts.map((part) => found(part, isFirst, isLast)) };
    case "sequence": {
      const isAnchoredFirst = isFirst && node.parts[0]?.kind === "start";
      const isAnchoredLast = isLast && node.parts.at(-1)?.kind === "end";
      const parts = node.parts.slice(isAnchoredFirst ? 1 : 0, isAnchoredLast ? -1 : undefined);
      const [first, last] = [isFirst && !isAnchoredFirst, isLast && !isAnchoredLast];
      if (parts.length === 0) return first || last ? ANYTHING : EMPTY;
      if (parts.length === 1) return found(parts[0]!, first, last);
      return {
        kind: "sequence",
        parts: parts.map((part, i) => found(part, first && i === 0, last && i === parts.length - 1)),
      };
    }
    case "set":
    case "repeat": {
      const inside = node.kind === "set" ? node : { ...node, part: found(node.part, false, false) };
      return { kind: "sequence", parts: [...(isFirst ? [ANYTHING] : []), inside, ...(isLast ? [ANYTHING] : [])] };
    }
  }
}

interface NodeBudget {
  nodes: number;
}

function spend(budget: NodeBudget): void {
  if (budget.nodes-- <= 0) throw new Unsupported();
}

/** The same texts; what is repeated has at least one character each time, which GBNF asks for. */
function withoutEmptyLoops(node: PatternNode, budget: NodeBudget): PatternNode {
  spend(budget);
  if (node.kind === "sequence" || node.kind === "choice") {
    return { ...node, parts: node.parts.map((part) => withoutEmptyLoops(part, budget)) };
  }
  if (node.kind !== "repeat") return node;
  const part = withoutEmptyLoops(node.part, budget);
  if (lengthsOf(part).min > 0) return { ...node, part };
  const full = nonEmpty(part, budget);
  return full === undefined ? EMPTY : { kind: "repeat", part: full, min: 0, max: node.max };
}

/** All texts but the empty one; undefined if that leaves none. */
function nonEmpty(node: PatternNode, budget: NodeBudget): PatternNode | undefined {
  spend(budget);
  if (lengthsOf(node).min > 0) return node;
  switch (node.kind) {
    case "choice": {
      const parts = node.parts.flatMap((part) => nonEmpty(part, budget) ?? []);
      return parts.length === 0 ? undefined : { kind: "choice", parts };
    }
    case "sequence": {
      // the first that is not empty, and what is behind it
      const parts = node.parts.flatMap((part, i): PatternNode[] => {
        const full = nonEmpty(part, budget);
        budget.nodes -= node.parts.length - i;
        return full === undefined ? [] : [{ kind: "sequence", parts: [full, ...node.parts.slice(i + 1)] }];
      });
      return parts.length === 0 ? undefined : { kind: "choice", parts };
    }
    case "repeat":
      // its part is never empty
      return node.max === 0 ? undefined : { ...node, min: 1 };
    default:
      return node;
  }
}

export interface Lengths {
  readonly min: number;
  readonly max: number;
}

/** Least and most characters of a text. */
export function lengthsOf(node: PatternNode): Lengths {
  switch (node.kind) {
    case "set":
      return { min: 1, max: 1 };
    case "sequence": {
      const lengths = node.parts.map(lengthsOf);
      return { min: sum(lengths.map(({ min }) => min)), max: sum(lengths.map(({ max }) => max)) };
    }
    case "choice": {
      const lengths = node.parts.map(lengthsOf);
      return { min: Math.min(...lengths.map(({ min }) => min)), max: Math.max(...lengths.map(({ max }) => max)) };
    }
    case "repeat": {
      const { min, max } = lengthsOf(node.part);
      return { min: min * node.min, max: max === 0 || node.max === 0 ? 0 : max * node.max };
    }
    default:
      return { min: 0, max: 0 };
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}

/** True if no text can be made: an empty set such as [^\s\S] that cannot be passed by. */
export function isImpossible(node: PatternNode): boolean {
  switch (node.kind) {
    case "set":
      return node.ranges.length === 0;
    case "sequence":
      return node.parts.some(isImpossible);
    case "choice":
      return node.parts.every(isImpossible);
    case "repeat":
      return node.min > 0 && isImpossible(node.part);
    default:
      return false;
  }
}
