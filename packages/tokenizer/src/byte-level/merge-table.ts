// The list of merges of a vocabulary, made ready for looking up pairs of symbols.

import type { Budget } from "@ll/bytes";
import { TokenizerModelError } from "../errors.ts";
import { NONE, type TextIndex } from "../text-index.ts";
import type { Texts } from "../texts.ts";
import { writeBytes } from "./alphabet.ts";

/** Merges of a list. The largest published one has 514,906. */
export const MAX_MERGES: number = 2 ** 22;

/** Bits that hold a rank + 1. */
const RANK_BITS = 23;
const RANKS = 2 ** RANK_BITS - 1;

/** Texts that merges make and the vocabulary lacks. No published vocabulary has any. */
const MAX_FOREIGN = 65_536;

/** Bytes of one text of a merge. */
const MAX_MERGE_BYTES = 2 ** 17;

/** Symbols are ids of tokens, and behind those the texts that only merges have. */
export interface MergeTable {
  readonly nTokens: number;
  /** Of the texts that pieces are compared with. */
  readonly index: TextIndex;
  readonly spelling: "bytes" | "characters";
  /** What each byte is at first, if `spelling` is "bytes". */
  readonly byteSymbols: Int32Array; // (256)
  /** What becomes of a byte of a symbol that is no token; NONE: nothing. */
  readonly byteIds: Int32Array; // (256)
  /** Whether a piece that is a token is that token, without merging. */
  readonly ignoreMerges: boolean;
  /** Tokens that text must not become. */
  readonly isForbidden: Uint8Array; // (nTokens)
  /** (left, right, what they become) in the order of ranks; of a pair that comes again nothing is used. */
  readonly merges: Int32Array; // (nMerges, 3)
  /** rank + 1 and, above it, bits of the hash, 0 in free slots: most pairs that are no merges are told without looking at `merges`. */
  readonly slots: Int32Array; // (a power of two)
  /** 1 for tokens whose text is known to become them; found out as they come. */
  readonly isItself: Uint8Array; // (nTokens)
  readonly multiplier: number;
  readonly shift: number;
  /** Bytes of the symbols behind the tokens. */
  readonly foreign: readonly Uint8Array[];
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
  const { nTokens, index, spelling, isKey, merges, file, field } = parts;
  const nMerges = merges.starts.length - 1;
  const bits = Math.max(4, Math.ceil(Math.log2(1.5 * nMerges + 1)));
  budget?.takeBytes(4 * 2 ** bits + 12 * nMerges, "merges");
  const slots = new Int32Array(2 ** bits);
  const table = new Int32Array(3 * nMerges);
  const multiplier = (Math.random() * 2 ** 32) | 1; // random: no list can be made whose pairs all fall on one slot
  const shift = 32 - bits;
  const foreignIds = new Map<string, number>();
  const foreign: Uint8Array[] = [];
  const scratch = new Uint8Array(2 * MAX_MERGE_BYTES);
  const latin1 = new TextDecoder("latin1");

  const symbolOf = (start: number, end: number, id: number): number => {
    if (id !== NONE) return id;
    const key = latin1.decode(scratch.subarray(start, end)); // each byte a character of its own
    const known = foreignIds.get(key);
    if (known !== undefined) return known;
    if (foreign.length >= MAX_FOREIGN) {
      fail(file, "E_LIMIT", field, `at most ${MAX_FOREIGN} texts that are no tokens`, "more");
    }
    budget?.takeBytes(2 * (end - start) + 64, "merges");
    foreignIds.set(key, nTokens + foreign.length);
    foreign.push(scratch.slice(start, end));
    return nTokens + foreign.length - 1;
  };

  const byteSymbols = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    scratch[0] = byte;
    byteSymbols[byte] = spelling === "bytes" ? symbolOf(0, 1, index.findText(scratch, 0, 1)) : NONE;
  }
  const { bytes, starts } = merges;
  let last = NONE; // what the merge before has made
  for (let rank = 0; rank < nMerges; rank++) {
    const start = starts[rank] as number;
    const end = starts[rank + 1] as number;
    let space = start + 1;
    while (space < end && bytes[space] !== 0x20) space++;
    if (end - start > MAX_MERGE_BYTES || space >= end - 1) {
      const expected = `two texts of at most ${MAX_MERGE_BYTES} bytes, a space between them`;
      fail(
        file,
        "E_FIELD",
        `${field}[${rank}]`,
        expected,
        end - start > MAX_MERGE_BYTES ? `${end - start} bytes` : "one",
      );
    }
    let leftEnd = space - start;
    let rightEnd = leftEnd + end - space - 1;
    if (spelling === "bytes") {
      leftEnd = writeBytes(bytes, start, space, scratch, 0);
      rightEnd = leftEnd < 0 ? leftEnd : writeBytes(bytes, space + 1, end, scratch, leftEnd);
      if (rightEnd < 0) continue; // no bytes are spelled like this
    } else {
      scratch.set(bytes.subarray(start, space));
      scratch.set(bytes.subarray(space + 1, end), leftEnd);
    }
    const leftHash = index.hash(index.seed, scratch, 0, leftEnd);
    const left = symbolOf(0, leftEnd, index.find(leftHash, scratch, 0, leftEnd));
    const right = symbolOf(leftEnd, rightEnd, index.findText(scratch, leftEnd, rightEnd));
    // most lists go through the vocabulary in its order, some with several merges for one token
    if (!index.isText(last, scratch, 0, rightEnd)) {
      if (isKey?.[last + 1] !== 0 && index.isText(last + 1, scratch, 0, rightEnd)) last++;
      else {
        const hash = index.hash(leftHash, scratch, leftEnd, rightEnd);
        last = symbolOf(0, rightEnd, index.find(hash, scratch, 0, rightEnd));
      }
    }
    const hash = hashOf(left, right, multiplier);
    let slot = hash >>> shift;
    for (let known = slots[slot] as number; known !== 0; known = slots[slot] as number) {
      if (isPair(table, (known & RANKS) - 1, left, right)) break;
      slot = (slot + 1) & (slots.length - 1);
    }
    if (slots[slot] !== 0) continue; // the first rank counts
    slots[slot] = (rank + 1) | (hash << RANK_BITS);
    table[3 * rank] = left;
    table[3 * rank + 1] = right;
    table[3 * rank + 2] = last;
  }
  const { byteIds, ignoreMerges, isForbidden } = parts;
  const isItself = new Uint8Array(nTokens);
  return {
    nTokens,
    index,
    spelling,
    byteSymbols,
    byteIds,
    ignoreMerges,
    isForbidden,
    isItself,
    merges: table,
    slots,
    multiplier,
    shift,
    foreign,
  };
}

/** The rank of a pair; -1 if it is not in the list. */
export function findPair(table: MergeTable, left: number, right: number): number {
  if (left < 0 || right < 0) return -1;
  const { merges, slots, multiplier, shift } = table;
  const hash = hashOf(left, right, multiplier);
  for (let slot = hash >>> shift; ; slot = (slot + 1) & (slots.length - 1)) {
    const known = slots[slot] as number;
    if (known === 0) return -1;
    if (((known ^ (hash << RANK_BITS)) & ~RANKS) !== 0) continue;
    const rank = (known & RANKS) - 1;
    if (isPair(merges, rank, left, right)) return rank;
  }
}

function isPair(merges: Int32Array, rank: number, left: number, right: number): boolean {
  return merges[3 * rank] === left && merges[3 * rank + 1] === right;
}

function hashOf(left: number, right: number, multiplier: number): number {
  const mixed = Math.imul(Math.imul(left, multiplier) ^ right, 0x9e3779b1);
  return Math.imul(mixed ^ (mixed >>> 15), multiplier);
}

function fail(file: string | undefined, code: string, field: string, expected: string, got: string): never {
  const message = `bad merges: expected ${expected}, got ${got}`;
  throw new TokenizerModelError({ code, file, field, expected, got, message });
}
