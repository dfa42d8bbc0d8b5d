// Sums in binary32 in the order given, or in descending order of keys that are not sorted: mostly without minding the order.

const floatView: Float32Array = /* @__PURE__ */ new Float32Array(1);
const bitsView: Int32Array = /* @__PURE__ */ new Int32Array(floatView.buffer);

const ROUND_TO_INTEGER = 6755399441055744; // 1.5 · 2^52: adding and subtracting it rounds a double to an integer, ties to even
const LEAST = 2 ** -60; // sums from here on have a spacing that is no subnormal number
const FEW = 24; // so many are sorted, or looked at one by one
const BLOCK = 128; // terms that are added together while their order does not matter

/** Distance from `x` ≥ LEAST to the next larger binary32. */
function spacing(x: number): number {
  floatView[0] = x;
  bitsView[0] = (bitsView[0]! & 0x7f800000) - (23 << 23);
  return floatView[0]!;
}

/** Terms below this leave a sum as it is. */
export function leastAddend(sum: number): number {
  return sum >= LEAST ? spacing(sum) / 2 : 0;
}

/** fl32(… fl32(fl32(start + t) + t′) …) over terms[first … end), t ≥ 0, in their order. */
export function addInOrder(start: number, terms: Float32Array, first: number, end: number): number {
  let sum = start;
  for (let i = first; i < end; i += BLOCK) {
    const blockEnd = Math.min(i + BLOCK, end);
    const inAnyOrder = addInAnyOrder(sum, terms, i, blockEnd);
    if (inAnyOrder < Number.POSITIVE_INFINITY) sum = inAnyOrder;
    else for (let j = i; j < blockEnd; j++) sum = Math.fround(sum + terms[j]!);
  }
  return sum;
}

/** The same, 0 ≤ t ≤ 2^60, in descending order of their keys; equal keys have equal terms. Keys and terms may be moved. */
export function addDescending(
  start: number,
  keys: Float32Array,
  terms: Float32Array,
  first: number,
  end: number,
): number {
  if (end - first <= FEW) return addSorted(start, keys, terms, first, end);
  const inAnyOrder = addInAnyOrder(start, terms, first, end);
  if (inAnyOrder < Number.POSITIVE_INFINITY) return inAnyOrder;
  if (Number.isNaN(inAnyOrder)) {
    const withMiddles = addWithMiddles(start, keys, terms, first, end);
    if (withMiddles < Number.POSITIVE_INFINITY) return withMiddles;
  }
  const middle = splitByKey(keys, terms, first, end);
  if (middle === end) {
    let sum = start;
    for (let i = first; i < end; i++) sum = Math.fround(sum + terms[i]!); // all are equal
    return sum;
  }
  return addDescending(addDescending(start, keys, terms, first, middle), keys, terms, middle, end);
}

/**
 * The sum if it is the same in every order. While it stays between two powers of two, a term adds its own multiple of the spacing
 * there, whatever was added before, unless it lies in the middle between two multiples: NaN. Infinity if it does not stay there.
 */
function addInAnyOrder(start: number, terms: Float32Array, first: number, end: number): number {
  if (!(start >= LEAST)) return Number.NaN;
  const unit = spacing(start);
  const shift = ROUND_TO_INTEGER * unit; // not in units: engines are slow with numbers that turn out to be whole
  let sum = start;
  let largestError = 0;
  for (let i = first; i < end; i++) {
    const term = terms[i]!;
    const rounded = term + shift - shift;
    largestError = Math.max(largestError, Math.abs(term - rounded));
    sum += rounded;
  }
  if (sum >= 2 ** 24 * unit) return Number.POSITIVE_INFINITY;
  return largestError < unit / 2 ? sum : Number.NaN;
}

/** The sum if few terms lie in the middle: each adds what makes the sum of all larger ones and itself even. Infinity if many do. */
function addWithMiddles(start: number, keys: Float32Array, terms: Float32Array, first: number, end: number): number {
  if (!(start >= LEAST)) return Number.POSITIVE_INFINITY;
  const unit = spacing(start);
  const shift = ROUND_TO_INTEGER * unit;
  const middles: number[] = [];
  for (let i = first; i < end; i++) {
    const term = terms[i]!;
    if (Math.abs(term + shift - shift - term) !== unit / 2) continue;
    if (middles.push(i) > FEW) return Number.POSITIVE_INFINITY;
  }
  middles.sort((a, b) => keys[b]! - keys[a]!);
  const sumAbove = (least: number): number => {
    let sum = start;
    for (let i = first; i < end; i++) {
      const term = terms[i]!;
      const rounded = term + shift - shift;
      sum += rounded * (+(keys[i]! > least) & +(Math.abs(term - rounded) !== unit / 2));
    }
    return sum;
  };
  let added = 0; // by those in the middle
  for (const middle of middles) {
    const low = Math.floor(terms[middle]! / unit);
    added += (low + (((sumAbove(keys[middle]!) + added) / unit + low) % 2)) * unit;
  }
  const sum = sumAbove(Number.NEGATIVE_INFINITY) + added;
  return sum < 2 ** 24 * unit ? sum : Number.POSITIVE_INFINITY;
}

/** Moves the larger keys to the front; returns where the others begin, `end` if all are equal. */
function splitByKey(keys: Float32Array, terms: Float32Array, first: number, end: number): number {
  let least = keys[first]!;
  let largest = least;
  for (let i = first + 1; i < end; i++) {
    least = Math.min(least, keys[i]!);
    largest = Math.max(largest, keys[i]!);
  }
  if (least === largest) return end;
  const mean = (least + largest) / 2; // exact in double precision
  let middle = first;
  for (let i = first; i < end; i++) {
    const key = keys[i]!;
    const term = terms[i]!;
    keys[i] = keys[middle]!;
    terms[i] = terms[middle]!;
    keys[middle] = key;
    terms[middle] = term;
    middle += +(key > mean); // without a branch that cannot be foreseen
  }
  return middle;
}

function addSorted(start: number, keys: Float32Array, terms: Float32Array, first: number, end: number): number {
  let sum = start;
  for (let i = first + 1; i < end; i++) {
    const key = keys[i]!;
    const term = terms[i]!;
    let hole = i;
    for (; hole > first && key > keys[hole - 1]!; hole--) {
      keys[hole] = keys[hole - 1]!;
      terms[hole] = terms[hole - 1]!;
    }
    keys[hole] = key;
    terms[hole] = term;
  }
  for (let i = first; i < end; i++) sum = Math.fround(sum + terms[i]!);
  return sum;
}
