// Sorting many positions by their keys in few passes over them. Equal keys end up in any order.

/** What sorting works with. */
export interface RadixWork {
  readonly keys: Float32Array; // (capacity)
  readonly bits: Int32Array; // (capacity): the same memory
  readonly otherBits: Int32Array; // (capacity)
  readonly otherPositions: Int32Array; // (capacity)
  readonly starts: Int32Array; // (2 ** MAX_DIGIT_BITS): where the next position with a digit goes
}

const MAX_DIGIT_BITS = 13; // the counters of more would not stay in the fastest cache
const FEW = 48; // up to so many are sorted by insertion

export function createRadixWork(capacity: number): RadixWork {
  const keys = new Float32Array(capacity);
  return {
    keys,
    bits: new Int32Array(keys.buffer),
    otherBits: new Int32Array(capacity),
    otherPositions: new Int32Array(capacity),
    starts: new Int32Array(2 ** MAX_DIGIT_BITS),
  };
}

/** Sorts the first `n` of `positions`, so that `values` (without NaN) at them descend. */
export function sortPositions(values: Float32Array, positions: Int32Array, n: number, work: RadixWork): void {
  if (n <= FEW) {
    insertPositions(values, positions, n);
    return;
  }
  const { keys, bits, starts } = work;
  // how far below the largest a key is, counted in numbers of binary32: what is to be sorted upwards by its digits
  for (let i = 0; i < n; i++) keys[i] = values[positions[i]!]! + 0; // -0 becomes 0
  let least = 2 ** 31 - 1;
  let largest = -(2 ** 31);
  for (let i = 0; i < n; i++) {
    const bit = bits[i]!;
    const rank = bit ^ ((bit >> 31) & 0x7fffffff); // as integers in the order of the numbers
    bits[i] = rank;
    if (rank < least) least = rank;
    if (rank > largest) largest = rank;
  }
  for (let i = 0; i < n; i++) bits[i] = largest - bits[i]!;

  let [from, to] = [bits, work.otherBits];
  let [fromPositions, toPositions] = [positions, work.otherPositions];
  const nBits = 32 - Math.clz32(largest - least);
  const nPasses = Math.ceil(nBits / MAX_DIGIT_BITS);
  const digitBits = Math.ceil(nBits / nPasses); // NaN without passes
  const mask = 2 ** digitBits - 1;
  for (let pass = 0; pass < nPasses; pass++) {
    const shift = pass * digitBits;
    starts.fill(0);
    for (let i = 0; i < n; i++) starts[(from[i]! >>> shift) & mask]!++;
    let start = 0;
    for (let digit = 0; digit <= mask; digit++) {
      const count = starts[digit]!;
      starts[digit] = start;
      start += count;
    }
    for (let i = 0; i < n; i++) {
      const rank = from[i]!;
      const at = starts[(rank >>> shift) & mask]!++;
      to[at] = rank;
      toPositions[at] = fromPositions[i]!;
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
