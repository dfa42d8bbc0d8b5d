// Finds the next pair to merge: of all positions, the left-most with the best rank. A tournament tree over blocks of positions:
// merges that follow one another are near one another, so that most steps stay inside one block and its few ancestors.

/** Rank of a position where no pair begins; worse than every rank. */
export const IDLE = 0x7fffffff;

const BLOCK = 16;

export class MergeQueue {
  #ranks: Int32Array = new Int32Array(BLOCK).fill(IDLE); // (capacity): rank at each position, capacity whole blocks
  #best: Int32Array = new Int32Array(2).fill(IDLE); // (2, blocks): [1] of all, [n] of [2n] and [2n + 1], the last half of blocks
  #nBlocks = 1; // blocks in use, a power of two
  #nIdle = BLOCK; // positions that have been made idle since there is room for them

  /**
   * Makes room for positions below `length`. All must be idle, as they are at first and when `first` has said so. False if there is more to do
   * than `most` positions: then it is to be called again before anything else.
   */
  resize(length: number, most: number = Number.POSITIVE_INFINITY): boolean {
    let nBlocks = 1;
    while (nBlocks * BLOCK < length) nBlocks *= 2;
    const nRanks = Math.ceil(length / BLOCK) * BLOCK; // blocks behind these are never looked into
    if (nRanks > this.#ranks.length || 2 * nBlocks > this.#best.length) {
      this.#ranks = new Int32Array(nRanks);
      this.#best = new Int32Array(nBlocks * 2);
      this.#nIdle = 0;
    }
    this.#nBlocks = nBlocks;
    // zeros, of which the system gives as many as are asked for at once, are no idle ranks
    const end = Math.min(this.#nIdle + most, this.#best.length * (BLOCK / 2));
    this.#ranks.fill(IDLE, this.#nIdle, end);
    this.#best.fill(IDLE, Math.floor(this.#nIdle / (BLOCK / 2)), Math.ceil(end / (BLOCK / 2)));
    this.#nIdle = end;
    return end === this.#best.length * (BLOCK / 2);
  }

  set(position: number, rank: number): void {
    const best = this.#best;
    const block = Math.floor(position / BLOCK);
    let node = this.#nBlocks + block;
    let winner = best[node] as number;
    const dethroned = this.#ranks[position] === winner;
    this.#ranks[position] = rank;
    if (rank <= winner) winner = rank;
    else if (dethroned) winner = this.#bestOfBlock(block);
    while (best[node] !== winner) {
      best[node] = winner;
      if (node === 1) break;
      const rival = best[node ^ 1] as number;
      if (rival < winner) winner = rival;
      node >>= 1;
    }
  }

  /** The best rank; `IDLE` if all are idle. */
  best(): number {
    return this.#best[1] as number;
  }

  /** The left-most position with the best rank; -1 if all are idle. */
  first(): number {
    const best = this.#best;
    const winner = best[1] as number;
    if (winner === IDLE) return -1;
    let node = 1;
    while (node < this.#nBlocks) {
      node *= 2;
      if (best[node] !== winner) node++;
    }
    let position = (node - this.#nBlocks) * BLOCK;
    while (this.#ranks[position] !== winner) position++;
    return position;
  }

  #bestOfBlock(block: number): number {
    const ranks = this.#ranks;
    let winner = IDLE;
    for (let position = block * BLOCK, end = position + BLOCK; position < end; position++) {
      const rank = ranks[position] as number;
      if (rank < winner) winner = rank;
    }
    return winner;
  }
}
