// A hash table from bytes to ids: the one place where "is this a text of the vocabulary?" is answered.

import type { Budget } from "@ll/bytes";
import type { Texts } from "./texts.ts";

/** "No such text." */
export const NONE: number = -1;

/** Bits that hold an id + 1. */
const ID_BITS = 20; // of at most MAX_PIECES
const IDS = 2 ** ID_BITS - 1;

export class TextIndex {
  /** Hash of the empty text. Random, as is the multiplier: no vocabulary can be made whose texts all fall on one slot. */
  readonly seed: number = Math.trunc(Math.random() * 2 ** 32) | 0;
  /** Hash of each text that was added, by id: that of a longer text follows from it. */
  readonly hashes: Int32Array; // (nTexts)
  /** Bytes of memory. */
  readonly byteLength: number;
  /** Bytes of the longest text that was added. */
  maxBytes = 0;
  readonly #multiplier: number = (Math.random() * 2 ** 32) | 1;
  readonly #texts: Texts;
  /** (a power of two): id + 1 and, above it, bits of the hash, 0 in a free slot; at most three quarters of them get used. */
  readonly #slots: Int32Array;
  readonly #shift: number;

  constructor(texts: Texts, budget?: Budget) {
    const nTexts = texts.starts.length - 1;
    const bits = Math.max(4, Math.ceil(Math.log2((4 / 3) * nTexts)));
    this.byteLength = 4 * (nTexts + 2 ** bits);
    budget?.takeBytes(this.byteLength, "pieces");
    this.#texts = texts;
    this.hashes = new Int32Array(nTexts);
    this.#slots = new Int32Array(2 ** bits);
    this.#shift = 32 - bits;
  }

  /** Adds the text of an id, which takes the place of one with the same text. Returns that one, `NONE` if there was none. */
  add(id: number): number {
    const { bytes, starts } = this.#texts;
    const start = starts[id] as number;
    const end = starts[id + 1] as number;
    const hash = this.hash(this.seed, bytes, start, end);
    const slot = this.#slotOf(hash, bytes, start, end);
    const earlier = ((this.#slots[slot] as number) & IDS) - 1;
    this.hashes[id] = hash;
    this.#slots[slot] = (id + 1) | (hash << ID_BITS);
    this.maxBytes = Math.max(this.maxBytes, end - start);
    return earlier;
  }

  /** The bytes of a text; a view. */
  textOf(id: number): Uint8Array {
    return this.#texts.bytes.subarray(this.#texts.starts[id], this.#texts.starts[id + 1]);
  }

  /** The hash of `bytes[start, end)` behind a text with the hash `from`. */
  hash(from: number, bytes: Uint8Array, start: number, end: number): number {
    const multiplier = this.#multiplier;
    let hash = from;
    for (let offset = start; offset < end; offset++) {
      hash = Math.imul(hash ^ (bytes[offset] as number), multiplier);
      hash ^= hash >>> 15;
    }
    return hash;
  }

  /** The hash of a text that is longer by a byte than one with the hash `from`. */
  hashByte(from: number, byte: number): number {
    const hash = Math.imul(from ^ byte, this.#multiplier);
    return hash ^ (hash >>> 15);
  }

  /**
   * The id of the text `bytes[start, end)`, whose hash is `hash`; `NONE` if there is no such text, or if `types` has not `type` for it:
   * then the text itself is not compared.
   */
  find(hash: number, bytes: Uint8Array, start: number, end: number, types?: Uint8Array, type?: number): number {
    return ((this.#slots[this.#slotOf(hash, bytes, start, end, types, type)] as number) & IDS) - 1;
  }

  /** As `find` with the hash of `bytes[start, end)`. */
  findText(bytes: Uint8Array, start: number, end: number): number {
    return this.find(this.hash(this.seed, bytes, start, end), bytes, start, end);
  }

  /** Where the text is in the table, or the free slot where it belongs. */
  #slotOf(hash: number, bytes: Uint8Array, start: number, end: number, types?: Uint8Array, type?: number): number {
    const slots = this.#slots;
    // the second round makes up for a poor draw of the multiplier
    let slot = Math.imul(hash, 0x9e3779b1) >>> this.#shift;
    for (;;) {
      const known = slots[slot] as number;
      if (known === 0) return slot;
      if (((known ^ (hash << ID_BITS)) & ~IDS) === 0) {
        const id = (known & IDS) - 1;
        const isOfType = types === undefined || types[id] === type;
        if (isOfType && this.isText(id, bytes, start, end)) return slot;
      }
      slot = (slot + 1) & (slots.length - 1);
    }
  }

  /** Whether this is the text of the id; false for no id. */
  isText(id: number, bytes: Uint8Array, start: number, end: number): boolean {
    const texts = this.#texts.bytes;
    const first = this.#texts.starts[id] as number;
    if (this.#texts.starts[id + 1] !== first + end - start) return false;
    for (let offset = start, own = first; offset < end; offset++, own++) {
      if (texts[own] !== bytes[offset]) return false;
    }
    return true;
  }
}
