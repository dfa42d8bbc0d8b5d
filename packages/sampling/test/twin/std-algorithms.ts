// std::sort and std::partial_sort of libstdc++, taken step by step over an array of objects: the slow twin of src/sort.ts.

export type Before<T> = (a: T, b: T) => boolean;

export function stdSort<T>(a: T[], before: Before<T>): void {
  if (a.length === 0) return;
  introsortLoop(a, 0, a.length, 2 * Math.floor(Math.log2(a.length)), before);
  if (a.length > 16) {
    insertionSort(a, 0, 16, before);
    for (let i = 16; i < a.length; i++) unguardedInsert(a, i, before);
  } else {
    insertionSort(a, 0, a.length, before);
  }
}

/** Like the original, and unlike the fast version, it keeps the displaced elements behind the first `k`. */
export function stdPartialSort<T>(a: T[], first: number, middle: number, last: number, before: Before<T>): void {
  const length = middle - first;
  for (let parent = Math.floor((length - 2) / 2); parent >= 0; parent--) {
    adjustHeap(a, first, parent, length, a[first + parent]!, before);
  }
  for (let i = middle; i < last; i++) {
    if (before(a[i]!, a[first]!)) {
      const value = a[i]!;
      a[i] = a[first]!;
      adjustHeap(a, first, 0, length, value, before);
    }
  }
  for (let end = middle - 1; end > first; end--) {
    const value = a[end]!;
    a[end] = a[first]!;
    adjustHeap(a, first, 0, end - first, value, before);
  }
}

function introsortLoop<T>(a: T[], first: number, end: number, depthLimit: number, before: Before<T>): void {
  let last = end;
  let depth = depthLimit;
  while (last - first > 16) {
    if (depth === 0) {
      stdPartialSort(a, first, last, last, before);
      return;
    }
    depth--;
    const mid = first + Math.floor((last - first) / 2);
    swap(a, first, medianIndex(a, first + 1, mid, last - 1, before));
    let f = first + 1;
    let l = last;
    for (;;) {
      while (before(a[f]!, a[first]!)) f++;
      l--;
      while (before(a[first]!, a[l]!)) l--;
      if (f >= l) break;
      swap(a, f, l);
      f++;
    }
    introsortLoop(a, f, last, depth, before);
    last = f;
  }
}

function medianIndex<T>(a: T[], x: number, y: number, z: number, before: Before<T>): number {
  const is = (i: number, j: number) => before(a[i]!, a[j]!);
  return is(x, y) ? (is(y, z) ? y : is(x, z) ? z : x) : is(x, z) ? x : is(y, z) ? z : y;
}

function insertionSort<T>(a: T[], first: number, last: number, before: Before<T>): void {
  for (let i = first + 1; i < last; i++) {
    if (before(a[i]!, a[first]!)) a.splice(first, 0, ...a.splice(i, 1));
    else unguardedInsert(a, i, before);
  }
}

function unguardedInsert<T>(a: T[], i: number, before: Before<T>): void {
  const value = a[i]!;
  let hole = i;
  while (before(value, a[hole - 1]!)) {
    a[hole] = a[hole - 1]!;
    hole--;
  }
  a[hole] = value;
}

function adjustHeap<T>(a: T[], first: number, start: number, length: number, value: T, before: Before<T>): void {
  let hole = start;
  let child = start;
  while (child < Math.floor((length - 1) / 2)) {
    child = 2 * child + 2;
    if (before(a[first + child]!, a[first + child - 1]!)) child--;
    a[first + hole] = a[first + child]!;
    hole = child;
  }
  if (length % 2 === 0 && child === (length - 2) / 2) {
    child = 2 * child + 1;
    a[first + hole] = a[first + child]!;
    hole = child;
  }
  let parent = Math.floor((hole - 1) / 2);
  while (hole > start && before(a[first + parent]!, value)) {
    a[first + hole] = a[first + parent]!;
    hole = parent;
    parent = Math.floor((hole - 1) / 2);
  }
  a[first + hole] = value;
}

function swap<T>(a: T[], i: number, j: number): void {
  const value = a[i]!;
  a[i] = a[j]!;
  a[j] = value;
}
