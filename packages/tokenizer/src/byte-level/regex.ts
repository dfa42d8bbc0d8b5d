// The regular expressions of pre-tokenizers as automata: a subset of the syntax of JavaScript with the flag v, with the same matches
// (the left-most one; alternatives in order; greedy), found in one pass over the text.
//
// Known are: alternatives, groups (?:…), classes, \p{…}, \s, \S, \d, the quantifiers ? * + {n} {m,n}, and looking one character
// ahead, (?=x) and (?!x), where x is one character or class.

import { CODE_END, type CodeSet, complement, propertySet, sorted, union, WHITE_SPACE } from "../unicode/code-sets.ts";

/** A step of the automaton; `next` and `other` are places in the program. */
type Node =
  | { readonly kind: "set"; readonly set: number; next: number }
  /** Goes on if the next character is in the set, or with `negated` if it is not, or there is none. */
  | { readonly kind: "ahead"; readonly set: number; readonly negated: boolean; next: number }
  | { readonly kind: "either"; next: number; other: number }
  | { readonly kind: "match" };

/** Makes the nodes that match a part of a pattern and then go on at `next`; gives the place of the first. */
type Part = (next: number) => number;

/** Several patterns over the same alphabet. */
export interface Automata {
  /** The symbol of each code point: all code points of a symbol are alike to the patterns. */
  readonly symbolOf: Uint8Array; // (CODE_END)
  /** Symbols, and the end of the text, which is the last. */
  readonly nSymbols: number;
  readonly automata: readonly Automaton[];
}

export interface Automaton {
  /**
   * By state and symbol: twice the place of the next state's row, plus 1 if a match ends in front of the symbol. Row 0 is the end.
   */
  readonly table: Int32Array; // (nStates, nSymbols)
  /** The row of the first state. */
  readonly start: number;
}

/** Symbols of all patterns: each is a byte. */
const MAX_SYMBOLS = 255;

/** Sets of characters in all patterns: sums of so many powers of two are exact. */
const MAX_SETS = 53;

/** @throws SyntaxError for what is not known; only the patterns of this package come here */
export function compilePatterns(patterns: readonly string[]): Automata {
  const sets: CodeSet[] = [];
  const programs = patterns.map((pattern) => new Parser(pattern, sets).program());
  const { symbolOf, members } = alphabetOf(sets);
  const nSymbols = members.length + 1;
  return { symbolOf, nSymbols, automata: programs.map((program) => determinize(program, members)) };
}

/** Splits all code points into symbols; `members` says of each symbol which sets it is in. */
function alphabetOf(sets: readonly CodeSet[]): { symbolOf: Uint8Array; members: (readonly boolean[])[] } {
  if (sets.length > MAX_SETS) throw new SyntaxError("a pattern with too many classes");
  const points = new Set<number>([0, ...sets.flat()]);
  points.delete(CODE_END);
  const ascending = sorted([...points]);
  const symbolOf = new Uint8Array(CODE_END);
  const members: (readonly boolean[])[] = [];
  const symbols = new Map<number, number>(); // by the sets that a symbol is in: the sum of their powers of two
  const places = sets.map(() => 0); // in each set: of the first border beyond the point
  for (let i = 0; i < ascending.length; i++) {
    const first = ascending[i] as number;
    let key = 0;
    for (let s = 0; s < sets.length; s++) {
      const set = sets[s] as CodeSet;
      let place = places[s] as number;
      while (place < set.length && (set[place] as number) <= first) place++;
      places[s] = place;
      if (place % 2 === 1) key += 2 ** s;
    }
    let symbol = symbols.get(key);
    if (symbol === undefined) {
      symbol = members.length;
      if (symbol >= MAX_SYMBOLS) throw new SyntaxError("a pattern with too many sets of characters");
      symbols.set(key, symbol);
      members.push(places.map((place) => place % 2 === 1));
    }
    if (symbol > 0) symbolOf.fill(symbol, first, ascending[i + 1] ?? CODE_END);
  }
  return { symbolOf, members };
}

interface Program {
  readonly nodes: readonly Node[];
  readonly start: number;
}

/** States are lists of places, the preferred one first. */
function determinize({ nodes, start }: Program, members: readonly (readonly boolean[])[]): Automaton {
  const nSymbols = members.length + 1;
  const rows = new Map<string, number>([["", 0]]);
  const states: (readonly number[])[] = [[]];
  const rowOf = (state: readonly number[]): number => {
    const key = state.join();
    let row = rows.get(key);
    if (row === undefined) {
      row = states.length * nSymbols;
      rows.set(key, row);
      states.push(state);
    }
    return row;
  };
  const first = rowOf([start]);
  const entries: number[] = [];
  for (let s = 0; s < states.length; s++) {
    for (let symbol = 0; symbol < nSymbols; symbol++) {
      const { state, matches } = step(nodes, states[s] as readonly number[], members[symbol]);
      entries.push(rowOf(state) * 2 + (matches ? 1 : 0));
    }
  }
  return { table: Int32Array.from(entries), start: first };
}

/** What a state becomes with a symbol, undefined at the end of the text, and whether a match ends in front of it. */
function step(
  nodes: readonly Node[],
  from: readonly number[],
  inside: readonly boolean[] | undefined,
): { state: readonly number[]; matches: boolean } {
  const seen = new Set<number>();
  const state: number[] = [];
  const open = [...from].reverse();
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    if (seen.has(place)) continue;
    seen.add(place);
    const node = nodes[place] as Node;
    if (node.kind === "match") return { state: [...new Set(state)], matches: true };
    if (node.kind === "either") open.push(node.other, node.next);
    else {
      const isInside = inside?.[node.set] ?? false;
      if (node.kind === "set" && isInside) state.push(node.next);
      if (node.kind === "ahead" && isInside !== node.negated) open.push(node.next);
    }
  }
  return { state: [...new Set(state)], matches: false };
}

const ESCAPED_CODES: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, v: 11, f: 12 };

class Parser {
  readonly #characters: readonly string[];
  readonly #sets: CodeSet[];
  readonly #nodes: Node[] = [];
  #place = 0;

  constructor(pattern: string, sets: CodeSet[]) {
    this.#characters = Array.from(pattern);
    this.#sets = sets;
  }

  program(): Program {
    const part = this.#alternatives();
    if (this.#place < this.#characters.length) this.#fail("nothing more");
    return { start: part(this.#node({ kind: "match" })), nodes: this.#nodes };
  }

  #node(node: Node): number {
    this.#nodes.push(node);
    return this.#nodes.length - 1;
  }

  #accept(text: string): boolean {
    const characters = Array.from(text);
    if (!characters.every((character, i) => this.#characters[this.#place + i] === character)) return false;
    this.#place += characters.length;
    return true;
  }

  #alternatives(): Part {
    const parts = [this.#sequence()];
    while (this.#accept("|")) parts.push(this.#sequence());
    return parts.reduceRight((other, part) => (next) => {
      const [first, second] = [part(next), other(next)];
      return this.#node({ kind: "either", next: first, other: second });
    });
  }

  #sequence(): Part {
    const parts: Part[] = [];
    for (;;) {
      const character = this.#characters[this.#place];
      if (character === undefined || character === "|" || character === ")") break;
      parts.push(this.#quantified());
    }
    return (next) => parts.reduceRight((place, part) => part(place), next);
  }

  #quantified(): Part {
    const part = this.#atom();
    if (this.#accept("?")) return optional(part, (node) => this.#node(node));
    if (this.#accept("*")) return this.#repeated(part);
    if (this.#accept("+")) return (next) => part(this.#repeated(part)(next));
    if (!this.#accept("{")) return part;
    const least = this.#number();
    const most = this.#accept(",") ? this.#number() : least;
    if (!this.#accept("}")) this.#fail("}");
    return (next) => {
      let place = next;
      for (let i = 0; i < most - least; i++) {
        const rest = place; // each further one only behind the one before, and all may end at `next`
        place = this.#node({ kind: "either", next: part(rest), other: next });
      }
      for (let i = 0; i < least; i++) place = part(place);
      return place;
    };
  }

  #repeated(part: Part): Part {
    return (next) => {
      const loop = { kind: "either" as const, next: 0, other: next };
      const place = this.#node(loop);
      loop.next = part(place);
      return place;
    };
  }

  #atom(): Part {
    for (const [opening, negated] of [
      ["(?=", false],
      ["(?!", true],
    ] as const) {
      if (!this.#accept(opening)) continue;
      const set = this.#setNumber(this.#character());
      if (!this.#accept(")")) this.#fail(")");
      return (next) => this.#node({ kind: "ahead", set, negated, next });
    }
    if (this.#accept("(?:")) {
      const part = this.#alternatives();
      if (!this.#accept(")")) this.#fail(")");
      return part;
    }
    const set = this.#setNumber(this.#character());
    return (next) => this.#node({ kind: "set", set, next });
  }

  #setNumber(set: CodeSet): number {
    const key = set.join();
    const known = this.#sets.findIndex((other) => other.length === set.length && other.join() === key);
    if (known >= 0) return known;
    this.#sets.push(set);
    return this.#sets.length - 1;
  }

  /** One character, or a class. */
  #character(): CodeSet {
    if (this.#accept("[")) {
      const negated = this.#accept("^");
      const sets: CodeSet[] = [];
      while (!this.#accept("]")) {
        const set = this.#member();
        const [first = 0, end = 0] = set;
        if (set.length === 2 && end === first + 1 && this.#characters[this.#place] === "-" && !this.#isLast()) {
          this.#place++;
          const [last = 0] = this.#member();
          sets.push([first, last + 1]);
        } else sets.push(set);
      }
      const all = union(sets);
      return negated ? complement(all) : all;
    }
    if ("*+?{}()|^$.".includes(this.#characters[this.#place] ?? "(")) this.#fail("a character or a class");
    return this.#member();
  }

  /** Whether the hyphen that comes next ends the class. */
  #isLast(): boolean {
    return this.#characters[this.#place + 1] === "]";
  }

  #member(): CodeSet {
    const character = this.#characters[this.#place++] ?? this.#fail("a character");
    const code = character.codePointAt(0) as number;
    if (character !== "\\") return [code, code + 1];
    const letter = this.#characters[this.#place++] ?? this.#fail("an escaped character");
    if (letter === "s") return WHITE_SPACE;
    if (letter === "S") return complement(WHITE_SPACE);
    if (letter === "d") return [0x30, 0x3a];
    if (letter === "p") {
      const close = this.#characters.indexOf("}", this.#place);
      const name = this.#characters.slice(this.#place + 1, close).join("");
      this.#place = close + 1;
      return propertySet(name) ?? this.#fail("a known property");
    }
    if (letter === "u") {
      const isBraced = this.#accept("{");
      const end = isBraced ? this.#characters.indexOf("}", this.#place) : this.#place + 4;
      const unit = Number.parseInt(this.#characters.slice(this.#place, end).join(""), 16);
      this.#place = isBraced ? end + 1 : end;
      return [unit, unit + 1];
    }
    const escaped = ESCAPED_CODES[letter] ?? letter.codePointAt(0) ?? 0;
    if (ESCAPED_CODES[letter] === undefined && /[a-zA-Z0-9]/.test(letter)) this.#fail("a known escape");
    return [escaped, escaped + 1];
  }

  #number(): number {
    let digits = "";
    while (/^[0-9]$/.test(this.#characters[this.#place] ?? "")) digits += this.#characters[this.#place++];
    return digits === "" ? this.#fail("a number") : Number(digits);
  }

  #fail(expected: string): never {
    throw new SyntaxError(`pattern ${this.#characters.join("")}: ${expected} expected at ${this.#place}`);
  }
}

function optional(part: Part, add: (node: Node) => number): Part {
  return (next) => add({ kind: "either", next: part(next), other: next });
}
