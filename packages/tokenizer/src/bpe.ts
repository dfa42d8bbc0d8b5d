// Byte-pair encoding of bytes, as llama.cpp build 803 and SentencePiece do it: the text is split into symbols, then the adjacent
// pair whose joined text has the best score is merged, left-most first among equals, until no pair makes a text of the vocabulary.
//
// A symbol is known by the offset of its first byte in its segment. Segments are stretches of text that no merge can leave, so
// that each can be merged alone: the order of merges in one does not depend on the others.

import { TextTooLongError } from "./errors.ts";
import type { IdList } from "./id-list.ts";
import { MAX_TEXT_BYTES } from "./limits.ts";
import { IDLE, MergeQueue } from "./merge-queue.ts";
import { type MergeAlone, mergeInWindows, WINDOW_BYTES } from "./merge-windows.ts";
import { NO_JOIN, type PieceTable, rankOfScore } from "./piece-table.ts";
import { TYPE } from "./pieces.ts";
import { NONE } from "./text-index.ts";

/** Bytes of a symbol by the upper half of its first byte. Stray continuation bytes (8 to B) are symbols of their own. */
const SYMBOL_BYTES: Uint8Array = /* @__PURE__ */ Uint8Array.of(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4); // (16)

/** In place of the id of a symbol that must not be merged. */
const FROZEN = -2;

/** A pair longer than this is compared only once with the vocabulary. None of LLaMA's is. */
const LONG_BYTES = 64;

/** Steps between two pauses: bytes looked at and pairs merged. They take some 20 ms. */
const SLICE_STEPS = 256 * 1024;

/** Entries of each array that are copied or filled between two pauses. */
const COPIED = 1024 * 1024;

/**
 * Appends the ids of `bytes` to `ids`, and pauses every `SLICE_STEPS` steps. Takes O(n) steps for n bytes where windows do not grow, and
 * for each different pair of more than `LONG_BYTES` as many as it has; user-defined pieces add as many per byte as the longest of them has.
 * @param windowBytes see `mergeInWindows`
 * @throws TextTooLongError
 */
export function* encodeSteps(
  table: PieceTable,
  bytes: Uint8Array,
  ids: IdList,
  windowBytes: number = WINDOW_BYTES,
): Generator<void, void, void> {
  if (bytes.length > MAX_TEXT_BYTES) throw new TextTooLongError(MAX_TEXT_BYTES, bytes.length);
  const merger = new Merger(table, bytes);
  while (merger.begin()) {
    // most segments are words, which all of this takes in one go
    while (!merger.take(windowBytes)) yield merger.pause();
    if (!merger.isWhole) {
      yield* merger.windows(windowBytes, ids);
      continue;
    }
    while (!merger.queuePairs()) yield merger.pause();
    while (!merger.merge()) yield merger.pause();
    while (!merger.emit(ids)) yield merger.pause();
  }
}

/** The two parts that an unused piece is made from. */
interface Split {
  readonly leftBytes: number;
  readonly leftId: number; // of a symbol: NONE if no merge made it
  readonly rightId: number;
}

class Merger {
  readonly #table: PieceTable;
  readonly #bytes: Uint8Array;
  readonly #queue: MergeQueue = new MergeQueue();
  /** By the id of the unused piece. The parts are always the same: the merges inside a piece do not depend on what is around it. */
  readonly #splits: Map<number, Split> = new Map();
  /** Results of `#findPair` for long pairs, by both symbols: without them, long texts cost a step per byte again and again. */
  readonly #longPairs: Map<number, number> = new Map();
  /** Whether what was taken is all of the segment. */
  isWhole = false;
  #steps = SLICE_STEPS; // left until the next pause
  #start = 0; // offset of the segment in the text
  #length = 0; // bytes of the segment, so far while it is taken
  #symbol = 0; // where the walk through the symbols goes on
  #last: number = NONE; // the symbol taken last
  // one entry per byte of the segment; only those of first bytes of symbols mean something
  #next: Int32Array = new Int32Array(64); // (capacity): offset of the symbol after
  #previous: Int32Array = new Int32Array(64); // (capacity): offset of the symbol before; nothing at offset 0
  #ids: Int32Array = new Int32Array(64); // (capacity): id of a symbol that was made by a merge, otherwise NONE or FROZEN
  #pairs: Int32Array = new Int32Array(64); // (capacity): id of the text of this symbol and the next, NONE if it is no piece

  /** The same four with more room, while these are copied. */
  #larger: [Int32Array, Int32Array, Int32Array, Int32Array] | undefined;
  #nCopied = 0; // entries of each

  constructor(table: PieceTable, bytes: Uint8Array) {
    this.#table = table;
    this.#bytes = bytes;
  }

  /** What a pause is for; then all four steps of a segment, which return false where they want one, go on. */
  pause(): void {
    this.#steps = SLICE_STEPS;
  }

  /** Goes to the next segment; false at the end of the text. */
  begin(): boolean {
    this.#start += this.#length;
    this.#length = 0;
    this.#symbol = 0;
    this.#last = NONE;
    return this.#start < this.#bytes.length;
  }

  /** Splits the segment into symbols, up to the first one that ends `most` bytes behind its start or later: see `isWhole`. */
  take(most: number): boolean {
    const bytes = this.#bytes;
    const { bytePairs, wholeBytes } = this.#table;
    const start = this.#start;
    let previous = this.#last;
    let offset = start + this.#length;
    let isWhole = false;
    let steps = this.#steps;
    while (steps > 0 && !isWhole && offset - start < most) {
      const symbol = offset - start;
      const longest = wholeBytes[bytes[offset] as number] as number;
      const whole = longest === 0 ? 0 : this.#wholeBytes(offset, longest);
      const size = whole > 0 ? whole : (SYMBOL_BYTES[(bytes[offset] as number) >> 4] as number);
      const end = Math.min(offset + size, bytes.length);
      if (symbol >= this.#next.length && !this.#grow()) {
        steps = 0;
        break;
      }
      this.#ids[symbol] = whole > 0 ? FROZEN : NONE;
      this.#next[symbol] = end - start;
      this.#previous[symbol] = previous;
      previous = symbol;
      offset = end;
      steps -= size + longest;
      isWhole =
        offset >= bytes.length ||
        bytePairs[((bytes[offset - 1] as number) << 8) | (bytes[offset] as number)] === NO_JOIN;
    }
    this.#steps = steps;
    this.#last = previous;
    this.#length = offset - start;
    this.isWhole = isWhole;
    return isWhole || this.#length >= most;
  }

  /** Takes, merges and emits a long segment: `take` has begun with it, but not come to its end. */
  *windows(windowBytes: number, ids: IdList): Generator<void, void, void> {
    const merger = this;
    const mergeAlone: MergeAlone = function* (from, to, out) {
      merger.#start = from;
      merger.#length = 0;
      merger.begin();
      while (!merger.take(to - from)) yield merger.pause();
      const { isWhole } = merger;
      while (!merger.queuePairs()) yield merger.pause();
      while (!merger.merge()) yield merger.pause();
      for (let symbol = 0; symbol < merger.#length; ) {
        const next = merger.#next[symbol] as number;
        out.push(merger.#ids[symbol] as number, from + next);
        symbol = next;
      }
      return isWhole;
    };
    const all = yield* mergeInWindows(this.#start, mergeAlone, windowBytes);
    for (let i = 0; i < all.length; i++) {
      this.#emitSymbol(all.startOf(i), all.startOf(i + 1), all.symbolAt(i), ids);
      if (this.#steps <= 0) yield this.pause();
    }
    this.#start = all.startOf(all.length);
    this.#length = 0;
  }

  queuePairs(): boolean {
    if (this.#symbol === 0 && !this.#queue.resize(this.#length, COPIED)) return false;
    for (; this.#symbol < this.#length; this.#symbol = this.#next[this.#symbol] as number) {
      if (this.#steps <= 0) return false;
      this.#queuePair(this.#symbol);
    }
    this.#symbol = 0; // for emit
    return true;
  }

  merge(): boolean {
    const queue = this.#queue;
    for (let left = queue.first(); left !== NONE; left = queue.first()) {
      if (this.#steps <= 0) return false;
      const right = this.#next[left] as number;
      const after = this.#next[right] as number;
      this.#ids[left] = this.#pairs[left] as number;
      this.#next[left] = after;
      if (after < this.#length) this.#previous[after] = left;
      queue.set(right, IDLE);
      this.#queuePair(left);
      if (left > 0) this.#queuePair(this.#previous[left] as number);
    }
    return true;
  }

  /** Appends the ids of the segment's symbols. */
  emit(ids: IdList): boolean {
    while (this.#symbol < this.#length) {
      if (this.#steps <= 0) return false;
      const next = this.#next[this.#symbol] as number;
      this.#emitSymbol(this.#start + this.#symbol, this.#start + next, this.#ids[this.#symbol] as number, ids);
      this.#symbol = next;
    }
    return true;
  }

  /** Queues the pair of the symbol at `left` and the next one, if together they are a piece. */
  #queuePair(left: number): void {
    const { scoreBits, types } = this.#table;
    const right = this.#next[left] as number;
    const canMerge = right < this.#length && this.#ids[left] !== FROZEN && this.#ids[right] !== FROZEN;
    const merged = canMerge ? this.#findPair(left, right) : NONE;
    this.#pairs[left] = merged;
    this.#queue.set(left, merged === NONE ? IDLE : rankOfScore(scoreBits[merged] as number));
    this.#steps--;
    if (merged === NONE || types?.[merged] !== TYPE.unused || this.#splits.has(merged)) return;
    const [leftId, rightId] = [this.#ids[left] as number, this.#ids[right] as number];
    this.#splits.set(merged, { leftBytes: right - left, leftId, rightId });
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
      this.#steps -= length;
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

  /** Appends the ids of one symbol: its own, or those of the parts of an unused piece, which may be unused pieces again. */
  #emitSymbol(start: number, end: number, knownId: number, ids: IdList): void {
    const { index, types } = this.#table;
    const parts = [{ start, end, knownId }]; // still to come, the next one last
    for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
      this.#steps--;
      const id = part.knownId >= 0 ? part.knownId : index.findText(this.#bytes, part.start, part.end);
      const split = id !== NONE && types?.[id] === TYPE.unused ? this.#splits.get(id) : undefined;
      if (split === undefined) {
        this.#emitPart(part.start, part.end, id, ids);
        continue;
      }
      const middle = part.start + split.leftBytes;
      parts.push({ start: middle, end: part.end, knownId: split.rightId });
      parts.push({ start: part.start, end: middle, knownId: split.leftId });
    }
  }

  /** One id, or where there is none that can be used, one for each byte. */
  #emitPart(start: number, end: number, id: number, ids: IdList): void {
    const { types, byteIds, unkId } = this.#table;
    if (id !== NONE && types?.[id] !== TYPE.unused) {
      ids.push(id);
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

  /** Twice the room, but no more than the text can need. False if there is more to copy: then it is to be called again. */
  #grow(): boolean {
    const arrays = [this.#next, this.#previous, this.#ids, this.#pairs] as const;
    const capacity = Math.min(this.#next.length * 2, this.#bytes.length - this.#start);
    this.#larger ??= [
      new Int32Array(capacity),
      new Int32Array(capacity),
      new Int32Array(capacity),
      new Int32Array(capacity),
    ];
    const end = Math.min(this.#next.length, this.#nCopied + COPIED);
    for (const [i, array] of arrays.entries()) this.#larger[i]?.set(array.subarray(this.#nCopied, end), this.#nCopied);
    this.#nCopied = end;
    if (end < this.#next.length) return false;
    [this.#next, this.#previous, this.#ids, this.#pairs] = this.#larger;
    this.#larger = undefined;
    this.#nCopied = 0;
    return true;
  }
}
