// The candidates for one token: a structure of arrays, allocated once and reused for every token.

import { expAll } from "./libm.ts";
import { addInOrder } from "./ordered-sum.ts";
import { countNanAsForbidden, sortDescending } from "./sort.ts";

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
  /** True while they are to be sorted, but nobody has asked for the order yet. */
  sortLater: boolean;
  /** Set while equal logits may stand in another order than that of libstdc++, which is found when it matters. */
  openTies: OpenTies | undefined;
}

/** What stood where sorted candidates stand now, so that they can be sorted again in libstdc++'s order. */
export interface OpenTies {
  readonly logits: Float32Array; // (capacity), nMoved in use
  readonly ids: Int32Array; // (capacity), nMoved in use
  /** Candidates that were written over. The others are where they were. */
  nMoved: number;
  /** Candidates that were sorted. */
  n: number;
}

/** An empty list with room for `capacity` candidates. */
export function createCandidates(capacity: number): Candidates {
  return {
    ids: new Int32Array(capacity),
    logits: new Float32Array(capacity),
    p: new Float32Array(capacity),
    n: 0,
    sorted: false,
    sortLater: false,
    openTies: undefined,
  };
}

/**
 * Sorts the candidates by descending logit unless they count as sorted, and computes `p` from the logits. The exponents are
 * relative to the first logit, which after the typical stage need not be the largest.
 */
export function softmax(candidates: Candidates): void {
  sortCandidates(candidates);
  computeShares(candidates);
}

/**
 * Computes `p` of candidates that count as sorted. Equal logits are equally likely, infinite ones too: +∞ leaves nothing to the others,
 * and where all are forbidden any may come.
 */
export function computeShares(candidates: Candidates): void {
  const { logits, p, n } = candidates;
  const first = logits[0]!;
  for (let i = 0; i < n; i++) p[i] = logits[i]! - first;
  expAll(p, n, p);
  let sum = addInOrder(0, p, 0, n);
  if (!(sum < Number.POSITIVE_INFINITY)) {
    // the first is infinite, or too far below another
    countNanAsForbidden(logits, n);
    const largest = largestLogit(candidates);
    for (let i = 0; i < n; i++) p[i] = logits[i] === largest ? 0 : logits[i]! - largest;
    expAll(p, n, p);
    sum = addInOrder(0, p, 0, n);
  }
  for (let i = 0; i < n; i++) p[i] = p[i]! / sum;
}

/** Sorts the candidates by descending logit, in libstdc++'s order, unless they count as sorted. */
export function sortCandidates(candidates: Candidates): void {
  if (candidates.sorted) return;
  sortDescending(candidates.logits, candidates.ids, candidates.n);
  candidates.sorted = true;
  candidates.sortLater = false;
}

/** Brings candidates into the order that they should have: to be called before more than logits and their number is looked at. */
export function settleOrder(candidates: Candidates): void {
  if (candidates.sortLater) sortCandidates(candidates);
  settleTies(candidates);
}

/** Puts equal logits in libstdc++'s order. */
export function settleTies(candidates: Candidates): void {
  const { openTies, n } = candidates;
  if (openTies === undefined) return;
  const { logits, ids, nMoved } = openTies;
  logits.set(candidates.logits.subarray(nMoved, openTies.n), nMoved);
  ids.set(candidates.ids.subarray(nMoved, openTies.n), nMoved);
  sortDescending(logits, ids, openTies.n, n);
  candidates.ids.set(ids.subarray(0, n));
  // logits may have changed since, but zeros, which are equal and not the same, are zeros still
  for (let i = 0; i < n; i++) if (logits[i] === 0) candidates.logits[i] = logits[i]!;
  candidates.openTies = undefined;
}

/** The id at `index`, which is not asked for unless it matters. */
export function idAt(candidates: Candidates, index: number): number {
  const { logits, n } = candidates;
  const logit = logits[index]!;
  // whoever cuts between equal ones settles them: those behind n do not matter
  const isTied = (index > 0 && logits[index - 1] === logit) || (index + 1 < n && logits[index + 1] === logit);
  if (isTied) settleTies(candidates);
  return candidates.ids[index]!;
}

/** Keeps the first `n` candidates of those that count as sorted. */
export function keepFirst(candidates: Candidates, n: number): void {
  const { logits } = candidates;
  if (n < candidates.n && logits[n - 1] === logits[n]) settleTies(candidates);
  candidates.n = n;
}

/** Leaves the candidate at `index` as the only one: how a stage that chooses says what it chose. */
export function keepOnly(candidates: Candidates, index: number): void {
  const { ids, logits, p } = candidates;
  ids[0] = idAt(candidates, index);
  logits[0] = logits[index]!;
  p[0] = p[index]!;
  candidates.n = 1;
  candidates.sorted = true;
  candidates.openTies = undefined;
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

/** After the typical stage the first logit need not be the largest. */
export function largestLogit({ logits, n }: Candidates): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < n; i++) if (logits[i]! > largest) largest = logits[i]!;
  return largest;
}

/** Index of the candidate with this id, or −1. Immediate while the list is in id order, as it is before any sort. */
export function findCandidate(candidates: Candidates, id: number): number {
  const { ids, n } = candidates;
  if (id < n && ids[id] === id) return id;
  for (let i = 0; i < n; i++) if (ids[i] === id) return i;
  return -1;
}
