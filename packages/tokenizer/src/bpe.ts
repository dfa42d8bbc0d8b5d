// Byte-pair encoding of bytes, as llama.cpp build 803 and SentencePiece do it: the text is split into symbols, then the adjacent
// pair whose joined text has the best score is merged, left-most first among equals, until no pair makes a text of the vocabulary.
//
// A symbol is known by the offset of its first byte in its segment. Segments are stretches of text that no merge can leave, so
// that each can be merged alone: the order of merges in one does not depend on the others.

import { TextTooLongError } from "./errors.ts";
import type { IdList } from "./id-list.ts";
import { MAX_TEXT_BYTES } from "./limits.ts";
import { IDLE, MergeQueue } from "./merge-queue.ts";
import { NO_JOIN, type PieceTable, rankOfScore } from "./piece-table.ts";
import { TYPE } from "./pieces.ts";
import { NONE } from "./text-index.ts";

/** Bytes of a symbol by the upper half of its first byte. Stray continuation bytes (8 to B) are symbols of their own. */
const SYMBOL_BYTES: Uint8Array = /* @__PURE__ */ Uint8Array.of(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4); // (16)

/** In place of the id of a symbol that must not be merged. */
const FROZEN = -2;

/** A pair longer than this is compared only once with the vocabulary. None of LLaMA's is. */
const LONG_BYTES = 64;

/**
 * Appends the ids of `bytes` to `ids`. Takes O(n log n) steps for n bytes, and for each different pair of more than `LONG_BYTES` as many
 * as it has; user-defined pieces add as many per byte as the longest of them has.
 * @throws TextTooLongError
 */
export function encodeBytes(table: PieceTable, bytes: Uint8Array, ids: IdList): void {
  if (bytes.length > MAX_TEXT_BYTES) throw new TextTooLongError(MAX_TEXT_BYTES, bytes.length);
  const merger = new Merger(table, bytes);
  for (let start = 0; start < bytes.length; ) {
    start = merger.takeSegment(start);
    merger.merge();
    merger.emit(ids);
  }
}

class Merger {
  readonly #table: PieceTable;
  readonly #bytes: Uint8Array;
  readonly #queue: MergeQueue = new MergeQueue();
  /**
   * Length of the left one of the two parts that an unused piece is made from, by its id. They are always the same two: the merges
   * inside a piece do not depend on what is around it.
   */
  readonly #splits: Map<number, number> = new Map();
  /** Results of `#findPair` for long pairs, by both symbols: without them, long texts cost a step per byte again and again. */
  readonly #longPairs: Map<number, number> = new Map();
  #start = 0; // offset of the segment in the text
  #length = 0; // bytes of the segment
  // one entry per byte of the segment; only those of first bytes of symbols mean something
  #next: Int32Array = new Int32Array(64); // (capacity): offset of the symbol after
  #previous: Int32Array = new Int32Array(64); // (capacity): offset of the symbol before; nothing at offset 0
  #ids: Int32Array = new Int32Array(64); // (capacity): id of a symbol that was made by a merge, otherwise NONE or FROZEN
  #pairs: Int32Array = new Int32Array(64); // (capacity): id of the text of this symbol and the next, NONE if it is no piece

  constructor(table: PieceTable, bytes: Uint8Array) {
    this.#table = table;
    this.#bytes = bytes;
  }

  /** Splits the segment that begins at `start` into symbols and queues its pairs. Returns where the next one begins. */
  takeSegment(start: number): number {
    const bytes = this.#bytes;
    const { bytePairs, wholeBytes } = this.#table;
    this.#start = start;
    let previous = NONE;
    let offset = start;
    do {
      const symbol = offset - start;
      const longest = wholeBytes[bytes[offset] as number] as number;
      const whole = longest === 0 ? 0 : this.#wholeBytes(offset, longest);
      const size = whole > 0 ? whole : (SYMBOL_BYTES[(bytes[offset] as number) >> 4] as number);
      const end = Math.min(offset + size, bytes.length);
      if (symbol >= this.#next.length) this.#grow(symbol);
      this.#ids[symbol] = whole > 0 ? FROZEN : NONE;
      this.#next[symbol] = end - start;
      this.#previous[symbol] = previous;
      previous = symbol;
      offset = end;
    } while (
      offset < bytes.length &&
      bytePairs[((bytes[offset - 1] as number) << 8) | (bytes[offset] as number)] !== NO_JOIN
    );
    this.#length = offset - start;
    return offset;
  }

  merge(): void {
    const queue = this.#queue;
    queue.resize(this.#length);
    for (let left = 0; left < this.#length; left = this.#next[left] as number) this.#queuePair(left);
    for (let left = queue.first(); left !== NONE; left = queue.first()) {
      const right = this.#next[left] as number;
      const after = this.#next[right] as number;
      this.#ids[left] = this.#pairs[left] as number;
      this.#next[left] = after;
      if (after < this.#length) this.#previous[after] = left;
      queue.set(right, IDLE);
      this.#queuePair(left);
      if (left > 0) this.#queuePair(this.#previous[left] as number);
    }
  }

  /** Appends the ids of the segment's symbols. */
  emit(ids: IdList): void {
    for (let symbol = 0; symbol < this.#length; ) {
      const next = this.#next[symbol] as number;
      this.#emitSymbol(this.#start + symbol, this.#start + next, this.#ids[symbol] as number, ids);
      symbol = next;
    }
  }

  /** Queues the pair of the symbol at `left` and the next one, if together they are a piece. */
  #queuePair(left: number): void {
    const { scoreBits, types } = this.#table;
    const right = this.#next[left] as number;
    const canMerge = right < this.#length && this.#ids[left] !== FROZEN && this.#ids[right] !== FROZEN;
    const merged = canMerge ? this.#findPair(left, right) : NONE;
    this.#pairs[left] = merged;
    this.#queue.set(left, merged === NONE ? IDLE : rankOfScore(scoreBits[merged] as number));
    if (merged !== NONE && types?.[merged] === TYPE.unused) this.#splits.set(merged, right - left);
  }

  /** The id of the text of the symbols at `left` and `right` together. */
  #findPair(left: number, right: number): number {
    const { index, bytePairs } = this.#table;
    const length = (this.#next[right] as number) - left;
    const start = this.#start + left;
    if (length === 2)
      return bytePairs[((this.#bytes[start] as number) << 8) | (this.#bytes[start + 1] as number)] as number;
    if (length > index.maxBytes) return NONE;
    const middle = this.#start + right;
    const pair = length > LONG_BYTES ? this.#longPair(left, right) : undefined;
    let id = pair === undefined ? undefined : this.#longPairs.get(pair);
    if (id === undefined) {
      const leftId = this.#ids[left] as number;
      const leftHash =
        leftId === NONE ? index.hash(index.seed, this.#bytes, start, middle) : (index.hashes[leftId] as number);
      id = index.find(index.hash(leftHash, this.#bytes, middle, start + length), this.#bytes, start, start + length);
      if (pair !== undefined) this.#longPairs.set(pair, id);
    }
    return id;
  }

  /** A number for a long pair. One of the two at most is a character that no merge made: its bytes, at most 4, stand for it. */
  #longPair(left: number, right: number): number {
    const leftId = this.#ids[left] as number; // ids are below 2^20
    const rightId = this.#ids[right] as number;
    if (leftId === NONE) return -1 - (rightId * 2 ** 32 + this.#character(left));
    if (rightId === NONE) return 2 ** 40 + leftId * 2 ** 32 + this.#character(right);
    return leftId * 2 ** 20 + rightId;
  }

  /** The bytes of the symbol as a number below 2^32. Different characters have different ones, as the first byte gives the length. */
  #character(symbol: number): number {
    const bytes = this.#bytes.subarray(this.#start + symbol, this.#start + (this.#next[symbol] as number));
    return bytes.reduce((number, byte) => number * 256 + byte, 0);
  }

  #emitSymbol(start: number, end: number, knownId: number, ids: IdList): void {
    const { index, types, byteIds, unkId } = this.#table;
    const id = knownId >= 0 ? knownId : index.findText(this.#bytes, start, end);
    const unused = id !== NONE && types?.[id] === TYPE.unused;
    if (id !== NONE && !unused) {
      ids.push(id);
      return;
    }
    const leftBytes = unused ? this.#splits.get(id) : undefined;
    if (leftBytes !== undefined) {
      const middle = start + leftBytes;
      this.#emitSymbol(start, middle, NONE, ids);
      this.#emitSymbol(middle, end, NONE, ids);
      return;
    }
    for (let offset = start; offset < end; offset++) {
      const byteId = byteIds[this.#bytes[offset] as number] as number;
      if (byteId !== unkId || ids.last() !== unkId) ids.push(byteId);
    }
  }

  /** Bytes of the longest user-defined piece at `offset` of the text, 0 if there is none. None has more than `most`. */
  #wholeBytes(offset: number, most: number): number {
    const { index, types } = this.#table;
    const last = Math.min(offset + most, this.#bytes.length);
    let longest = 0;
    let hash = index.seed;
    for (let end = offset + 1; end <= last; end++) {
      hash = index.hash(hash, this.#bytes, end - 1, end);
      if (index.find(hash, this.#bytes, offset, end, types, TYPE["user-defined"]) !== NONE) longest = end - offset;
    }
    return longest;
  }

  #grow(capacity: number): void {
    const grown = (array: Int32Array): Int32Array => {
      const larger = new Int32Array(capacity * 2);
      larger.set(array);
      return larger;
    };
    this.#next = grown(this.#next);
    this.#previous = grown(this.#previous);
    this.#ids = grown(this.#ids);
    this.#pairs = grown(this.#pairs);
  }
}
