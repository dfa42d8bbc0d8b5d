// Byte-pair encoding of bytes, as llama.cpp build 803 and SentencePiece do it: the text is split into symbols, then the adjacent
// pair whose joined text has the best score is merged, left-most first among equals, until no pair makes a text of the vocabulary.
//
// A symbol is known by the offset of its first byte in its segment. Segments are stretches of text that no merge can leave, so
// that each can be merged alone: the order of merges in one does not depend on the others.

import { NONE, ROOT } from "./byte-trie.ts";
import { TextTooLongError } from "./errors.ts";
import type { IdList } from "./id-list.ts";
import { MAX_TEXT_BYTES } from "./limits.ts";
import { IDLE, MergeQueue } from "./merge-queue.ts";
import type { PieceTable } from "./piece-table.ts";

/** Bytes of a symbol by the upper half of its first byte. Stray continuation bytes (8 to B) are symbols of their own. */
const SYMBOL_BYTES: Uint8Array = /* @__PURE__ */ Uint8Array.of(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4); // (16)

/** Node of a symbol that must not be merged. */
const FROZEN = -2;

/** A symbol longer than this is walked over only once in every pair. Few of LLaMA's are. */
const LONG_BYTES = 16;

/**
 * Appends the ids of `bytes` to `ids`. Takes O(n log n) steps for n bytes, and at most one per byte of the vocabulary's texts more;
 * "whole" pieces add as many per byte as the longest of them has.
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
   * Length of the left one of the two parts that an unused piece is made from, by node. They are always the same two: the merges
   * inside a piece do not depend on what is around it.
   */
  readonly #splits: Map<number, number> = new Map();
  /** Results of `#walkPair` with a long right symbol, by both nodes: without them, long texts cost a step per byte again and again. */
  readonly #longPairs: Map<number, number> = new Map();
  #start = 0; // offset of the segment in the text
  #length = 0; // bytes of the segment
  // one entry per byte of the segment; only those of first bytes of symbols mean something
  #next: Int32Array = new Int32Array(64); // (capacity): offset of the symbol after
  #previous: Int32Array = new Int32Array(64); // (capacity): offset of the symbol before; nothing at offset 0
  #nodes: Int32Array = new Int32Array(64); // (capacity): trie node of the symbol's text, NONE or FROZEN
  #pairs: Int32Array = new Int32Array(64); // (capacity): trie node of the text of this symbol and the next, NONE if it is no piece

  constructor(table: PieceTable, bytes: Uint8Array) {
    this.#table = table;
    this.#bytes = bytes;
  }

  /** Splits the segment that begins at `start` into symbols and queues its pairs. Returns where the next one begins. */
  takeSegment(start: number): number {
    const bytes = this.#bytes;
    const { trie, joins, uses } = this.#table;
    this.#start = start;
    let previous = NONE;
    let offset = start;
    do {
      const symbol = offset - start;
      const whole = uses === undefined ? 0 : this.#wholeBytes(offset);
      const size = whole > 0 ? whole : (SYMBOL_BYTES[(bytes[offset] as number) >> 4] as number);
      const end = Math.min(offset + size, bytes.length);
      if (symbol >= this.#next.length) this.#grow(symbol);
      this.#nodes[symbol] = whole > 0 ? FROZEN : trie.walk(ROOT, bytes, offset, end);
      this.#next[symbol] = end - start;
      this.#previous[symbol] = previous;
      previous = symbol;
      offset = end;
    } while (offset < bytes.length && joins[((bytes[offset - 1] as number) << 8) | (bytes[offset] as number)] === 1);
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
      this.#nodes[left] = this.#pairs[left] as number;
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
      this.#emitSymbol(this.#start + symbol, this.#start + next, this.#nodes[symbol] as number, ids);
      symbol = next;
    }
  }

  /** Queues the pair of the symbol at `left` and the next one, if together they are a piece. */
  #queuePair(left: number): void {
    const { ids, ranks, uses } = this.#table;
    const right = this.#next[left] as number;
    const leftNode = this.#nodes[left] as number;
    let merged: number = NONE;
    if (right < this.#length && leftNode >= 0 && this.#nodes[right] !== FROZEN) {
      merged = this.#walkPair(leftNode, right);
      if (merged !== NONE && ids[merged] === -1) merged = NONE;
    }
    this.#pairs[left] = merged;
    this.#queue.set(left, merged === NONE ? IDLE : (ranks[merged] as number));
    if (merged !== NONE && uses?.[merged] === "unused") this.#splits.set(merged, right - left);
  }

  /** The node of the text of `leftNode` and of the symbol at `right` together. */
  #walkPair(leftNode: number, right: number): number {
    const { trie } = this.#table;
    const next = this.#next[right] as number;
    const start = this.#start + right;
    if (next - right <= LONG_BYTES) return trie.walk(leftNode, this.#bytes, start, this.#start + next);
    const pair = leftNode * 2 ** 24 + (this.#nodes[right] as number); // nodes are below 2^24
    let joined = this.#longPairs.get(pair);
    if (joined === undefined) {
      joined = trie.walk(leftNode, this.#bytes, start, this.#start + next);
      this.#longPairs.set(pair, joined);
    }
    return joined;
  }

  #emitSymbol(start: number, end: number, node: number, ids: IdList): void {
    const { trie, uses, byteIds, unkId } = this.#table;
    const known = node === FROZEN ? trie.walk(ROOT, this.#bytes, start, end) : node;
    const id = known === NONE ? -1 : (this.#table.ids[known] as number);
    const unused = known !== NONE && uses?.[known] === "unused";
    if (id !== -1 && !unused) {
      ids.push(id);
      return;
    }
    const leftBytes = unused ? this.#splits.get(known) : undefined;
    if (leftBytes !== undefined) {
      const middle = start + leftBytes;
      this.#emitSymbol(start, middle, trie.walk(ROOT, this.#bytes, start, middle), ids);
      this.#emitSymbol(middle, end, trie.walk(ROOT, this.#bytes, middle, end), ids);
      return;
    }
    for (let offset = start; offset < end; offset++) {
      const byteId = byteIds[this.#bytes[offset] as number] as number;
      if (byteId !== unkId || ids.last() !== unkId) ids.push(byteId);
    }
  }

  /** Bytes of the longest "whole" piece at `offset` of the text, 0 if there is none. */
  #wholeBytes(offset: number): number {
    const { trie, uses } = this.#table;
    let longest = 0;
    let node = ROOT;
    for (let end = offset; end < this.#bytes.length; ) {
      node = trie.walk(node, this.#bytes, end, ++end);
      if (node === NONE) break;
      if (uses?.[node] === "whole") longest = end - offset;
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
    this.#nodes = grown(this.#nodes);
    this.#pairs = grown(this.#pairs);
  }
}
