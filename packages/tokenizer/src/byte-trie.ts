// A trie over byte strings in flat arrays: the one place where "is this a text of the vocabulary?" is answered.

/** Root of every trie: the empty string. */
export const ROOT = 0;

/** "No such node." */
export const NONE: number = -1;

export class ByteTrie {
  /** Nodes so far; a node is a number below it. */
  nNodes = 1;
  /** An open-addressing hash table of edges: even entries (node << 8 | byte), odd entries the child, 0 in a free slot. */
  readonly #slots: Int32Array; // (nSlots, 2)
  readonly #shift: number;
  /**
   * Odd and random: with a known multiplier, a vocabulary could be made whose edges all fall on one place of the table, and every
   * look-up would walk over all of them. What is looked up does not depend on it.
   */
  readonly #multiplier: number = (Math.random() * 2 ** 32) | 1;

  /** A trie with room for texts of `nBytes` bytes in all, below 2^24. */
  constructor(nBytes: number) {
    // at most half of the slots get used
    const bits = Math.max(4, Math.ceil(Math.log2(2 * nBytes + 1)));
    this.#slots = new Int32Array(2 ** bits * 2);
    this.#shift = 32 - bits;
  }

  /** Adds a text and returns its node. */
  insert(text: Uint8Array): number {
    let node = ROOT;
    for (const byte of text) {
      const slot = this.#slotOf((node << 8) | byte);
      if (this.#slots[slot + 1] === 0) {
        this.#slots[slot] = (node << 8) | byte;
        this.#slots[slot + 1] = this.nNodes++;
      }
      node = this.#slots[slot + 1] as number;
    }
    return node;
  }

  /** The node of `bytes[start, end)` appended to the text of `node`; `NONE` if no text of the trie begins so. */
  walk(node: number, bytes: Uint8Array, start: number, end: number): number {
    let here = node;
    for (let offset = start; offset < end; offset++) {
      const child = this.#slots[this.#slotOf((here << 8) | (bytes[offset] as number)) + 1] as number;
      if (child === 0) return NONE;
      here = child;
    }
    return here;
  }

  /** Where the edge is in the table, or the free slot where it belongs. */
  #slotOf(edge: number): number {
    const slots = this.#slots;
    const mixed = Math.imul(edge, this.#multiplier);
    // the second round makes up for a poor draw: with the multiplier 1 alone, all edges would share one slot
    let slot = (Math.imul(mixed ^ (mixed >>> 15), 0x9e3779b1) >>> this.#shift) * 2;
    while (slots[slot + 1] !== 0 && slots[slot] !== edge) {
      slot += 2;
      if (slot === slots.length) slot = 0;
    }
    return slot;
  }
}
