// Writes packages/tokenizer/src/unicode/unicode-data.ts: what tokenizers need of Unicode, frozen, so that ids do not depend on the runtime.
// The source is the Unicode data inside the pinned development Node, whose version the file names. After a change of that version:
//   node --conditions=@ll/source tools/make-unicode-data.ts && npx biome check --write packages/tokenizer/src/unicode

import { writeFileSync } from "node:fs";
import { join } from "node:path";

const OUT = join(import.meta.dirname, "..", "packages", "tokenizer", "src", "unicode", "unicode-data.ts");
const END = 0x110000;

/** One letter for each class of general categories; upper case, so that they stand out between numbers in base 36. */
const CLASSES: readonly (readonly [letter: string, pattern: RegExp])[] = [
  ["U", /^\p{Lu}$/u],
  ["T", /^\p{Lt}$/u],
  ["L", /^\p{Ll}$/u],
  ["K", /^\p{Lm}$/u],
  ["O", /^\p{Lo}$/u],
  ["M", /^\p{M}$/u],
  ["D", /^\p{Nd}$/u],
  ["N", /^[\p{Nl}\p{No}]$/u],
  ["P", /^\p{P}$/u],
  ["S", /^\p{S}$/u],
];

/** Runs of equal classes over all code points: `U1q` are 62 upper-case letters, `X` is none of the classes. */
function classRuns(classOf: (text: string) => string): string {
  let runs = "";
  let current = "";
  let length = 0;
  for (let code = 0; code <= END; code++) {
    const next = code === END ? "" : classOf(String.fromCodePoint(code));
    if (next === current) {
      length++;
      continue;
    }
    if (current !== "") runs += current + length.toString(36);
    current = next;
    length = 1;
  }
  return runs;
}

const codes = (text: string): number[] => Array.from(text, (character) => character.codePointAt(0) as number);

/** Whether canonical order puts `b` before `a`. */
const swaps = (a: number, b: number): boolean => {
  const [x, y] = [String.fromCodePoint(a), String.fromCodePoint(b)];
  return (x + y).normalize("NFD") === y + x;
};

/** Combining marks by rank: the order of their canonical combining classes, which are all that matters of them. */
function combiningRanks(): Map<number, number> {
  const [lowest, highest] = [0x334, 0x345]; // of class 1 and 240, the ends of the range
  const marks: number[] = [];
  for (let code = 0; code < END; code++) {
    const text = String.fromCodePoint(code);
    if (!/^\p{M}$/u.test(text) || text.normalize("NFD") !== text) continue;
    if (swaps(code, lowest) || swaps(highest, code)) marks.push(code);
  }
  marks.sort((a, b) => (swaps(b, a) ? -1 : swaps(a, b) ? 1 : a - b));
  const ranks = new Map<number, number>();
  let rank = 1;
  for (const [i, mark] of marks.entries()) {
    if (i > 0 && swaps(mark, marks[i - 1] as number)) rank++;
    ranks.set(mark, rank);
  }
  return ranks;
}

/** `code code code;` for each character that canonical decomposition changes, Hangul excepted, in base 36, codes as differences. */
function decompositions(): string {
  const rows: string[] = [];
  let last = 0;
  for (let code = 0; code < END; code++) {
    if ((code >= 0xac00 && code <= 0xd7a3) || (code >= 0xd800 && code <= 0xdfff)) continue;
    const text = String.fromCodePoint(code);
    const parts = codes(text.normalize("NFD"));
    if (parts.length === 1 && parts[0] === code) continue;
    const composes = text.normalize("NFC") === text ? "" : "!"; // "!": composition never makes it
    rows.push([code - last, ...parts].map((part) => part.toString(36)).join(" ") + composes);
    last = code;
  }
  return rows.join(";");
}

const ranks = combiningRanks();
// ranks in base 36 would be two digits, and letters are classes here: runs of "R" and the rank, "X" for starters
const rankRuns = classRuns((text) => {
  const rank = ranks.get(text.codePointAt(0) as number);
  return rank === undefined ? "X" : String.fromCharCode(0x100 + rank);
});
const categories = classRuns((text) => CLASSES.find(([, pattern]) => pattern.test(text))?.[0] ?? "X");
const han = classRuns((text) => (/^\p{Script=Han}$/u.test(text) ? "H" : "X"));

const lines = [
  `// Unicode ${process.versions["unicode"]}, written by tools/make-unicode-data.ts. Do not edit.`,
  "// Source: the Unicode Character Database (https://www.unicode.org/ucd/), Unicode License v3, as in the ICU of the development Node.",
  "",
  `export const UNICODE_VERSION = ${JSON.stringify(process.versions["unicode"])};`,
  "",
  "/** Runs over all code points from 0 on: a class and its length in base 36. The classes are those of `categories.ts`. */",
  `export const CATEGORIES: string =\n  ${JSON.stringify(categories)};`,
  "",
  "/** Runs: H has the script Han. */",
  `export const HAN: string =\n  ${JSON.stringify(han)};`,
  "",
  "/** Runs: X are starters, other letters the ranks of canonical combining classes, from U+0101 on. */",
  `export const COMBINING: string =\n  ${JSON.stringify(rankRuns)};`,
  "",
  "/** Full canonical decompositions in base 36: the difference to the code before, then what it becomes; ! where composition never makes it. */",
  `export const DECOMPOSITIONS: string =\n  ${JSON.stringify(decompositions())};`,
  "",
];
writeFileSync(OUT, lines.join("\n"));
