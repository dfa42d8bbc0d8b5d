// Sorting many positions by their keys in few passes over them. Equal keys end up in any order.

/** What sorting works with. */
export interface RadixWork {
  readonly ranks: Int32Array; // (capacity)
  readonly otherRanks: Int32Array; // (capacity)
  readonly otherPositions: Int32Array; // (capacity)
  readonly starts: Int32Array; // (3, 2 ** MAX_DIGIT_BITS): for each pass, where the next position with a digit goes
}

const MAX_DIGIT_BITS = 13; // the counters of more would not stay in the fastest cache
const FEW = 48; // up to so many are sorted by insertion

export function createRadixWork(capacity: number): RadixWork {
  return {
    ranks: new Int32Array(capacity),
    otherRanks: new Int32Array(capacity),
    otherPositions: new Int32Array(capacity),
    starts: new Int32Array(3 * 2 ** MAX_DIGIT_BITS),
  };
}

/** Sorts the first `n` of `positions`, so that `values` (without NaN) at them descend. */
export function sortPositions(values: Float32Array, positions: Int32Array, n: number, work: RadixWork): void {
  if (n <= FEW) {
    insertPositions(values, positions, n);
    return;
  }
  const { ranks, starts } = work;
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  // how far below the largest a value is, counted in numbers of binary32: what is to be sorted upwards by its digits
  let least = 2 ** 31 - 1;
  let largest = -(2 ** 31);
  for (let i = 0; i < n; i++) {
    const bit = bits[positions[i]!]!;
    const rank = bit ^ ((bit >> 31) & 0x7fffffff); // as integers in the order of the numbers, but -0 below 0
    ranks[i] = rank;
    least = Math.min(least, rank);
    largest = Math.max(largest, rank);
  }
  const nBits = 32 - Math.clz32(largest - least);
  if (nBits === 0) return;
  const nPasses = Math.ceil(nBits / MAX_DIGIT_BITS);
  const digitBits = Math.ceil(nBits / nPasses);
  const mask = 2 ** digitBits - 1;
  starts.fill(0, 0, nPasses << digitBits);
  for (let i = 0; i < n; i++) {
    const rank = largest - ranks[i]!;
    ranks[i] = rank;
    starts[rank & mask]!++;
  }

  let [from, to] = [ranks, work.otherRanks];
  let [fromPositions, toPositions] = [positions, work.otherPositions];
  for (let pass = 0; pass < nPasses; pass++) {
    const shift = pass * digitBits;
    const first = pass << digitBits;
    let start = 0;
    for (let i = first; i <= first + mask; i++) {
      const count = starts[i]!;
      starts[i] = start;
      start += count;
    }
    const isLast = pass === nPasses - 1;
    const next = first + mask + 1;
    for (let i = 0; i < n; i++) {
      const rank = from[i]!;
      const at = starts[first + ((rank >>> shift) & mask)]!++;
      to[at] = rank;
      toPositions[at] = fromPositions[i]!;
      if (!isLast) starts[next + ((rank >>> (shift + digitBits)) & mask)]!++;
    }
    [from, to] = [to, from];
    [fromPositions, toPositions] = [toPositions, fromPositions];
  }
  if (fromPositions !== positions) positions.set(fromPositions.subarray(0, n));
}

function insertPositions(values: Float32Array, positions: Int32Array, n: number): void {
  for (let i = 1; i < n; i++) {
    const position = positions[i]!;
    const value = values[position]!;
    let hole = i;
    for (; hole > 0 && value > values[positions[hole - 1]!]!; hole--) positions[hole] = positions[hole - 1]!;
    positions[hole] = position;
  }
}
