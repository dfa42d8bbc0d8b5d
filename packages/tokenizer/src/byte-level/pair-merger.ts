// Byte-pair encoding by a list of merges: of all adjacent pairs that the list has, the one that stands first in it, and of equal ones
// the left-most, becomes one symbol, until no pair is in the list.

import type { IdList } from "../id-list.ts";
import { IDLE, MergeQueue } from "../merge-queue.ts";
import { mergeInWindows, type SymbolList } from "../merge-windows.ts";
import { NONE } from "../text-index.ts";
import { findPair, hashMadeBy, hashOfSymbol, type MergeTable, madeBy } from "./merge-table.ts";
import { sizeAt } from "./splitter.ts";

/** Bytes of a piece that is merged by looking at all its pairs again and again: most words. */
const SHORT_BYTES = 32;

/** Merges and bytes between two pauses. */
const SLICE_STEPS = 256 * 1024;

export class PairMerger {
  readonly #table: MergeTable;
  readonly #symbols: Int32Array = new Int32Array(SHORT_BYTES); // of a short piece
  readonly #hashes: Int32Array = new Int32Array(SHORT_BYTES); // of their texts
  readonly #ranks: Int32Array = new Int32Array(SHORT_BYTES); // of the pairs of a short piece, -1 for none
  readonly #queue: MergeQueue = new MergeQueue();
  readonly #windowBytes: number | undefined;
  // of a part of a long piece, one entry for each symbol that it has at first
  #next: Int32Array = new Int32Array(0);
  #previous: Int32Array = new Int32Array(0);
  #long: Int32Array = new Int32Array(0); // symbols
  #ends: Int32Array = new Int32Array(0); // where the symbol ends in the text, for characters

  /** @param windowBytes see `mergeInWindows` */
  constructor(table: MergeTable, windowBytes?: number) {
    this.#table = table;
    this.#windowBytes = windowBytes;
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

  /** Merges a short piece in `#symbols`; gives their number. */
  #mergeShort(bytes: Uint8Array, start: number, end: number): number {
    const table = this.#table;
    const { spelling, byteSymbols, byteHashes, index } = table;
    const symbols = this.#symbols;
    const hashes = this.#hashes;
    const ranks = this.#ranks;
    let n = 0;
    for (let at = start; at < end; ) {
      if (spelling === "bytes") {
        const byte = bytes[at++] as number;
        hashes[n] = byteHashes[byte] as number;
        symbols[n++] = byteSymbols[byte] as number;
      } else {
        const next = Math.min(at + sizeAt(bytes, at), end);
        const id = index.findText(bytes, at, next);
        hashes[n] = id === NONE ? 0 : (index.hashes[id] as number);
        symbols[n++] = id === NONE ? ~at : id;
        at = next;
      }
    }
    for (let i = 0; i < n - 1; i++) ranks[i] = rankAt(table, symbols, hashes, i);
    for (;;) {
      let best = -1;
      let bestRank = IDLE;
      for (let i = 0; i < n - 1; i++) {
        const rank = ranks[i] as number;
        if (rank < bestRank && rank >= 0) {
          bestRank = rank;
          best = i;
        }
      }
      if (best < 0) return n;
      symbols[best] = madeBy(table, bestRank);
      hashes[best] = hashMadeBy(table, bestRank);
      n--;
      for (let i = best + 1; i < n; i++) {
        symbols[i] = symbols[i + 1] as number;
        hashes[i] = hashes[i + 1] as number;
        ranks[i] = ranks[i + 1] as number;
      }
      if (best > 0) ranks[best - 1] = rankAt(table, symbols, hashes, best - 1);
      if (best < n - 1) ranks[best] = rankAt(table, symbols, hashes, best);
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

  /** Appends the ids of a long piece; pauses now and then. */
  *steps(bytes: Uint8Array, start: number, end: number, ids: IdList): Generator<void, void, void> {
    const mergeLong = this.#mergeLong.bind(this);
    const all = yield* mergeInWindows(
      start,
      function* (from, about, out) {
        let to = Math.min(end, about);
        while (to < end && ((bytes[to] as number) & 0xc0) === 0x80) to--;
        yield* mergeLong(bytes, from, to, out);
        return to === end;
      },
      this.#windowBytes,
    );
    const { nTokens, isForbidden } = this.#table;
    for (let i = 0; i < all.length; i++) {
      const symbol = all.symbolAt(i);
      if (symbol >= 0 && symbol < nTokens && isForbidden[symbol] === 0) ids.push(symbol);
      else this.#emitBytes(symbol, bytes, end, ids);
      if (i % SLICE_STEPS === SLICE_STEPS - 1) yield;
    }
  }

  /** Appends the symbols of a part of a long piece to `out`; pauses every `SLICE_STEPS` steps. */
  *#mergeLong(bytes: Uint8Array, start: number, end: number, out: SymbolList): Generator<void, void, void> {
    const table = this.#table;
    const { spelling, byteSymbols, index } = table;
    const queue = this.#queue;
    let steps = SLICE_STEPS;
    if (this.#next.length < end - start) {
      const capacity = Math.max(end - start, 2 * this.#next.length);
      this.#next = new Int32Array(capacity);
      this.#previous = new Int32Array(capacity);
      this.#long = new Int32Array(capacity);
      this.#ends = spelling === "bytes" ? this.#ends : new Int32Array(capacity);
    }
    const [next, previous, symbols, ends] = [this.#next, this.#previous, this.#long, this.#ends];
    let n = 0;
    for (let at = start; at < end; n++) {
      if (spelling === "bytes") symbols[n] = byteSymbols[bytes[at++] as number] as number;
      else {
        const after = Math.min(at + sizeAt(bytes, at), end);
        const id = index.findText(bytes, at, after);
        symbols[n] = id === NONE ? ~at : id;
        at = after;
        ends[n] = at;
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
      const [a, b] = [symbols[left] as number, symbols[right] as number];
      const rank = right < n ? findPair(table, a, hashOfSymbol(table, a), b, hashOfSymbol(table, b)) : -1;
      queue.set(left, rank < 0 ? IDLE : rank);
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
      symbols[left] = madeBy(table, queue.best());
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
      const last = (next[i] as number) - 1;
      out.push(symbols[i] as number, spelling === "bytes" ? start + last + 1 : (ends[last] as number));
    }
  }
}

/** The rank of the pair of symbols `i` and `i` + 1; -1 if it is not in the list. */
function rankAt(table: MergeTable, symbols: Int32Array, hashes: Int32Array, i: number): number {
  const [left, right] = [symbols[i] as number, symbols[i + 1] as number];
  return findPair(table, left, hashes[i] as number, right, hashes[i + 1] as number);
}
