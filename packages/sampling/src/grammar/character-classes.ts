// Code points that no rule of a grammar tells apart: the borders of all its sets cut the code points into intervals.

import type { GrammarProgram } from "./program.ts";

export interface CharacterClasses {
  /** First code point of each class, ascending from 0: stands for all of them. */
  readonly first: Float64Array; // (nClasses): up to 2^32
  /** Class of an unsigned 32-bit code point. */
  classOf(codePoint: number): number;
}

const N_ASCII = 128;

export function characterClasses(program: GrammarProgram): CharacterClasses {
  const { kinds, values } = program;
  const borders = new Set([0]);
  for (let at = 0; at < kinds.length; at++) {
    const kind = kinds[at];
    const isMember = kind === "char" || kind === "char-not" || kind === "char-alt";
    if (!isMember) continue;
    const last = kinds[at + 1] === "range-upper" ? values[at + 1]! : values[at]!;
    borders.add(values[at]!).add(last + 1);
  }
  const first = Float64Array.from(borders).sort();
  const search = (codePoint: number): number => {
    let low = 0; // first[low] ≤ codePoint
    let high = first.length; // codePoint < first[high]
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (first[middle]! <= codePoint) low = middle;
      else high = middle;
    }
    return low;
  };
  const ascii = Int32Array.from({ length: N_ASCII }, (_, codePoint) => search(codePoint)); // (128)
  return { first, classOf: (codePoint) => (codePoint < N_ASCII ? ascii[codePoint]! : search(codePoint)) };
}
