// Finds special tokens in text: the left-most, of several there the longest.

import { codeAt, sizeAt, spaceBytes, spaceStart } from "./byte-level/splitter.ts";
import { NONE } from "./text-index.ts";
import type { Texts } from "./texts.ts";
import { propertySet } from "./unicode/code-sets.ts";

/** What else goes with a token that is cut out of text: bits of one number. */
export const CUT = {
  /** White space in front of it goes as well. */
  stripsLeft: 1,
  /** White space behind it goes as well. */
  stripsRight: 2,
  /** Of what is behind it, only U+0009 to U+000D and spaces go. */
  stripsAscii: 4,
  /** It counts only between characters that make no words. */
  isWord: 8,
} as const;

/** Its memory is a number for each token: a file may have a hundred thousand of them. */
export class SpecialMatcher {
  readonly #texts: Texts;
  readonly #cuts: Uint8Array | undefined;
  readonly #ids: Int32Array; // by the bytes of their texts, ascending, of equal ones by id
  readonly #first: Int32Array = new Int32Array(257); // in `#ids`, of the first that begins with this byte, or a greater one
  /** The token that was found, and which bytes go with it. */
  id: number = NONE;
  start = 0;
  end = 0;
  /** Where its text ends; `end` is behind the white space that it strips. */
  textEnd = 0;

  /**
   * @param ids ascending; their texts have at least one byte; put in the order of these
   * @param cuts bits of `CUT`, by id; absent: none
   */
  constructor(texts: Texts, ids: Int32Array, cuts?: Uint8Array) {
    this.#texts = texts;
    this.#cuts = cuts;
    this.#ids = ids;
    sortByText(texts, ids);
    let byte = 0;
    for (const [i, id] of this.#ids.entries()) {
      while (byte <= this.#byteAt(id, 0)) this.#first[byte++] = i;
    }
    while (byte <= 256) this.#first[byte++] = this.#ids.length;
  }

  /** Two tokens with the same text, the earlier one first. */
  duplicate(): readonly [number, number] | undefined {
    const ids = this.#ids;
    for (let i = 1; i < ids.length; i++) {
      const [before, id] = [ids[i - 1] as number, ids[i] as number];
      if (compare(this.#texts, before, id) === 0) return [before, id];
    }
    return undefined;
  }

  /** The token with exactly this text, NONE if there is none. */
  idOf(text: Uint8Array): number {
    let [low, high] = [0, text.length === 0 ? 0 : this.#ids.length];
    for (let depth = 0; depth < text.length && low < high; depth++) {
      while (low < high && this.#lengthOf(this.#ids[low] as number) === depth) low++;
      const byte = text[depth] as number;
      low = this.#lowest(low, high, depth, byte);
      high = this.#lowest(low, high, depth, byte + 1);
    }
    const id = low < high ? (this.#ids[low] as number) : NONE;
    return id !== NONE && this.#lengthOf(id) === text.length ? id : NONE;
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
      const id = this.#longest(bytes, at, first[byte] as number, first[byte + 1] as number);
      if (id === NONE) continue;
      const cut = this.#cuts?.[id] ?? 0;
      this.id = id;
      this.start = (cut & CUT.stripsLeft) !== 0 ? spaceStart(bytes, least, at) : at;
      this.textEnd = at + this.#lengthOf(id);
      this.end = this.textEnd;
      if ((cut & (CUT.stripsRight | CUT.stripsAscii)) === 0) return true;
      for (;;) {
        const size = spaceBytes(bytes, this.end);
        if (size === 0 || (size > 1 && (cut & CUT.stripsAscii) !== 0)) return true;
        this.end += size;
      }
    }
    return false;
  }

  #longest(bytes: Uint8Array, at: number, from: number, to: number): number {
    let [low, high] = [from, to]; // the tokens that go on like the text
    let longest: number = NONE;
    for (let depth = 1; ; depth++) {
      const shortest = this.#ids[low] as number;
      if (this.#lengthOf(shortest) === depth) {
        const isWord = ((this.#cuts?.[shortest] ?? 0) & CUT.isWord) !== 0;
        if (!isWord || isFree(bytes, at, at + depth)) longest = shortest;
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
      if (this.#byteAt(this.#ids[middle] as number, depth) < byte) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #byteAt(id: number, depth: number): number {
    return this.#texts.bytes[(this.#texts.starts[id] as number) + depth] as number;
  }

  #lengthOf(id: number): number {
    return (this.#texts.starts[id + 1] as number) - (this.#texts.starts[id] as number);
  }
}

/** Ids that are put in order by comparing them with each other. */
const FEW = 24;

/**
 * Puts ids in the order of their texts, equal ones as they were. They are dealt out by one byte after another, so that the steps are about
 * as many as the texts have bytes, whatever these are: a comparison of two texts may take as many as both have.
 */
function sortByText(texts: Texts, ids: Int32Array): void {
  const { bytes, starts } = texts;
  const dealt = new Int32Array(ids.length > FEW ? ids.length : 0);
  const digits = new Uint16Array(dealt.length);
  const ends = new Uint32Array(258); // by digit: where the ids with smaller ones end, then where its own do
  const stretches = [{ from: 0, to: ids.length, depth: 0 }]; // ids in it are alike up to this byte
  for (let stretch = stretches.pop(); stretch !== undefined; stretch = stretches.pop()) {
    const { from, to, depth } = stretch;
    if (to - from <= FEW) {
      for (let i = from + 1; i < to; i++) {
        const id = ids[i] as number;
        let at = i;
        for (; at > from && compare(texts, ids[at - 1] as number, id, depth) > 0; at--) ids[at] = ids[at - 1] as number;
        ids[at] = id;
      }
      continue;
    }
    ends.fill(0);
    for (let i = from; i < to; i++) {
      const id = ids[i] as number;
      const at = (starts[id] as number) + depth;
      const digit = at < (starts[id + 1] as number) ? (bytes[at] as number) + 1 : 0; // 0: the text ends
      digits[i] = digit;
      ends[digit + 1] = (ends[digit + 1] as number) + 1;
    }
    for (let digit = 1; digit < 258; digit++) ends[digit] = (ends[digit] as number) + (ends[digit - 1] as number);
    for (let i = from; i < to; i++) {
      const digit = digits[i] as number;
      const place = ends[digit] as number;
      dealt[place] = ids[i] as number;
      ends[digit] = place + 1;
    }
    ids.set(dealt.subarray(0, to - from), from);
    for (let digit = 1; digit < 257; digit++) {
      const [begin, end] = [from + (ends[digit - 1] as number), from + (ends[digit] as number)];
      if (end - begin > 1) stretches.push({ from: begin, to: end, depth: depth + 1 });
    }
  }
}

/** Orders the texts of two ids, which are alike up to the byte `from`, by their bytes. */
function compare({ bytes, starts }: Texts, a: number, b: number, from = 0): number {
  const [ofA, ofB] = [starts[a] as number, starts[b] as number];
  const [lengthA, lengthB] = [(starts[a + 1] as number) - ofA, (starts[b + 1] as number) - ofB];
  for (let i = from; i < lengthA && i < lengthB; i++) {
    const difference = (bytes[ofA + i] as number) - (bytes[ofB + i] as number);
    if (difference !== 0) return difference;
  }
  return lengthA - lengthB;
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
