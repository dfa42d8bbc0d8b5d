// Finds special tokens in text: the left-most, of several there the longest.

import { codeAt, sizeAt, spaceBytes, spaceStart } from "./byte-level/splitter.ts";
import { propertySet } from "./unicode/code-sets.ts";

/** A token that is cut out of text. */
export interface CutToken {
  readonly id: number;
  /** UTF-8, at least one byte. */
  readonly text: Uint8Array;
  /** White space in front of it goes as well. */
  readonly stripsLeft?: boolean | undefined;
  /** White space behind it goes as well; "ascii": only U+0009 to U+000D and spaces. */
  readonly stripsRight?: boolean | "ascii" | undefined;
  /** Counts only between characters that make no words. */
  readonly isWord?: boolean | undefined;
}

export class SpecialMatcher {
  readonly #tokens: readonly CutToken[]; // by their bytes, ascending
  readonly #first: Int32Array = new Int32Array(257); // of the first token that begins with this byte, or a greater one
  /** The token that was found, and which bytes go with it. */
  token: CutToken | undefined;
  start = 0;
  end = 0;
  /** Where its text ends; `end` is behind the white space that it strips. */
  textEnd = 0;

  constructor(tokens: readonly CutToken[]) {
    this.#tokens = [...tokens].sort((a, b) => compare(a.text, b.text));
    let byte = 0;
    for (const [i, { text }] of this.#tokens.entries()) {
      while (byte <= (text[0] as number)) this.#first[byte++] = i;
    }
    while (byte <= 256) this.#first[byte++] = this.#tokens.length;
  }

  /**
   * Looks for a token that begins in `bytes[from, to)`; true if there is one: see `token`, `start` and `end`.
   * @param least where white space in front of it may begin
   */
  find(bytes: Uint8Array, least: number, from: number, to: number): boolean {
    const first = this.#first;
    for (let at = from; at < to; at++) {
      const byte = bytes[at] as number;
      if (first[byte] === first[byte + 1]) continue;
      const token = this.#longest(bytes, at, first[byte] as number, first[byte + 1] as number);
      if (token === undefined) continue;
      this.token = token;
      this.start = token.stripsLeft === true ? spaceStart(bytes, least, at) : at;
      this.textEnd = at + token.text.length;
      this.end = this.textEnd;
      if (token.stripsRight === undefined || token.stripsRight === false) return true;
      for (;;) {
        const size = spaceBytes(bytes, this.end);
        if (size === 0 || (size > 1 && token.stripsRight === "ascii")) return true;
        this.end += size;
      }
    }
    return false;
  }

  #longest(bytes: Uint8Array, at: number, from: number, to: number): CutToken | undefined {
    let [low, high] = [from, to]; // the tokens that go on like the text
    let longest: CutToken | undefined;
    for (let depth = 1; ; depth++) {
      const shortest = this.#tokens[low] as CutToken;
      if (shortest.text.length === depth) {
        if (shortest.isWord !== true || isFree(bytes, at, at + depth)) longest = shortest;
        low++;
      }
      const byte = bytes[at + depth];
      if (byte === undefined || low === high) return longest;
      low = this.#lowest(low, high, depth, byte);
      high = this.#lowest(low, high, depth, byte + 1);
      if (low === high) return longest;
    }
  }

  /** The first of these tokens whose byte at `depth` is not below `byte`. */
  #lowest(from: number, to: number, depth: number, byte: number): number {
    let [low, high] = [from, to];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (((this.#tokens[middle] as CutToken).text[depth] as number) < byte) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function compare(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Whether no word goes on in front of `start` or behind `end`. */
function isFree(bytes: Uint8Array, start: number, end: number): boolean {
  let before = start - 1;
  while (before > 0 && ((bytes[before] as number) & 0xc0) === 0x80) before--;
  return !isWordAt(bytes, before) && !isWordAt(bytes, end);
}

function isWordAt(bytes: Uint8Array, at: number): boolean {
  if (at < 0 || at >= bytes.length) return false;
  if (at + sizeAt(bytes, at) > bytes.length) return false;
  const code = codeAt(bytes, at);
  return code === 0x5f || ["L", "M", "N"].some((name) => isIn(propertySet(name) ?? [], code));
}

function isIn(set: readonly number[], code: number): boolean {
  let [low, high] = [0, set.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((set[middle] as number) <= code) low = middle + 1;
    else high = middle;
  }
  return low % 2 === 1;
}

/** True if `part` stands at this place of the text. */
export function hasAt(text: Uint8Array, at: number, part: Uint8Array): boolean {
  return part.every((byte, i) => text[at + i] === byte);
}

/** The text without any of the marks in it. */
export function without(text: Uint8Array, mark: Uint8Array): Uint8Array {
  if (mark.length === 0) return text;
  const out = new Uint8Array(text.length);
  let length = 0;
  for (let from = 0; ; ) {
    let at = text.indexOf(mark[0] as number, from);
    while (at >= 0 && !hasAt(text, at, mark)) at = text.indexOf(mark[0] as number, at + 1);
    if (at < 0 && from === 0) return text;
    const stretch = text.subarray(from, at < 0 ? text.length : at);
    out.set(stretch, length);
    length += stretch.length;
    if (at < 0) return out.subarray(0, length);
    from = at + mark.length;
  }
}
