// Cuts text into the pieces inside which merges happen: the rules of a pre-tokenizer one after the other, each applied to every piece
// that the one before has made. Takes time in proportion to the text, whatever is in it, and can pause anywhere.

import { type Automaton, compilePatterns } from "./regex.ts";

/**
 * How one rule cuts. A pattern: its matches and what is between them. "thousands": digits in threes, from the right. "tail": the
 * white space at the end. `{ pattern, rest }`: `rest` is the pattern without what finds line breaks, for white space that has none.
 */
export type CutRule = string | "thousands" | "tail" | { readonly pattern: string; readonly rest: string };

/** Characters between two pauses inside one piece. */
const SLICE_CHARACTERS = 64 * 1024;

/** No other alternative of a pattern with a `rest` looks so far ahead. */
const FAR_BYTES = 8;

/** What is left of a piece that a rule cuts. */
interface Cutter {
  /** First byte of what is left. */
  start: number;
  limit: number;
  /** Found by `run`: where the next piece ends. */
  end: number;
  begin(bytes: Uint8Array, start: number, limit: number): void;
  /** Looks for the end of the next piece; false if it wants to pause. */
  run(): boolean;
}

/** Rules made ready, to be shared by all splitters. */
export type Cuts = () => Cutter[];

export function compileRules(rules: readonly CutRule[]): Cuts {
  const patterns = rules.flatMap((rule) => {
    if (typeof rule !== "string") return [rule.pattern, rule.rest];
    return rule === "thousands" || rule === "tail" ? [] : [rule];
  });
  const { symbolOf, nSymbols, automata } = compilePatterns(patterns);
  return () => {
    let next = 0;
    return rules.map((rule) => {
      if (rule === "thousands") return new ThousandsCutter();
      if (rule === "tail") return new TailCutter();
      const first = automata[next++] as Automaton;
      const rest = typeof rule === "string" ? undefined : automata[next++];
      return new PatternCutter(symbolOf, nSymbols - 1, first, rest);
    });
  };
}

export class Splitter {
  readonly #cutters: Cutter[];
  #bytes: Uint8Array = new Uint8Array(0);
  #depth = 0;
  /** The piece that was found. */
  start = 0;
  end = 0;

  constructor(cuts: Cuts) {
    this.#cutters = cuts();
  }

  /** @param bytes well-formed: a first byte says how many follow */
  begin(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#depth = 0;
    (this.#cutters[0] as Cutter).begin(bytes, 0, bytes.length);
  }

  /** "piece": one has been found; "pause": go on when convenient; "end": there is no more. */
  next(): "piece" | "pause" | "end" {
    const cutters = this.#cutters;
    let depth = this.#depth;
    for (;;) {
      const cutter = cutters[depth] as Cutter;
      if (cutter.start >= cutter.limit) {
        if (depth === 0) return "end";
        depth--;
        continue;
      }
      if (!cutter.run()) {
        this.#depth = depth;
        return "pause";
      }
      const { start, end } = cutter;
      cutter.start = end;
      if (depth === cutters.length - 1) {
        this.#depth = depth;
        this.start = start;
        this.end = end;
        return "piece";
      }
      (cutters[++depth] as Cutter).begin(this.#bytes, start, end);
    }
  }
}

class PatternCutter implements Cutter {
  readonly #symbolOf: Uint8Array; // (all code points)
  readonly #endSymbol: number;
  readonly #first: Automaton;
  readonly #rest: Automaton | undefined;
  start = 0;
  limit = 0;
  end = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #table: Int32Array;
  #row = 0;
  #tried = 0; // where the match would begin
  #at = 0; // how far it was looked for
  #matchEnd = -1;
  #pendingEnd = -1; // of the match behind the piece that was found last
  #noBreakBefore = 0; // up to here there is white space without line breaks

  constructor(symbolOf: Uint8Array, endSymbol: number, first: Automaton, rest: Automaton | undefined) {
    this.#symbolOf = symbolOf;
    this.#endSymbol = endSymbol;
    this.#first = first;
    this.#rest = rest;
    this.#table = first.table;
  }

  begin(bytes: Uint8Array, start: number, limit: number): void {
    this.#bytes = bytes;
    this.start = start;
    this.limit = limit;
    this.#pendingEnd = -1;
    this.#noBreakBefore = 0;
    this.#try(start);
  }

  #try(at: number): void {
    const { table, start } = (at < this.#noBreakBefore ? this.#rest : undefined) ?? this.#first;
    this.#table = table;
    this.#row = start;
    this.#tried = at;
    this.#at = at;
    this.#matchEnd = -1;
  }

  run(): boolean {
    if (this.#pendingEnd >= 0) {
      this.end = this.#pendingEnd;
      this.#pendingEnd = -1;
      this.#try(this.end);
      return true;
    }
    const bytes = this.#bytes;
    const symbolOf = this.#symbolOf;
    const limit = this.limit;
    for (let left = SLICE_CHARACTERS; ; ) {
      const table = this.#table;
      let row = this.#row;
      let at = this.#at;
      let matchEnd = this.#matchEnd;
      while (row !== 0) {
        let symbol = this.#endSymbol;
        let size = 0;
        if (at < limit) {
          let code = bytes[at] as number;
          size = 1;
          if (code >= 0x80) {
            size = code < 0xe0 ? 2 : code < 0xf0 ? 3 : 4;
            code = codeAt(bytes, at);
          }
          symbol = symbolOf[code] as number;
        }
        const entry = table[row + symbol] as number;
        if ((entry & 1) === 1) matchEnd = at;
        row = size === 0 ? 0 : entry >> 1;
        if (row === 0) break;
        at += size;
        if (--left === 0) {
          this.#row = row;
          this.#at = at;
          this.#matchEnd = matchEnd;
          return false;
        }
      }
      const tried = this.#tried;
      if (matchEnd > tried) {
        if (this.#rest !== undefined && at - matchEnd > FAR_BYTES) this.#noBreakBefore = at;
        if (tried === this.start) {
          this.end = matchEnd;
          this.#try(matchEnd);
        } else {
          this.end = tried;
          this.#pendingEnd = matchEnd;
        }
        return true;
      }
      this.#try(tried + sizeAt(bytes, tried));
      if (this.#tried >= limit) {
        this.end = limit;
        return true;
      }
      if (--left <= 0) return false;
    }
  }
}

/** Cuts in front of digits of which a multiple of three is left. */
class ThousandsCutter implements Cutter {
  start = 0;
  limit = 0;
  end = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #digitsEnd = 0; // of the digits that were looked at last

  begin(bytes: Uint8Array, start: number, limit: number): void {
    this.#bytes = bytes;
    this.start = start;
    this.limit = limit;
    this.#digitsEnd = start;
  }

  run(): boolean {
    let at = this.start;
    if (at >= this.#digitsEnd) {
      while (at < this.limit && !isDigit(this.#bytes[at])) at++;
      this.#digitsEnd = at;
      while (this.#digitsEnd < this.limit && isDigit(this.#bytes[this.#digitsEnd])) this.#digitsEnd++;
    }
    const nDigits = this.#digitsEnd - at;
    const isCutHere = at > this.start && nDigits > 0 && nDigits % 3 === 0;
    this.end = isCutHere || nDigits === 0 ? at : Math.min(at + (nDigits % 3 || 3), this.limit);
    if (!isCutHere && this.end === this.#digitsEnd && this.end < this.limit) {
      // the last digits and what follows them are one piece: no cut in between
      let next = this.end;
      while (next < this.limit && !isDigit(this.#bytes[next])) next++;
      let digitsEnd = next;
      while (digitsEnd < this.limit && isDigit(this.#bytes[digitsEnd])) digitsEnd++;
      const nNext = digitsEnd - next;
      this.end = nNext === 0 || nNext % 3 === 0 ? next : Math.min(next + (nNext % 3), this.limit);
      this.#digitsEnd = digitsEnd;
    }
    return true;
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** Cuts in front of the white space at the end. */
class TailCutter implements Cutter {
  start = 0;
  limit = 0;
  end = 0;
  #tail = 0;

  begin(bytes: Uint8Array, start: number, limit: number): void {
    this.start = start;
    this.limit = limit;
    this.#tail = spaceStart(bytes, start, limit);
  }

  run(): boolean {
    this.end = this.start < this.#tail ? this.#tail : this.limit;
    return true;
  }
}

/** Where the white space begins that ends at `end`. */
export function spaceStart(bytes: Uint8Array, start: number, end: number): number {
  let at = end;
  for (;;) {
    let first = at - 1;
    while (first > start && ((bytes[first] as number) & 0xc0) === 0x80) first--;
    if (first < start || spaceBytes(bytes, first) !== at - first) return at;
    at = first;
  }
}

/** Bytes of the white space character at `at` (White_Space); 0 if there is none. */
export function spaceBytes(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return first === 0x20 || (first >= 9 && first <= 13) ? 1 : 0;
  const second = bytes[at + 1] ?? 0;
  if (first === 0xc2) return second === 0x85 || second === 0xa0 ? 2 : 0;
  const third = bytes[at + 2] ?? 0;
  const code = ((first & 0x0f) << 12) | ((second & 0x3f) << 6) | (third & 0x3f);
  if (first < 0xe1 || first > 0xe3) return 0;
  const isSpace =
    code === 0x1680 ||
    (code >= 0x2000 && code <= 0x200a) ||
    code === 0x2028 ||
    code === 0x2029 ||
    code === 0x202f ||
    code === 0x205f ||
    code === 0x3000;
  return isSpace ? 3 : 0;
}

/** Bytes of the character that begins at `at`. */
export function sizeAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/** The code point of the character of several bytes at `at`. */
export function codeAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  if (first < 0x80) return first;
  const second = (bytes[at + 1] as number) & 0x3f;
  if (first < 0xe0) return ((first & 0x1f) << 6) | second;
  const third = (bytes[at + 2] as number) & 0x3f;
  if (first < 0xf0) return ((first & 0x0f) << 12) | (second << 6) | third;
  return ((first & 0x07) << 18) | (second << 12) | (third << 6) | ((bytes[at + 3] as number) & 0x3f);
}
