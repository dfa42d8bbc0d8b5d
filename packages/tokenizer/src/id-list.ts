// A list of ids that grows without being copied: a page of memory that was never used before costs as much as many ids.

/** Ids of a full block. */
const BLOCK_IDS = 64 * 1024;

export class IdList {
  readonly #full: Int32Array[] = []; // (BLOCK_IDS) each
  #ids: Int32Array = new Int32Array(64); // the block in use: (capacity), which grows up to BLOCK_IDS
  #nIds = 0; // of it in use
  #last = -1;

  get length(): number {
    return this.#full.length * BLOCK_IDS + this.#nIds;
  }

  push(id: number): void {
    if (this.#nIds === this.#ids.length) this.#grow();
    this.#ids[this.#nIds++] = id;
    this.#last = id;
  }

  /** The id pushed last, also if it was taken; -1 if there is none. */
  last(): number {
    return this.#last;
  }

  /** A copy, (length); the list is empty then. */
  take(): Int32Array {
    const ids = new Int32Array(this.length);
    for (const [i, block] of this.#full.entries()) ids.set(block, i * BLOCK_IDS);
    ids.set(this.#ids.subarray(0, this.#nIds), this.#full.length * BLOCK_IDS);
    this.#full.length = 0;
    this.#nIds = 0;
    return ids;
  }

  #grow(): void {
    if (this.#nIds === BLOCK_IDS) {
      this.#full.push(this.#ids);
      this.#ids = new Int32Array(BLOCK_IDS);
      this.#nIds = 0;
      return;
    }
    const larger = new Int32Array(2 * this.#nIds);
    larger.set(this.#ids);
    this.#ids = larger;
  }
}
