// Normalization form C of UTF-8 (Unicode Standard Annex 15), from the frozen tables. Most text is in that form already, and is given
// back as it is.

import { codeAt, sizeAt } from "../byte-level/splitter.ts";
import { eachRun } from "./code-sets.ts";
import { COMBINING, DECOMPOSITIONS } from "./unicode-data.ts";

/** Below, nothing combines and nothing is decomposed for good. */
const FIRST_UNSAFE = 0x300;
/** Beyond, every character is as it should be. */
const TABLE_END = 0x2fa20;
const MANY = 256 * 1024;

const [HANGUL, L_BASE, V_BASE, T_BASE] = [0xac00, 0x1100, 0x1161, 0x11a7];
const [N_V, N_T, N_HANGUL] = [21, 28, 11172];

interface Tables {
  /** Canonical combining classes by rank, 0 for starters. */
  readonly ranks: Uint8Array; // (TABLE_END)
  /** 1 where a character may change, or combine with one before it. */
  readonly isUnsafe: Uint8Array; // (TABLE_END)
  readonly parts: ReadonlyMap<number, readonly number[]>;
  /** By first × 2^21 + second. */
  readonly composites: ReadonlyMap<number, number>;
}

let tables: Tables | undefined;

function readTables(): Tables {
  const ranks = new Uint8Array(TABLE_END);
  const isUnsafe = new Uint8Array(TABLE_END);
  eachRun(COMBINING, (letter, first, end) => {
    if (letter === "X") return;
    ranks.fill(letter.charCodeAt(0) - 0x100, first, end);
    isUnsafe.fill(1, first, end);
  });
  const parts = new Map<number, readonly number[]>();
  const composites = new Map<number, number>();
  const pairs: (readonly [code: number, parts: readonly number[]])[] = [];
  let code = 0;
  for (const row of DECOMPOSITIONS.split(";")) {
    const isExcluded = row.endsWith("!");
    const [step = 0, ...codes] = (isExcluded ? row.slice(0, -1) : row)
      .split(" ")
      .map((part) => Number.parseInt(part, 36));
    code += step;
    parts.set(code, codes);
    if (isExcluded) isUnsafe[code] = 1;
    else pairs.push([code, codes]);
  }
  // shorter ones first: what a longer one begins with is a composite itself
  pairs.sort(([, a], [, b]) => a.length - b.length);
  for (const [composite, codes] of pairs) {
    const second = codes.at(-1) as number;
    const first = codes.slice(0, -1).reduce((left, right) => composites.get(left * 2 ** 21 + right) as number);
    composites.set(first * 2 ** 21 + second, composite);
    isUnsafe[second] = 1;
  }
  for (let i = 0; i < N_V; i++) isUnsafe[V_BASE + i] = 1;
  for (let i = 1; i < N_T; i++) isUnsafe[T_BASE + i] = 1;
  return { ranks, isUnsafe, parts, composites };
}

/** @param bytes well-formed. Pauses now and then. */
export function* composeSteps(bytes: Uint8Array): Generator<void, Uint8Array, void> {
  tables ??= readTables();
  const { isUnsafe } = tables;
  let out: Uint8Array | undefined; // once something may have changed
  let length = 0;
  let taken = 0; // bytes that are in `out`
  let starter = 0; // where the last character begins that combines with none before it
  let pauseAt = MANY;
  for (let at = 0; at < bytes.length; ) {
    if (at >= pauseAt) {
      yield;
      pauseAt = at + MANY;
    }
    if ((bytes[at] as number) < 0xcc) {
      // below U+0300
      starter = at;
      at += sizeAt(bytes, at);
      continue;
    }
    const code = codeAt(bytes, at);
    if (code < FIRST_UNSAFE || code >= TABLE_END || isUnsafe[code] === 0) {
      starter = at;
      at += sizeAt(bytes, at);
      continue;
    }
    // from the starter to the next character that combines with nothing before it
    let end = at;
    while (end < bytes.length && isUnsafeAt(bytes, end, isUnsafe)) {
      end += sizeAt(bytes, end);
      if (end >= pauseAt) {
        yield;
        pauseAt = end + MANY;
      }
    }
    out ??= new Uint8Array(3 * bytes.length + 16);
    out.set(bytes.subarray(taken, starter), length);
    length += starter - taken;
    length = yield* composeStretch(bytes, starter, end, tables, out, length);
    taken = end;
    starter = end;
    at = end;
  }
  if (out === undefined) return bytes;
  out.set(bytes.subarray(taken), length);
  return out.slice(0, length + bytes.length - taken);
}

function isUnsafeAt(bytes: Uint8Array, at: number, isUnsafe: Uint8Array): boolean {
  const code = codeAt(bytes, at);
  return code >= FIRST_UNSAFE && code < TABLE_END && isUnsafe[code] === 1;
}

/** Decomposes, orders and composes `bytes[start, end)`; gives the place behind it in `out`. */
function* composeStretch(
  bytes: Uint8Array,
  start: number,
  end: number,
  { ranks, parts, composites }: Tables,
  out: Uint8Array,
  from: number,
): Generator<void, number, void> {
  const codes: number[] = [];
  for (let at = start; at < end; at += sizeAt(bytes, at)) {
    const code = codeAt(bytes, at);
    const syllable = code - HANGUL;
    const known = parts.get(code);
    if (known !== undefined) codes.push(...known);
    else if (syllable >= 0 && syllable < N_HANGUL) {
      codes.push(L_BASE + Math.floor(syllable / (N_V * N_T)), V_BASE + Math.floor((syllable % (N_V * N_T)) / N_T));
      if (syllable % N_T > 0) codes.push(T_BASE + (syllable % N_T));
    } else codes.push(code);
    if (codes.length % MANY === 0) yield;
  }
  const rankOf = (code: number): number => (code < TABLE_END ? (ranks[code] as number) : 0);
  // marks between two starters, by rank; equal ones stay in their order
  for (let i = 0; i < codes.length; i++) {
    let after = i;
    let isOrdered = true;
    while (after < codes.length && rankOf(codes[after] as number) > 0) {
      if (after > i && rankOf(codes[after] as number) < rankOf(codes[after - 1] as number)) isOrdered = false;
      after++;
      if (after % MANY === 0) yield;
    }
    if (!isOrdered) {
      const byRank: number[][] = [];
      for (let j = i; j < after; j++) {
        const code = codes[j] as number;
        const rank = rankOf(code);
        byRank[rank] ??= [];
        byRank[rank].push(code);
        if (j % MANY === 0) yield;
      }
      let j = i;
      for (const marks of byRank) {
        for (const mark of marks ?? []) {
          codes[j++] = mark;
          if (j % MANY === 0) yield;
        }
      }
    }
    i = after;
  }
  const composed: number[] = [];
  let starterPlace = -1;
  let lastRank = 0; // of the character before, among those behind the starter that stayed
  for (const [i, code] of codes.entries()) {
    if (i % MANY === MANY - 1) yield;
    const rank = rankOf(code);
    const isBlocked = starterPlace >= 0 && starterPlace < composed.length - 1 && (lastRank === 0 || lastRank >= rank);
    const composite =
      starterPlace < 0 || isBlocked ? undefined : compositeOf(composed[starterPlace] as number, code, composites);
    if (composite !== undefined) {
      composed[starterPlace] = composite;
      continue;
    }
    if (rank === 0) starterPlace = composed.length;
    lastRank = rank;
    composed.push(code);
  }
  let length = from;
  for (const [i, code] of composed.entries()) {
    length = writeCode(code, out, length);
    if (i % MANY === MANY - 1) yield;
  }
  return length;
}

function compositeOf(first: number, second: number, composites: ReadonlyMap<number, number>): number | undefined {
  const lead = first - L_BASE;
  const vowel = second - V_BASE;
  if (lead >= 0 && lead < 19 && vowel >= 0 && vowel < N_V) return HANGUL + (lead * N_V + vowel) * N_T;
  const syllable = first - HANGUL;
  const tail = second - T_BASE;
  if (syllable >= 0 && syllable < N_HANGUL && syllable % N_T === 0 && tail > 0 && tail < N_T) return first + tail;
  return composites.get(first * 2 ** 21 + second);
}

function writeCode(code: number, out: Uint8Array, at: number): number {
  let place = at;
  if (code < 0x80) out[place++] = code;
  else {
    if (code < 0x800) out[place++] = 0xc0 | (code >> 6);
    else {
      if (code < 0x10000) out[place++] = 0xe0 | (code >> 12);
      else {
        out[place++] = 0xf0 | (code >> 18);
        out[place++] = 0x80 | ((code >> 12) & 0x3f);
      }
      out[place++] = 0x80 | ((code >> 6) & 0x3f);
    }
    out[place++] = 0x80 | (code & 0x3f);
  }
  return place;
}
