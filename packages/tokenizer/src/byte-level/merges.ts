// Byte-pair encoding by a list of merges: of all adjacent pairs that the list has, the one that stands first in it, and of equal ones
// the left-most, becomes one symbol, until no pair is in the list.

import type { Budget } from "@ll/bytes";
import { TokenizerModelError } from "../errors.ts";
import type { IdList } from "../id-list.ts";
import { IDLE, MergeQueue } from "../merge-queue.ts";
import { NONE, type TextIndex } from "../text-index.ts";
import type { Texts } from "../texts.ts";
import { writeBytes } from "./alphabet.ts";
import { sizeAt } from "./splitter.ts";

/** Merges of a list. The largest published one has 514,906. */
export const MAX_MERGES: number = 2 ** 22;

/** Texts that merges make and the vocabulary lacks. No published vocabulary has any. */
const MAX_FOREIGN = 65_536;

/** Bytes of one text of a merge. */
const MAX_MERGE_BYTES = 2 ** 17;

/** Bytes of a piece that is merged by looking at all its pairs again and again: most words. */
const SHORT_BYTES = 32;

/** Merges and bytes between two pauses. */
const SLICE_STEPS = 256 * 1024;

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
  /** (left + 1, right, rank, merged) in each slot, zeros in free ones. */
  readonly pairs: Int32Array; // (nSlots, 4)
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
}

/** @throws TokenizerModelError `E_LIMIT`, `E_FIELD` */
export function createMergeTable(parts: MergeParts, budget?: Budget): MergeTable {
  const { nTokens, index, spelling, isKey, merges, file } = parts;
  const nMerges = merges.starts.length - 1;
  const bits = Math.max(4, Math.ceil(Math.log2(1.5 * nMerges + 1)));
  budget?.takeBytes(16 * 2 ** bits, "merges");
  const pairs = new Int32Array(4 * 2 ** bits);
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
      fail(file, "E_LIMIT", "merges", `at most ${MAX_FOREIGN} texts that are no tokens`, "more");
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
        `merges[${rank}]`,
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
    const merged = last;
    let slot = slotOf(left, right, multiplier, shift) * 4;
    while (pairs[slot] !== 0 && (pairs[slot] !== left + 1 || pairs[slot + 1] !== right))
      slot = (slot + 4) & (pairs.length - 1);
    if (pairs[slot] !== 0) continue; // the first rank counts
    pairs[slot] = left + 1;
    pairs[slot + 1] = right;
    pairs[slot + 2] = rank;
    pairs[slot + 3] = merged;
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
    pairs,
    multiplier,
    shift,
    foreign,
  };
}

function slotOf(left: number, right: number, multiplier: number, shift: number): number {
  const mixed = Math.imul(Math.imul(left, multiplier) ^ right, 0x9e3779b1);
  return Math.imul(mixed ^ (mixed >>> 15), multiplier) >>> shift;
}

export class PairMerger {
  readonly #table: MergeTable;
  readonly #symbols: Int32Array = new Int32Array(SHORT_BYTES); // of a short piece
  readonly #places: Int32Array = new Int32Array(SHORT_BYTES); // of pairs of a short piece: slot, -1 for none
  readonly #queue: MergeQueue = new MergeQueue();
  // of a long piece, one entry for each symbol that it has at first
  #next: Int32Array = new Int32Array(0);
  #previous: Int32Array = new Int32Array(0);
  #long: Int32Array = new Int32Array(0); // symbols
  #slots: Int32Array = new Int32Array(0); // of the pair that begins here
  #ends: Int32Array = new Int32Array(0); // bytes from the start of the piece to the end of the symbol, for characters

  constructor(table: MergeTable) {
    this.#table = table;
  }

  /** Appends the ids of a short piece, of at most `SHORT_BYTES`, or of one that is a token; false if it is a long one. */
  take(bytes: Uint8Array, start: number, end: number, ids: IdList): boolean {
    const { index, ignoreMerges, isForbidden, isItself } = this.#table;
    const id = end - start > index.maxBytes ? NONE : index.findText(bytes, start, end);
    const isShort = end - start <= SHORT_BYTES;
    if (id !== NONE && isForbidden[id] === 0) {
      if (ignoreMerges || isItself[id] === 1) {
        ids.push(id);
        return true;
      }
      if (!isShort) return false;
      const n = this.#mergeShort(bytes, start, end);
      if (n === 1 && this.#symbols[0] === id) isItself[id] = 1;
      this.#emitShort(n, bytes, end, ids);
      return true;
    }
    if (!isShort) return false;
    this.#emitShort(this.#mergeShort(bytes, start, end), bytes, end, ids);
    return true;
  }

  /** The slot of a pair; -1 if it is not in the list. */
  #slot(left: number, right: number): number {
    const { pairs, multiplier, shift } = this.#table;
    if (left < 0 || right < 0) return -1;
    let slot = slotOf(left, right, multiplier, shift) * 4;
    for (;;) {
      const found = pairs[slot] as number;
      if (found === left + 1 && pairs[slot + 1] === right) return slot;
      if (found === 0) return -1;
      slot = (slot + 4) & (pairs.length - 1);
    }
  }

  /** Merges a short piece in `#symbols`; gives their number. */
  #mergeShort(bytes: Uint8Array, start: number, end: number): number {
    const { pairs, spelling, byteSymbols, index } = this.#table;
    const symbols = this.#symbols;
    const places = this.#places;
    let n = 0;
    for (let at = start; at < end; ) {
      if (spelling === "bytes") symbols[n++] = byteSymbols[bytes[at++] as number] as number;
      else {
        const next = Math.min(at + sizeAt(bytes, at), end);
        const id = index.findText(bytes, at, next);
        symbols[n++] = id === NONE ? ~at : id;
        at = next;
      }
    }
    for (let i = 0; i < n - 1; i++) places[i] = this.#slot(symbols[i] as number, symbols[i + 1] as number);
    for (;;) {
      let best = -1;
      let bestRank = IDLE;
      for (let i = 0; i < n - 1; i++) {
        const place = places[i] as number;
        if (place < 0) continue;
        const rank = pairs[place + 2] as number;
        if (rank < bestRank) {
          bestRank = rank;
          best = i;
        }
      }
      if (best < 0) return n;
      symbols[best] = pairs[(places[best] as number) + 3] as number;
      n--;
      for (let i = best + 1; i < n; i++) {
        symbols[i] = symbols[i + 1] as number;
        places[i] = places[i + 1] as number;
      }
      if (best > 0) places[best - 1] = this.#slot(symbols[best - 1] as number, symbols[best] as number);
      if (best < n - 1) places[best] = this.#slot(symbols[best] as number, symbols[best + 1] as number);
    }
  }

  #emitShort(n: number, bytes: Uint8Array, end: number, ids: IdList): void {
    const { nTokens, isForbidden } = this.#table;
    for (let i = 0; i < n; i++) {
      const symbol = this.#symbols[i] as number;
      if (symbol >= 0 && symbol < nTokens && isForbidden[symbol] === 0) ids.push(symbol);
      else this.#emitBytes(symbol, bytes, end, ids);
    }
  }

  /** A symbol that is no token, byte by byte. Negative ones are the complement of the place of a character. */
  #emitBytes(symbol: number, bytes: Uint8Array, end: number, ids: IdList): void {
    const { nTokens, foreign, byteIds, index } = this.#table;
    let text: Uint8Array;
    if (symbol < 0) text = bytes.subarray(~symbol, Math.min(~symbol + sizeAt(bytes, ~symbol), end));
    else if (symbol >= nTokens) text = foreign[symbol - nTokens] as Uint8Array;
    else text = index.textOf(symbol);
    for (const byte of text) {
      const id = byteIds[byte] as number;
      if (id !== NONE) ids.push(id);
    }
  }

  /** Appends the ids of a long piece; pauses every `SLICE_STEPS` steps. */
  *steps(bytes: Uint8Array, start: number, end: number, ids: IdList): Generator<void, void, void> {
    const { pairs, spelling, byteSymbols, index, nTokens, isForbidden } = this.#table;
    const queue = this.#queue;
    let steps = SLICE_STEPS;
    if (this.#next.length < end - start) {
      const capacity = Math.max(end - start, 2 * this.#next.length);
      this.#next = new Int32Array(capacity);
      this.#previous = new Int32Array(capacity);
      this.#long = new Int32Array(capacity);
      this.#slots = new Int32Array(capacity);
      this.#ends = spelling === "bytes" ? this.#ends : new Int32Array(capacity);
    }
    const [next, previous, symbols, slots] = [this.#next, this.#previous, this.#long, this.#slots];
    let n = 0;
    for (let at = start; at < end; n++) {
      if (spelling === "bytes") symbols[n] = byteSymbols[bytes[at++] as number] as number;
      else {
        const after = Math.min(at + sizeAt(bytes, at), end);
        const id = index.findText(bytes, at, after);
        symbols[n] = id === NONE ? ~at : id;
        at = after;
      }
      next[n] = n + 1;
      previous[n] = n - 1;
      if (--steps <= 0) {
        yield;
        steps = SLICE_STEPS;
      }
    }
    while (!queue.resize(n, 4 * SLICE_STEPS)) yield;
    const enqueue = (left: number): void => {
      const right = next[left] as number;
      const slot = right < n ? this.#slot(symbols[left] as number, symbols[right] as number) : -1;
      slots[left] = slot;
      queue.set(left, slot < 0 ? IDLE : (pairs[slot + 2] as number));
    };
    for (let i = 0; i < n; i++) {
      enqueue(i);
      if (--steps <= 0) {
        yield;
        steps = SLICE_STEPS;
      }
    }
    for (let left = queue.first(); left >= 0; left = queue.first()) {
      const right = next[left] as number;
      const after = next[right] as number;
      symbols[left] = pairs[(slots[left] as number) + 3] as number;
      next[left] = after;
      if (after < n) previous[after] = left;
      queue.set(right, IDLE);
      enqueue(left);
      if (left > 0) enqueue(previous[left] as number);
      if (--steps <= 0) {
        yield;
        steps = SLICE_STEPS;
      }
    }
    for (let i = 0; i < n; i = next[i] as number) {
      const symbol = symbols[i] as number;
      if (symbol >= 0 && symbol < nTokens && isForbidden[symbol] === 0) ids.push(symbol);
      else this.#emitBytes(symbol, bytes, end, ids);
      if (--steps <= 0) {
        yield;
        steps = SLICE_STEPS;
      }
    }
  }
}

function fail(file: string | undefined, code: string, field: string, expected: string, got: string): never {
  const message = `bad merges: expected ${expected}, got ${got}`;
  throw new TokenizerModelError({ code, file, field: `tokenizer.ggml.${field}`, expected, got, message });
}
