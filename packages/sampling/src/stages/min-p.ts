// Min-p (Nguyen et al. 2024, arXiv:2407.01082; kalomaze, llama.cpp pull request 3841): keeps the candidates that are at least
// p times as likely as the most likely one, so that the cut follows the model's confidence.

import { keepFirst, keepIf, largestLogit } from "../candidates.ts";
import { keepAbove, sortUnsettled } from "../front.ts";
import { checkMinKeep, checkNumber } from "../guards.ts";
import { logf } from "../libm.ts";
import { countNanAsForbidden } from "../sort.ts";
import { type ApplyStage, OFF } from "../stage.ts";

export interface MinPStage {
  readonly kind: "min-p";
  /** Share of the largest probability that is enough to stay; 0 or less is off, 1 keeps only the most likely ones. */
  readonly p: number;
  /** Keep at least so many; 1 if not given. */
  readonly minKeep?: number | undefined;
}

/**
 * As in llama.cpp no probability is computed: a candidate stays if logit ≥ fl32(largest logit + logf(p)). The order stays. If
 * fewer than `minKeep` qualify, the candidates are sorted and the first `minKeep` stay.
 */
export function minP(stage: MinPStage): ApplyStage {
  const share = checkNumber("min-p: p", stage.p, "0 < n <= 1 (or n <= 0: off)");
  const minKeep = checkMinKeep(stage);
  if (share <= 0) return OFF;
  const drop = logf(share); // how far below the largest logit a candidate may be
  return (candidates) => {
    const threshold = Math.fround(largestLogit(candidates) + drop);
    const { logits, n } = candidates;
    if (threshold === Number.NEGATIVE_INFINITY) countNanAsForbidden(logits, n);
    let qualified = 0;
    for (let i = 0; i < n; i++) qualified += +(logits[i]! >= threshold);
    if (qualified < minKeep) {
      sortUnsettled(candidates);
      keepFirst(candidates, Math.min(minKeep, n));
    } else if (candidates.sortLater) {
      keepAbove(candidates, threshold);
    } else {
      keepIf(candidates, (i) => logits[i]! >= threshold);
    }
  };
}
