// Ids in a typed array that grows.

export class IdList {
  #ids: Int32Array = new Int32Array(64); // (capacity), the first `length` in use
  length = 0;

  push(id: number): void {
    if (this.length === this.#ids.length) {
      const larger = new Int32Array(this.length * 2);
      larger.set(this.#ids);
      this.#ids = larger;
    }
    this.#ids[this.length++] = id;
  }

  /** The id pushed last; -1 if there is none. */
  last(): number {
    return this.length === 0 ? -1 : (this.#ids[this.length - 1] as number);
  }

  /** A copy, (length). */
  toArray(): Int32Array {
    return this.#ids.slice(0, this.length);
  }
}
