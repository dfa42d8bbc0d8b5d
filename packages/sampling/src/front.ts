// The most likely candidates in front, sorted, with the shares that a softmax over all would give them: a stage that keeps few of many
// need not sort the others. Results are those of sorting all, to the bit.

import {
  type Candidates,
  computeShares,
  keepFirst,
  largestLogit,
  type OpenTies,
  settleTies,
  sortCandidates,
} from "./candidates.ts";
import { expAll } from "./libm.ts";
import { type LogitSample, takeSample, totalAbove, totalOf } from "./logit-sample.ts";
import { addDescending, addInOrder, leastAddend } from "./ordered-sum.ts";
import { createRadixWork, type RadixWork, sortPositions } from "./radix-sort.ts";
import { countNanAsForbidden } from "./sort.ts";

/** Up to so many candidates are all sorted, step by step as libstdc++ does. */
const FEW_CANDIDATES = 256;

/** How much farther down a front that was too short reaches, in turn; then all are sorted. */
const FARTHER = [0, 0.2, 1.5, 4, 8] as const;

/**
 * How many candidates stay, given the shares of the first `n` of them in descending order; undefined if that depends on those behind.
 * If `isAll` there are none behind, and undefined means all.
 */
export type Cut = (p: Float32Array, n: number, isAll: boolean) => number | undefined;

/**
 * A guess where a front should end, relative to the largest logit; `total` is the sum of all exponentials, or a guess of that. A wrong one
 * costs time and nothing else.
 */
export type Reach = (sample: LogitSample, total: number) => number;

/**
 * What a stage makes of a front: how many of `work.positions` stay, in their order; undefined if it must see more, 0 if it must see all.
 * `p` of the candidates has the shares of the front.
 */
export type Attempt = (candidates: Candidates, work: FrontWork, nFront: number) => number | undefined;

/** Sorts by descending logit what does not count as sorted, computes `p`, and keeps the candidates in front of the cut. */
export function keepFront(candidates: Candidates, reach: Reach, cut: Cut): void {
  const { n, p } = candidates;
  const attempt: Attempt = (_, __, nFront) => cut(p, nFront, nFront === n) ?? (nFront === n ? n : undefined);
  if (tryFronts(candidates, reach, attempt)) return;
  softmaxUnsettled(candidates);
  const kept = cut(p, n, true);
  if (kept !== undefined) keepFirst(candidates, kept);
}

/** False, and nothing has changed but `p`, if a stage must take all candidates as they are. */
export function tryFronts(candidates: Candidates, reach: Reach, attempt: Attempt): boolean {
  if (candidates.sorted || candidates.n <= FEW_CANDIDATES) return false;
  const largest = largestLogit(candidates);
  if (!Number.isFinite(largest)) return false;
  const work = frontWork(candidates.logits.length);
  const sample = takeSample(candidates, largest);
  let total = totalOf(sample);
  for (const farther of FARTHER) {
    const end = reach(sample, total) - farther;
    const nFront = softmaxFront(work, candidates, largest, end, 0.8 * totalAbove(sample, end));
    total = work.sum; // few large ones are likely not in the sample
    const kept = attempt(candidates, work, nFront);
    if (kept === 0) return false;
    if (kept === undefined) continue;
    moveFront(work, candidates, kept, nFront);
    return true;
  }
  return false;
}

/** `softmax`, but that the order of equal logits is left open. */
export function softmaxUnsettled(candidates: Candidates): void {
  sortUnsettled(candidates);
  computeShares(candidates);
}

/** `sortCandidates`, but that the order of equal logits is left open. */
export function sortUnsettled(candidates: Candidates): void {
  const { n, logits, sorted } = candidates;
  if (sorted || n <= FEW_CANDIDATES) {
    sortCandidates(candidates);
    return;
  }
  countNanAsForbidden(logits, n);
  const work = frontWork(logits.length);
  for (let i = 0; i < n; i++) work.positions[i] = i;
  sortPositions(logits, work.positions, n, work.radix);
  moveFront(work, candidates, n, n);
}

/** Sorts the candidates, or has them sorted by the first that asks for their order: many stages want no more than a front. */
export function sortWhenAsked(candidates: Candidates): void {
  if (candidates.n <= FEW_CANDIDATES) sortCandidates(candidates);
  else candidates.sortLater = !candidates.sorted;
}

/** Sorts the candidates and keeps those whose logits are `threshold` or more; there must be one. */
export function keepAbove(candidates: Candidates, threshold: number): void {
  const work = frontWork(candidates.logits.length);
  const nFront = sortAbove(work, candidates, threshold);
  moveFront(work, candidates, nFront, nFront);
}

/** Sets the first of `positions` to those of all logits that are `threshold` or more, sorted; returns their number. */
function sortAbove({ positions, radix }: FrontWork, { logits, n }: Candidates, threshold: number): number {
  let nFront = 0;
  for (let i = 0; i < n; i++) {
    positions[nFront] = i;
    nFront += +(logits[i]! >= threshold); // without a branch that cannot be foreseen
  }
  sortPositions(logits, positions, nFront, radix);
  return nFront;
}

/** What is worked with: one for all samplers, because nothing interrupts a choice. */
export interface FrontWork {
  readonly positions: Int32Array; // (capacity): where the candidates in front are, in the order of their logits
  readonly radix: RadixWork;
  readonly xs: Float32Array; // (capacity): logits behind the front, relative to the largest
  readonly terms: Float32Array; // (capacity): what they add to a sum
  readonly ties: OpenTies;
  /** Of the latest front: its largest logit, what no logit in it is below, and the sum of e^x over all candidates. */
  largest: number;
  threshold: number;
  sum: number;
  /** How many of `xs` are behind it. */
  nBehind: number;
}

let latestWork: FrontWork | undefined;

function frontWork(capacity: number): FrontWork {
  if (latestWork === undefined || latestWork.positions.length < capacity) {
    latestWork = {
      positions: new Int32Array(capacity),
      radix: createRadixWork(capacity),
      xs: new Float32Array(capacity),
      terms: new Float32Array(capacity),
      ties: { logits: new Float32Array(capacity), ids: new Int32Array(capacity), nMoved: 0, n: 0 },
      largest: 0,
      threshold: 0,
      sum: 0,
      nBehind: 0,
    };
  }
  return latestWork;
}

/**
 * Sorts the positions of all candidates whose logits are at most −`end` below the largest, and sets the first of `p` to their shares
 * in this order. Returns their number. The candidates themselves stay where they are. The sum of these is likely `likely` or more.
 */
function softmaxFront(work: FrontWork, candidates: Candidates, largest: number, end: number, likely: number): number {
  const { logits, p } = candidates;
  const { positions, radix, terms, xs } = work;
  work.largest = largest;
  work.threshold = largest + end;
  const nFront = split(work, candidates, lowestOf(largest, leastAddend(likely)));
  sortPositions(logits, positions, nFront, radix);
  for (let i = 0; i < nFront; i++) p[i] = logits[positions[i]!]! - largest;
  expAll(p, nFront, p);
  const sum = addInOrder(0, p, 0, nFront);
  const isLikely = leastAddend(sum) >= leastAddend(likely);
  const nBehind = isLikely ? work.nBehind : gatherBehind(work, candidates, leastAddend(sum));
  expAll(xs, nBehind, terms);
  work.sum = addDescending(sum, xs, terms, 0, nBehind);
  for (let i = 0; i < nFront; i++) p[i] = p[i]! / work.sum;
  return nFront;
}

/** Sets `positions` to those of the front, and `xs` to those behind it that are not below `lowest`. */
function split(work: FrontWork, { logits, n }: Candidates, lowest: number): number {
  const { positions, xs, largest, threshold } = work;
  const least = Math.min(lowest, threshold);
  let nFront = 0;
  let nBehind = 0;
  for (let i = 0; i < n; i++) {
    const logit = logits[i]!;
    positions[nFront] = i;
    xs[nBehind] = logit - largest;
    const isFront = +(logit >= threshold);
    nFront += isFront;
    nBehind += +(logit >= least) - isFront;
  }
  work.nBehind = nBehind;
  return nFront;
}

/** Sets `xs` to those behind the front whose e^x is `least` or more, in any order; returns their number. */
export function gatherBehind({ xs, largest, threshold }: FrontWork, { logits, n }: Candidates, least: number): number {
  const lowest = lowestOf(largest, least);
  let nBehind = 0;
  for (let i = 0; i < n; i++) {
    const logit = logits[i]!;
    xs[nBehind] = logit - largest;
    nBehind += +(logit < threshold) & +(logit >= lowest);
  }
  return nBehind;
}

/** No logit below this has an e^x of `least`, relative to the largest. */
function lowestOf(largest: number, least: number): number {
  return largest + Math.log(least) - 0.01; // the engine's logarithm is good to more than that
}

/** Moves the first `kept` of the `nFront` positions in front to their places, and drops all others. */
function moveFront({ positions, ties }: FrontWork, candidates: Candidates, kept: number, nFront: number): void {
  const { logits, ids, n } = candidates;
  const isBetweenEqual = kept < nFront && logits[positions[kept]!] === logits[positions[kept - 1]!];
  ties.logits.set(logits.subarray(0, kept));
  ties.ids.set(ids.subarray(0, kept));
  ties.nMoved = kept;
  ties.n = n;
  for (let i = 0; i < kept; i++) {
    const position = positions[i]!;
    logits[i] = position < kept ? ties.logits[position]! : logits[position]!;
    ids[i] = position < kept ? ties.ids[position]! : ids[position]!;
  }
  candidates.n = kept;
  candidates.sorted = true;
  candidates.sortLater = false;
  candidates.openTies = ties;
  if (isBetweenEqual) settleTies(candidates);
}
