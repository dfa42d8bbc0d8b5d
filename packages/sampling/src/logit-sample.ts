// A few of many logits, to guess from how far down the interesting ones reach. A wrong guess costs time and nothing else.

import type { Candidates } from "./candidates.ts";

const SIZE = 8192; // at least, if there are so many
const BUCKETS_PER_UNIT = 32;
const N_BUCKETS = 32 * BUCKETS_PER_UNIT;
const counts: Float64Array = /* @__PURE__ */ new Float64Array(N_BUCKETS);
const WEIGHTS: Float64Array = /* @__PURE__ */ Float64Array.from({ length: N_BUCKETS }, (_, bucket) =>
  Math.exp(-(bucket + 0.5) / BUCKETS_PER_UNIT),
);

/** Valid until the next one is taken. */
export interface LogitSample {
  /** How many candidates of all are how far below the largest logit, by distance · BUCKETS_PER_UNIT. */
  readonly counts: Float64Array; // (N_BUCKETS)
  /** Candidates that one of the sample stands for. */
  readonly stride: number;
}

export function takeSample({ logits, n }: Candidates, largest: number): LogitSample {
  const stride = Math.max(1, Math.floor(n / SIZE));
  counts.fill(0);
  for (let i = 0; i < n; i += stride) {
    const distance = (largest - logits[i]!) * BUCKETS_PER_UNIT;
    if (distance < N_BUCKETS) counts[Math.trunc(distance)]! += stride;
  }
  return { counts, stride };
}

/** Where about `wanted` candidates are above, relative to the largest logit. */
export function reachOfCount({ counts, stride }: LogitSample, wanted: number): number {
  const enough = Math.max(wanted, 2 * stride); // the largest few are likely not in the sample
  let count = 0;
  let bucket = 0;
  while (bucket < N_BUCKETS && count < enough) count += counts[bucket++]!;
  return -bucket / BUCKETS_PER_UNIT;
}

/** Where about the share `mass` of all exponentials is above, relative to the largest logit. */
export function reachOfMass(sample: LogitSample, total: number, mass: number): number {
  const below = 0.8 * (1 - mass) * total; // rather too far than not far enough
  let tail = 0;
  let bucket = N_BUCKETS;
  for (; bucket > 0; bucket--) {
    tail += sample.counts[bucket - 1]! * WEIGHTS[bucket - 1]!;
    if (tail > below) break;
  }
  return Math.min(-bucket / BUCKETS_PER_UNIT, reachOfCount(sample, 300)); // and so few cost nothing
}

/** The sum of all exponentials, relative to the largest. */
export function totalOf(sample: LogitSample): number {
  return totalAbove(sample, -N_BUCKETS / BUCKETS_PER_UNIT);
}

/** The sum of those above `end`, relative to the largest logit. */
export function totalAbove({ counts }: LogitSample, end: number): number {
  let total = 1;
  const nBuckets = Math.min(-end * BUCKETS_PER_UNIT, N_BUCKETS);
  for (let bucket = 0; bucket < nBuckets; bucket++) total += counts[bucket]! * WEIGHTS[bucket]!;
  return total;
}
