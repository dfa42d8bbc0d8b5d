// Locally typical sampling (Meister et al. 2022): keeps the candidates whose information is closest to its expectation, the
// entropy. As in llama.cpp, the kept candidates stay in order of typicality and still count as sorted, so a later softmax
// is relative to the most typical one and a later top-p adds up in that order. A probability that underflows to 0 makes the
// entropy NaN; all candidates are then equally typical.

import { type Candidates, settleOrder, softmax } from "../candidates.ts";
import { type Attempt, gatherBehind, type Reach, tryFronts } from "../front.ts";
import { checkMinKeep, checkNumber } from "../guards.ts";
import { expAll, logf } from "../libm.ts";
import { reachOfMass } from "../logit-sample.ts";
import { addDescending, leastAddend } from "../ordered-sum.ts";
import { sortPositions } from "../radix-sort.ts";
import { sortDescending } from "../sort.ts";
import { type ApplyStage, OFF } from "../stage.ts";

export interface TypicalStage {
  readonly kind: "typical";
  /** Probability mass to keep; 1 or more is off. */
  readonly p: number;
  /** Keep at least so many; 1 if not given. */
  readonly minKeep?: number | undefined;
}

export function typical(stage: TypicalStage, nVocab: number): ApplyStage {
  const mass = checkNumber("typical: p", stage.p, "0 < n < 1 (or n >= 1: off)");
  const minKeep = checkMinKeep(stage);
  if (mass >= 1) return OFF;
  const order = new Int32Array(nVocab); // (nVocab): indices of candidates by typicality
  const closeness = new Float32Array(nVocab); // (nVocab): minus the distance from the entropy; its descending sort gives `order`
  const keptIds = new Int32Array(nVocab); // (nVocab)
  const keptLogits = new Float32Array(nVocab); // (nVocab)
  const keptP = new Float32Array(nVocab); // (nVocab)

  /** Sets `order` and the closeness of the first `n`. */
  function compare(p: Float32Array, n: number, entropy: number): void {
    for (let i = 0; i < n; i++) {
      order[i] = i;
      closeness[i] = -Math.abs(Math.fround(-logf(p[i]!) - entropy));
    }
  }

  /** How many of the first `n` in `order` stay; undefined if all of them are not enough. */
  function countKept(p: Float32Array, n: number): number | undefined {
    let cumulative = 0;
    for (let i = 0; i < n; i++) {
      cumulative = Math.fround(cumulative + p[order[i]!]!);
      if (cumulative > mass && i >= minKeep - 1) return i + 1;
    }
    return undefined;
  }

  const attempt: Attempt = (candidates, work, nFront) => {
    const { p, n } = candidates;
    const { positions, radix } = work;
    let entropy = sumOfInformation(p, nFront);
    if (nFront < n) {
      const { xs, terms, sum } = work;
      const least = leastAddend(entropy) / LARGEST_INFORMATION;
      const nBehind = gatherBehind(work, candidates, least * sum);
      expAll(xs, nBehind, terms);
      for (let i = 0; i < nBehind; i++) terms[i] = information(Math.fround(terms[i]! / sum));
      entropy = addDescending(entropy, xs, terms, 0, nBehind);
    }
    compare(p, nFront, entropy);
    sortPositions(closeness, order, nFront, radix);
    const kept = countKept(p, nFront) ?? (nFront === n ? n : undefined);
    if (kept === undefined) return undefined;
    // those behind the front are farther from the entropy than its last one, if that is the less likely side of it
    const last = Math.fround(-logf(p[nFront - 1]!) - entropy) - LOGF_ERROR;
    if (nFront < n && !(-closeness[order[kept - 1]!]! < last)) return undefined;
    for (let i = 0; i < kept && i + 1 < nFront; i++) {
      if (closeness[order[i]!] === closeness[order[i + 1]!]) return 0; // the order of equal ones depends on all
    }
    for (let i = 0; i < nFront; i++) radix.otherPositions[i] = positions[order[i]!]!;
    positions.set(radix.otherPositions.subarray(0, nFront));
    return kept;
  };
  const reach: Reach = (sample, total) => reachOfMass(sample, total, mass) - 1;

  return (candidates) => {
    if (noShareIsZero(candidates) && tryFronts(candidates, reach, attempt)) {
      candidates.openTies = undefined; // there were none
      return;
    }
    settleOrder(candidates);
    softmax(candidates);
    const { ids, logits, p, n } = candidates;
    compare(p, n, sumOfInformation(p, n));
    sortDescending(closeness, order, n);
    const kept = countKept(p, n) ?? n;
    for (let i = 0; i < kept; i++) {
      keptIds[i] = ids[order[i]!]!;
      keptLogits[i] = logits[order[i]!]!;
      keptP[i] = p[order[i]!]!;
    }
    for (let i = 0; i < kept; i++) {
      ids[i] = keptIds[i]!;
      logits[i] = keptLogits[i]!;
      p[i] = keptP[i]!;
    }
    candidates.n = kept;
  };
}

const LARGEST_INFORMATION = 104; // of a share that is not 0
const LOGF_ERROR = 1e-4; // more than any

/** Part of the entropy that a share has. */
function information(p: number): number {
  return Math.fround(-p * logf(p));
}

function sumOfInformation(p: Float32Array, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum = Math.fround(sum + information(p[i]!));
  return sum;
}

/** Shares e^x / sum cannot underflow while no logit is too far below the largest. */
function noShareIsZero({ logits, n }: Candidates): boolean {
  let least = Number.POSITIVE_INFINITY;
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < n; i++) {
    const logit = logits[i]!;
    if (!(logit >= least)) least = Number.isNaN(logit) ? Number.NEGATIVE_INFINITY : logit;
    if (logit > largest) largest = logit;
  }
  return largest - least < 80;
}
