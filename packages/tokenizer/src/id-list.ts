// Ids in a typed array that grows.

export class IdList {
  #ids: Int32Array = new Int32Array(64); // (capacity), the first `length` in use
  length = 0;
  #last = -1;

  push(id: number): void {
    if (this.length === this.#ids.length) {
      const larger = new Int32Array(this.length * 2);
      larger.set(this.#ids);
      this.#ids = larger;
    }
    this.#ids[this.length++] = id;
    this.#last = id;
  }

  /** The id pushed last, also if it was taken; -1 if there is none. */
  last(): number {
    return this.#last;
  }

  /** A copy, (length); the list is empty then. */
  take(): Int32Array {
    const ids = this.#ids.slice(0, this.length);
    this.length = 0;
    return ids;
  }
}
