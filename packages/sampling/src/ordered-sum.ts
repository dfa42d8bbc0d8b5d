// Sums in binary32 in descending order of keys, without sorting the keys.

const floatView: Float32Array = /* @__PURE__ */ new Float32Array(1);
const bitsView: Int32Array = /* @__PURE__ */ new Int32Array(floatView.buffer);

const ROUND_TO_INTEGER = 6755399441055744; // 1.5 · 2^52: adding and subtracting it rounds a double to an integer, ties to even
const LEAST = 2 ** -60; // sums from here on have a spacing that is no subnormal number
const FEW = 24; // so many are sorted, or looked at one by one

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

/**
 * fl32(… fl32(fl32(start + t) + t′) …) over terms[first … end), 0 ≤ t ≤ 2^60, in descending order of their keys; equal keys have equal
 * terms. Keys and terms may be moved.
 *
 * While a sum stays between two powers of two, a term adds its own multiple of the spacing there, whatever was added before, unless
 * it lies in the middle between two multiples. So most sums need no order; the others are made of two, one of the larger keys.
 */
export function addDescending(
  start: number,
  keys: Float32Array,
  terms: Float32Array,
  first: number,
  end: number,
): number {
  if (end - first <= FEW) return addSorted(start, keys, terms, first, end);
  if (start >= LEAST) {
    const unit = spacing(start);
    const perUnit = 1 / unit;
    let units = start * perUnit;
    let nMiddle = 0;
    for (let i = first; i < end; i++) {
      const exact = terms[i]! * perUnit;
      const rounded = exact + ROUND_TO_INTEGER - ROUND_TO_INTEGER;
      const error = exact - rounded;
      nMiddle += +(error * error === 0.25);
      units += rounded;
    }
    if (nMiddle > 0 && nMiddle <= FEW) units = unitsWithMiddles(start * perUnit, keys, terms, first, end, perUnit);
    if (nMiddle <= FEW && units < 2 ** 24) return units * unit;
  }
  const middle = splitByKey(keys, terms, first, end);
  if (middle === end) {
    let sum = start;
    for (let i = first; i < end; i++) sum = Math.fround(sum + terms[i]!); // all are equal
    return sum;
  }
  return addDescending(addDescending(start, keys, terms, first, middle), keys, terms, middle, end);
}

/** The sum in units, some of whose terms lie in the middle: each adds what makes the sum of all larger ones and itself even. */
function unitsWithMiddles(
  start: number,
  keys: Float32Array,
  terms: Float32Array,
  first: number,
  end: number,
  perUnit: number,
): number {
  const middles: number[] = [];
  for (let i = first; i < end; i++) {
    const exact = terms[i]! * perUnit;
    if (Math.abs(exact - (exact + ROUND_TO_INTEGER - ROUND_TO_INTEGER)) === 0.5) middles.push(i);
  }
  middles.sort((a, b) => keys[b]! - keys[a]!);
  const unitsAbove = (least: number): number => {
    let units = start;
    for (let i = first; i < end; i++) {
      const exact = terms[i]! * perUnit;
      const rounded = exact + ROUND_TO_INTEGER - ROUND_TO_INTEGER;
      const error = exact - rounded;
      units += rounded * (+(keys[i]! > least) & +(error * error !== 0.25));
    }
    return units;
  };
  let added = 0; // by those in the middle
  for (const middle of middles) {
    const low = Math.floor(terms[middle]! * perUnit);
    added += low + ((unitsAbove(keys[middle]!) + added + low) % 2);
  }
  return unitsAbove(Number.NEGATIVE_INFINITY) + added;
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
    if (!(keys[i]! > mean)) continue;
    const key = keys[i]!;
    const term = terms[i]!;
    keys[i] = keys[middle]!;
    terms[i] = terms[middle]!;
    keys[middle] = key;
    terms[middle] = term;
    middle++;
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
