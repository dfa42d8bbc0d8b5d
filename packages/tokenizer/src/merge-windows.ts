// Merges a long stretch of text window by window, so that what is worked on stays in the caches of the processor however long the
// stretch is. The result is that of merging it in one go:
//
// Two neighbours among the symbols of a text are also what the text of just these two is merged to, for as long as no merge crosses from
// one symbol to the other, what happens on either side does not depend on the rest. So if a left text ends with symbol a and a right one
// begins with symbol b, and "ab" alone is merged to a and b, no merge crosses where they meet. Each window begins with the last symbols
// of what was merged before. If the first of these comes out again, it is known to stand right behind the one in front of it.

/** Bytes that each window adds. */
export const WINDOW_BYTES = 1024;

/** Symbols that are merged again with the next window, at first; more where the first of them comes out differently. */
const AGAIN = 8;

/** Bytes of windows between two pauses. They take some 20 ms. */
const SLICE_BYTES = 128 * 1024;

/** Symbols of a text, in order. */
export class SymbolList {
  #symbols: Int32Array = new Int32Array(64); // (capacity)
  #starts: Int32Array = new Int32Array(65); // (capacity + 1): where each begins; of the next one, where the last ends
  length = 0;

  /** Makes the list empty; what comes begins at `start`. */
  clear(start: number): void {
    this.length = 0;
    this.#starts[0] = start;
  }

  push(symbol: number, end: number): void {
    if (this.length === this.#symbols.length) {
      const [symbols, starts] = [this.#symbols, this.#starts];
      this.#symbols = new Int32Array(2 * symbols.length);
      this.#symbols.set(symbols);
      this.#starts = new Int32Array(2 * symbols.length + 1);
      this.#starts.set(starts);
    }
    this.#symbols[this.length++] = symbol;
    this.#starts[this.length] = end;
  }

  symbolAt(i: number): number {
    return this.#symbols[i] as number;
  }

  /** Where symbol i begins; for i = length, where the last one ends. */
  startOf(i: number): number {
    return this.#starts[i] as number;
  }
}

/**
 * Appends what the text from `start` to about `end` alone is merged to: windows end where a character does. True if that is where the
 * whole text ends. May pause.
 */
export type MergeAlone = (start: number, end: number, out: SymbolList) => Generator<void, boolean, void>;

/** Merges the text that begins at `start`. */
export function* mergeInWindows(
  start: number,
  mergeAlone: MergeAlone,
  windowBytes: number = WINDOW_BYTES,
): Generator<void, SymbolList, void> {
  const all = new SymbolList();
  const window = new SymbolList();
  all.clear(start);
  let nAgain = AGAIN;
  let left = SLICE_BYTES;
  for (let at = start; ; ) {
    const nKept = Math.max(0, all.length - nAgain);
    const from = all.startOf(nKept);
    // as much as is merged again, at least: then all windows together take time in proportion to the text
    window.clear(from);
    const isEnd = yield* mergeAlone(from, at + Math.max(windowBytes, at - from), window);
    const to = window.startOf(window.length);
    left -= to - from;
    if (left <= 0) {
      yield;
      left = SLICE_BYTES;
    }
    if (nKept > 0 && window.startOf(1) !== all.startOf(nKept + 1)) {
      nAgain *= 2;
      continue;
    }
    all.length = nKept;
    for (let i = 0; i < window.length; i++) all.push(window.symbolAt(i), window.startOf(i + 1));
    if (isEnd) return all;
    at = to;
  }
}
