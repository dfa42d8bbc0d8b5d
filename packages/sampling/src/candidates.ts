// The candidates for one token: a structure of arrays, allocated once and reused for every token.

import { expf } from "./libm.ts";
import { sortDescending } from "./sort.ts";

/** The ids that are still in the running. Stages reorder and shorten the list; only the first `n` elements count. */
export interface Candidates {
  readonly ids: Int32Array; // (capacity)
  readonly logits: Float32Array; // (capacity)
  /** Probabilities, valid from a `softmax` until a logit or the order changes. */
  readonly p: Float32Array; // (capacity)
  /** Number of candidates, at least 1. */
  n: number;
  /** True while the order is taken for descending by logit: a stage that changes logits clears it. */
  sorted: boolean;
}

/** An empty list with room for `capacity` candidates. */
export function createCandidates(capacity: number): Candidates {
  return {
    ids: new Int32Array(capacity),
    logits: new Float32Array(capacity),
    p: new Float32Array(capacity),
    n: 0,
    sorted: false,
  };
}

/**
 * Sorts the candidates by descending logit unless they count as sorted, and computes `p` from the logits. The exponents are
 * relative to the first logit, which after the typical stage need not be the largest.
 */
export function softmax(candidates: Candidates): void {
  sortCandidates(candidates);
  const { logits, p, n } = candidates;
  const first = logits[0]!;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const e = expf(Math.fround(logits[i]! - first));
    p[i] = e;
    sum = Math.fround(sum + e);
  }
  for (let i = 0; i < n; i++) p[i] = p[i]! / sum;
}

/** Sorts the candidates by descending logit, in libstdc++'s order, unless they count as sorted. */
export function sortCandidates(candidates: Candidates): void {
  if (candidates.sorted) return;
  sortDescending(candidates.logits, candidates.ids, candidates.n);
  candidates.sorted = true;
}

/** Leaves the candidate at `index` as the only one: how a stage that chooses says what it chose. */
export function keepOnly(candidates: Candidates, index: number): void {
  const { ids, logits, p } = candidates;
  ids[0] = ids[index]!;
  logits[0] = logits[index]!;
  p[0] = p[index]!;
  candidates.n = 1;
  candidates.sorted = true;
}

/** Drops the candidates for whose index `isKept` says no; the order stays. At least one must stay. */
export function keepIf(candidates: Candidates, isKept: (index: number) => boolean): void {
  const { ids, logits, p, n } = candidates;
  let kept = 0;
  for (let i = 0; i < n; i++) {
    if (!isKept(i)) continue;
    ids[kept] = ids[i]!;
    logits[kept] = logits[i]!;
    p[kept] = p[i]!;
    kept++;
  }
  candidates.n = kept;
}

/** Index of the candidate with this id, or −1. Immediate while the list is in id order, as it is before any sort. */
export function findCandidate(candidates: Candidates, id: number): number {
  const { ids, n } = candidates;
  if (id < n && ids[id] === id) return id;
  for (let i = 0; i < n; i++) if (ids[i] === id) return i;
  return -1;
}
