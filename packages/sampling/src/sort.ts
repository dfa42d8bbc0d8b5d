// Descending sort and partial sort in the order of libstdc++'s std::sort (introsort) and std::partial_sort (heap select).
// Both are unstable: where equal keys end up depends on every step taken, so every step is taken here too. A NaN key counts
// as −∞, and becomes it.

const INSERTION_LIMIT = 16; // runs of at most this length are left to the insertion sort

/**
 * Sorts the first `n` of `keys` descending, as std::sort does, and moves `ids` (same length) with them. Only the first `k` are wanted:
 * those behind may be left in any order. No step of std::sort on what comes later changes what comes first.
 */
export function sortDescending(keys: Float32Array, ids: Int32Array, n: number, k: number = n): void {
  if (n < 2) return;
  countNanAsForbidden(keys, n);
  const depthLimit = 2 * (31 - Math.clz32(n)); // 2 · floor(log2 n)
  const end = Math.min(n, introsort(keys, ids, 0, n, depthLimit, k));
  // everything is within INSERTION_LIMIT of its place, and the largest key is among the first INSERTION_LIMIT
  for (let i = 1; i < end; i++) insert(keys, ids, i, i < INSERTION_LIMIT);
}

/**
 * Moves the `k` largest of the first `n` keys to the front, sorted, as std::partial_sort does; `ids` moves with them.
 * Elements from `k` on are left without meaning, because a caller keeps only the front. 1 ≤ k ≤ n.
 *
 * An element that is not before the top of the heap leaves the heap as it is. So the algorithm is one comparison for most
 * elements, and taking it literally is also the fast way.
 */
export function selectDescending(keys: Float32Array, ids: Int32Array, k: number, n: number): void {
  countNanAsForbidden(keys, k); // those behind are not larger than any, as it is
  makeHeap(keys, ids, 0, k);
  let top = keys[0]!; // the least of the k largest so far
  for (let i = k; i < n; i++) {
    if (keys[i]! > top) {
      sift(keys, ids, 0, 0, k, keys[i]!, ids[i]!);
      top = keys[0]!;
    }
  }
  sortHeap(keys, ids, 0, k);
}

/** Replaces NaN by −∞ among the first `n` keys. */
export function countNanAsForbidden(keys: Float32Array, n: number): void {
  for (let i = 0; i < n; i++) if (Number.isNaN(keys[i])) keys[i] = Number.NEGATIVE_INFINITY;
}

/**
 * Quicksort of [first, last) down to short runs; from `depth` 0 on, heap sort. Parts that begin at `k` or behind are left out: returns
 * where the first of them begins, Infinity if there is none.
 */
function introsort(keys: Float32Array, ids: Int32Array, first: number, last: number, depth: number, k: number): number {
  let end = last;
  let done = Number.POSITIVE_INFINITY;
  for (let left = depth; end - first > INSERTION_LIMIT; left--) {
    if (left === 0) {
      makeHeap(keys, ids, first, end - first);
      sortHeap(keys, ids, first, end - first);
      break;
    }
    const cut = partition(keys, ids, first, end);
    done = cut < k ? Math.min(done, introsort(keys, ids, cut, end, left - 1, k)) : cut;
    end = cut;
  }
  return done;
}

/** Partitions [first, last) around a median of three, which goes to `first`; returns where the second part begins. */
function partition(keys: Float32Array, ids: Int32Array, first: number, last: number): number {
  swap(keys, ids, first, medianOf(keys, first + 1, first + ((last - first) >> 1), last - 1));
  const pivot = keys[first]!;
  let front = first + 1;
  let back = last;
  for (;;) {
    while (keys[front]! > pivot) front++; // the median has a key on either side
    back--;
    while (pivot > keys[back]!) back--;
    if (front >= back) return front;
    swap(keys, ids, front, back);
    front++;
  }
}

/** Index of the median of three keys; the order of the tests decides among equals. */
function medianOf(keys: Float32Array, x: number, y: number, z: number): number {
  const a = keys[x]!;
  const b = keys[y]!;
  const c = keys[z]!;
  if (a > b) {
    if (b > c) return y;
    return a > c ? z : x;
  }
  if (a > c) return x;
  return b > c ? z : y;
}

/** Inserts element `i` into the sorted elements before it; only with `mayBeFirst` is it compared with the first one. */
function insert(keys: Float32Array, ids: Int32Array, i: number, mayBeFirst: boolean): void {
  const key = keys[i]!;
  const id = ids[i]!;
  let hole = i;
  if (mayBeFirst && key > keys[0]!) {
    keys.copyWithin(1, 0, i);
    ids.copyWithin(1, 0, i);
    hole = 0;
  } else {
    while (key > keys[hole - 1]!) {
      keys[hole] = keys[hole - 1]!;
      ids[hole] = ids[hole - 1]!;
      hole--;
    }
  }
  keys[hole] = key;
  ids[hole] = id;
}

/** Makes a heap of `length` elements from `base` on; its top is the least. */
function makeHeap(keys: Float32Array, ids: Int32Array, base: number, length: number): void {
  for (let parent = (length - 2) >> 1; parent >= 0; parent--) {
    sift(keys, ids, base, parent, length, keys[base + parent]!, ids[base + parent]!);
  }
}

/** Turns a heap into a descending run. */
function sortHeap(keys: Float32Array, ids: Int32Array, base: number, length: number): void {
  for (let end = length - 1; end > 0; end--) {
    const key = keys[base + end]!;
    const id = ids[base + end]!;
    keys[base + end] = keys[base]!;
    ids[base + end] = ids[base]!;
    sift(keys, ids, base, 0, end, key, id);
  }
}

/** Puts an element into the hole at `start`: first the hole sinks to a leaf, then the element rises from there. */
function sift(
  keys: Float32Array,
  ids: Int32Array,
  base: number,
  start: number,
  length: number,
  key: number,
  id: number,
): void {
  let hole = start;
  const lastWithTwo = (length - 1) >> 1; // holes below this have two children
  while (hole < lastWithTwo) {
    let child = 2 * hole + 2;
    if (keys[base + child]! > keys[base + child - 1]!) child--;
    keys[base + hole] = keys[base + child]!;
    ids[base + hole] = ids[base + child]!;
    hole = child;
  }
  if ((length & 1) === 0 && hole === (length - 2) >> 1) {
    const child = 2 * hole + 1;
    keys[base + hole] = keys[base + child]!;
    ids[base + hole] = ids[base + child]!;
    hole = child;
  }
  while (hole > start) {
    const parent = (hole - 1) >> 1;
    if (!(keys[base + parent]! > key)) break;
    keys[base + hole] = keys[base + parent]!;
    ids[base + hole] = ids[base + parent]!;
    hole = parent;
  }
  keys[base + hole] = key;
  ids[base + hole] = id;
}

function swap(keys: Float32Array, ids: Int32Array, i: number, j: number): void {
  const key = keys[i]!;
  const id = ids[i]!;
  keys[i] = keys[j]!;
  ids[i] = ids[j]!;
  keys[j] = key;
  ids[j] = id;
}
