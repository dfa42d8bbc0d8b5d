// The list of merges of a vocabulary, made ready for looking up pairs of symbols.
//
// Pairs are filed under the hashes of their two texts, for which no text has to be found in the vocabulary. What tokens they are, and what
// they become, is found out when a pair first comes up: most of the 280,147 merges of Llama 3 never do, and opening it took twice as long.
// Until then a merge has nothing but its slot.

import type { Budget } from "@ll/bytes";
import { TokenizerModelError } from "../errors.ts";
import { NONE, type TextIndex } from "../text-index.ts";
import type { Texts } from "../texts.ts";
import { byteOfPair, writeBytes } from "./alphabet.ts";

/** Merges of a list. The largest published one has 514,906. */
export const MAX_MERGES: number = 2 ** 22;

/** Bits that hold a rank + 1. */
const RANK_BITS = 23;
const RANKS = 2 ** RANK_BITS - 1;

/** Texts that merges make and the vocabulary lacks, of those that have come up. No published vocabulary has any. */
const MAX_FOREIGN = 65_536;

/** Bytes of one text of a merge. */
const MAX_MERGE_BYTES = 2 ** 17;

/** Merges of a page: text that uses one merge uses others of about its rank. */
const PAGE_BITS = 10;
const PAGE_MERGES = 2 ** PAGE_BITS;

/** Symbols are ids of tokens, and behind those the texts that only merges have. */
export interface MergeTable {
  readonly nTokens: number;
  /** Of the texts that pieces are compared with. */
  readonly index: TextIndex;
  readonly spelling: "bytes" | "characters";
  /** What each byte is at first, if `spelling` is "bytes". */
  readonly byteSymbols: Int32Array; // (256)
  /** The hashes of their texts. */
  readonly byteHashes: Int32Array; // (256)
  /** What becomes of a byte of a symbol that is no token; NONE: nothing. */
  readonly byteIds: Int32Array; // (256)
  /** Whether a piece that is a token is that token, without merging. */
  readonly ignoreMerges: boolean;
  /** Tokens that text must not become. */
  readonly isForbidden: Uint8Array; // (nTokens)
  /**
   * (left + 1, right, what they become, the hash of its text) in the order of ranks, `PAGE_MERGES` to a page; nothing but 0 of a merge that
   * has not come up, and no page where none has.
   */
  readonly pages: (Int32Array | undefined)[]; // of (PAGE_MERGES, 4)
  /** rank + 1 and, above it, bits of the hash, 0 in free slots: most pairs that are no merges are told without looking at `merges`. */
  readonly slots: Int32Array; // (a power of two)
  /** Fills in the merge of a rank. @throws TokenizerModelError `E_LIMIT` */
  readonly resolve: (rank: number) => void;
  /** 1 for tokens whose text is known to become them; found out as they come. */
  readonly isItself: Uint8Array; // (nTokens)
  readonly multiplier: number;
  readonly shift: number;
  /** Bytes of the symbols behind the tokens. */
  readonly foreign: readonly Uint8Array[];
  /** Their hashes, as those of `index`. */
  readonly foreignHashes: readonly number[];
}

export interface MergeParts {
  readonly nTokens: number;
  readonly index: TextIndex;
  readonly spelling: "bytes" | "characters";
  readonly byteIds: Int32Array; // (256)
  readonly ignoreMerges: boolean;
  readonly isForbidden: Uint8Array; // (nTokens)
  /** 0 for tokens that are not in the index; undefined: all are. */
  readonly isKey: Uint8Array | undefined; // (nTokens)
  /** `left right`, in the alphabet of the vocabulary. */
  readonly merges: Texts;
  readonly file: string | undefined;
  /** What the file calls the list. */
  readonly field: string;
}

/** @throws TokenizerModelError `E_LIMIT`, `E_FIELD` */
export function createMergeTable(parts: MergeParts, budget?: Budget): MergeTable {
  const { nTokens, index, spelling, merges, file, field } = parts;
  const { bytes, starts } = merges;
  const nMerges = starts.length - 1;
  const bits = Math.max(4, Math.ceil(Math.log2(1.5 * nMerges + 1)));
  budget?.takeBytes(4 * 2 ** bits, field);
  const slots = new Int32Array(2 ** bits);
  const pages = new Array<Int32Array | undefined>(Math.ceil(nMerges / PAGE_MERGES)).fill(undefined);
  const multiplier = (Math.random() * 2 ** 32) | 1; // random: no list can be made whose pairs all fall on one slot
  const shift = 32 - bits;
  const foreignIds = new Map<string, number>();
  const foreign: Uint8Array[] = [];
  const foreignHashes: number[] = [];
  const scratch = new Uint8Array(2 * MAX_MERGE_BYTES);
  const latin1 = new TextDecoder("latin1");

  const symbolOf = (start: number, end: number): number => {
    const hash = index.hash(index.seed, scratch, start, end);
    const id = index.find(hash, scratch, start, end);
    if (id !== NONE) return id;
    const key = latin1.decode(scratch.subarray(start, end)); // each byte a character of its own
    const known = foreignIds.get(key);
    if (known !== undefined) return known;
    if (foreign.length >= MAX_FOREIGN) {
      fail(file, "E_LIMIT", field, `at most ${MAX_FOREIGN} texts that are no tokens`, "more");
    }
    foreignIds.set(key, nTokens + foreign.length);
    foreign.push(scratch.slice(start, end));
    foreignHashes.push(hash);
    return nTokens + foreign.length - 1;
  };

  const resolve = (rank: number): void => {
    const start = starts[rank] as number;
    const end = starts[rank + 1] as number;
    const space = bytes.indexOf(0x20, start + 1);
    const write = spelling === "bytes" ? writeBytes : copyBytes;
    const leftEnd = write(bytes, start, space, scratch, 0);
    const rightEnd = write(bytes, space + 1, end, scratch, leftEnd);
    pages[rank >> PAGE_BITS] ??= new Int32Array(4 * PAGE_MERGES);
    const page = pages[rank >> PAGE_BITS] as Int32Array;
    const row = 4 * (rank & (PAGE_MERGES - 1));
    page[row + 3] = index.hash(index.seed, scratch, 0, rightEnd);
    page[row + 2] = symbolOf(0, rightEnd);
    page[row + 1] = symbolOf(leftEnd, rightEnd);
    page[row] = symbolOf(0, leftEnd) + 1;
  };

  const failText = (rank: number): never => {
    const length = (starts[rank + 1] as number) - (starts[rank] as number);
    const expected = `two texts of at most ${MAX_MERGE_BYTES} bytes, a space between them`;
    return fail(file, "E_FIELD", `${field}[${rank}]`, expected, length > MAX_MERGE_BYTES ? `${length} bytes` : "one");
  };

  const byteSymbols = new Int32Array(256);
  const byteHashes = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    scratch[0] = byte;
    byteSymbols[byte] = spelling === "bytes" ? symbolOf(0, 1) : NONE;
    byteHashes[byte] = index.hashByte(index.seed, byte);
  }
  for (let rank = 0; rank < nMerges; rank++) {
    const start = starts[rank] as number;
    const end = starts[rank + 1] as number;
    // the hashes of both texts in one pass: this loop is most of the time that opening a vocabulary takes
    let left = NONE;
    let space = NONE;
    let part = index.seed;
    let isSpelled = true;
    for (let i = start; i < end; i++) {
      const first = bytes[i] as number;
      if (first === 0x20 && space === NONE && i > start) {
        space = i;
        left = part;
        part = index.seed;
      } else if (spelling === "characters" || (first > 0x20 && first < 0x7f)) part = index.hashByte(part, first);
      else {
        const byte = i + 1 < end ? byteOfPair(first, bytes[i + 1] as number) : -1;
        if (byte >= 0) i++;
        else isSpelled = false;
        part = index.hashByte(part, byte);
      }
    }
    if (space === NONE || space === end - 1 || end - start > MAX_MERGE_BYTES) failText(rank);
    if (!isSpelled) continue;
    const hash = hashOf(left, part, multiplier);
    let slot = hash >>> shift;
    let isKnown = false; // the first rank counts
    for (let known = slots[slot] as number; known !== 0 && !isKnown; known = slots[slot] as number) {
      isKnown = ((known ^ (hash << RANK_BITS)) & ~RANKS) === 0 && isSameText(merges, (known & RANKS) - 1, rank);
      slot = (slot + 1) & (slots.length - 1);
    }
    if (isKnown) continue;
    slots[slot] = (rank + 1) | (hash << RANK_BITS);
  }
  const { byteIds, ignoreMerges, isForbidden } = parts;
  return {
    ...{ nTokens, index, spelling, byteSymbols, byteHashes, byteIds, ignoreMerges, isForbidden },
    ...{ pages, slots, resolve, multiplier, shift, foreign, foreignHashes },
    isItself: new Uint8Array(nTokens),
  };
}

/** The rank of a pair, whose merge is filled in; -1 if it is not in the list. The hashes are those of its texts. */
export function findPair(table: MergeTable, left: number, leftHash: number, right: number, rightHash: number): number {
  if (left < 0 || right < 0) return -1;
  const { pages, slots, multiplier, shift } = table;
  const hash = hashOf(leftHash, rightHash, multiplier);
  for (let slot = hash >>> shift; ; slot = (slot + 1) & (slots.length - 1)) {
    const known = slots[slot] as number;
    if (known === 0) return -1;
    if (((known ^ (hash << RANK_BITS)) & ~RANKS) !== 0) continue;
    const rank = (known & RANKS) - 1;
    const row = 4 * (rank & (PAGE_MERGES - 1));
    let page = pages[rank >> PAGE_BITS];
    if (page === undefined || page[row] === 0) {
      table.resolve(rank);
      page = pages[rank >> PAGE_BITS] as Int32Array;
    }
    if (page[row] === left + 1 && page[row + 1] === right) return rank;
  }
}

/** What the pair of a rank that `findPair` gave becomes. */
export function madeBy({ pages }: MergeTable, rank: number): number {
  return (pages[rank >> PAGE_BITS] as Int32Array)[4 * (rank & (PAGE_MERGES - 1)) + 2] as number;
}

/** The hash of the text of `madeBy`. */
export function hashMadeBy({ pages }: MergeTable, rank: number): number {
  return (pages[rank >> PAGE_BITS] as Int32Array)[4 * (rank & (PAGE_MERGES - 1)) + 3] as number;
}

/** The hash of the text of a symbol; any number for a byte or character that is none. */
export function hashOfSymbol({ nTokens, index, foreignHashes }: MergeTable, symbol: number): number {
  if (symbol < 0) return 0;
  return (symbol < nTokens ? index.hashes[symbol] : foreignHashes[symbol - nTokens]) as number;
}

/** As `writeBytes`, of texts that are spelled in their own bytes. */
function copyBytes(text: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number {
  out.set(text.subarray(start, end), at);
  return at + end - start;
}

/** Whether two texts of a list are equal. */
function isSameText({ bytes, starts }: Texts, a: number, b: number): boolean {
  const from = starts[a] as number;
  const start = starts[b] as number;
  const length = (starts[b + 1] as number) - start;
  if ((starts[a + 1] as number) - from !== length) return false;
  for (let i = 0; i < length; i++) if (bytes[from + i] !== bytes[start + i]) return false;
  return true;
}

function hashOf(left: number, right: number, multiplier: number): number {
  const mixed = Math.imul(Math.imul(left, multiplier) ^ right, 0x9e3779b1);
  return Math.imul(mixed ^ (mixed >>> 15), multiplier);
}

function fail(file: string | undefined, code: string, field: string, expected: string, got: string): never {
  const message = `bad merges: expected ${expected}, got ${got}`;
  throw new TokenizerModelError({ code, file, field, expected, got, message });
}
