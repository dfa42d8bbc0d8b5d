// Sets of code points, and those that Unicode names, from the frozen tables: nothing here asks the runtime.

import { CATEGORIES, HAN } from "./unicode-data.ts";

export const CODE_END = 0x110000;

/** Where membership changes, ascending: [first, end) of each range in turn. */
export type CodeSet = readonly number[];

/** Calls `take` for each run of a table of `unicode-data.ts`. */
export function eachRun(table: string, take: (letter: string, first: number, end: number) => void): void {
  let first = 0;
  for (let i = 0; i < table.length; ) {
    const letter = table[i++] as string;
    let length = 0;
    for (; i < table.length; i++) {
      const code = table.charCodeAt(i);
      const digit = code < 0x3a ? code - 0x30 : code >= 0x61 && code <= 0x7a ? code - 0x57 : -1;
      if (digit < 0) break;
      length = length * 36 + digit;
    }
    take(letter, first, first + length);
    first += length;
  }
}

function runsOf(table: string, letters: string): CodeSet {
  const set: number[] = [];
  eachRun(table, (letter, first, end) => {
    if (!letters.includes(letter)) return;
    if (set.at(-1) === first) set[set.length - 1] = end;
    else set.push(first, end);
  });
  return set;
}

/** Letters of `CATEGORIES` by the name of a property. */
const PROPERTIES: Readonly<Record<string, string>> = {
  L: "UTLKO",
  Lu: "U",
  Lt: "T",
  Ll: "L",
  Lm: "K",
  Lo: "O",
  M: "M",
  N: "DN",
  Nd: "D",
  P: "P",
  S: "S",
};

/** The property White_Space, which differs from `\s` of JavaScript: it has U+0085 and lacks U+FEFF. */
export const WHITE_SPACE: CodeSet = [
  0x09, 0x0e, 0x20, 0x21, 0x85, 0x86, 0xa0, 0xa1, 0x1680, 0x1681, 0x2000, 0x200b, 0x2028, 0x202a, 0x202f, 0x2030,
  0x205f, 0x2060, 0x3000, 0x3001,
];

const known: Map<string, CodeSet> = /* @__PURE__ */ new Map();

/** The set of `\p{name}`; undefined for a name that no pre-tokenizer uses. */
export function propertySet(name: string): CodeSet | undefined {
  const letters = PROPERTIES[name];
  if (letters === undefined && name !== "Script=Han") return undefined;
  let set = known.get(name);
  if (set === undefined) {
    set = letters === undefined ? runsOf(HAN, "H") : runsOf(CATEGORIES, letters);
    known.set(name, set);
  }
  return set;
}

export function complement(set: CodeSet): CodeSet {
  const begins = set[0] === 0;
  const ends = set.at(-1) === CODE_END;
  return [...(begins ? [] : [0]), ...set.slice(begins ? 1 : 0, ends ? -1 : undefined), ...(ends ? [] : [CODE_END])];
}

export function union(sets: readonly CodeSet[]): CodeSet {
  const begins = sorted(sets.flatMap((set) => set.filter((_, i) => i % 2 === 0)));
  const ends = sorted(sets.flatMap((set) => set.filter((_, i) => i % 2 === 1)));
  const all: number[] = [];
  begins.forEach((first, i) => {
    const end = ends[i - 1] as number; // of all that began before
    if (i > 0 && first > end) all.push(end);
    if (i === 0 || first > end) all.push(first);
  });
  if (ends.length > 0) all.push(ends.at(-1) as number);
  return all;
}

/** Ascending. A typed array is sorted without calls of a function, some milliseconds sooner where a program begins. */
export function sorted(codes: readonly number[]): Int32Array {
  return Int32Array.from(codes).sort();
}
