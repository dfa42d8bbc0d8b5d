// Greedy choice: the largest logit, the first of equals. Draws no random number.

import { type Candidates, keepOnly } from "../candidates.ts";
import type { ApplyStage } from "../stage.ts";

export interface GreedyStage {
  readonly kind: "greedy";
}

export function greedy(_stage: GreedyStage): ApplyStage {
  return keepGreedy;
}

/** Leaves only the candidate with the largest logit. */
export function keepGreedy(candidates: Candidates): void {
  const { logits, n } = candidates;
  let best = 0;
  let largest = Number.NEGATIVE_INFINITY; // NaN counts as that
  for (let i = 0; i < n; i++) {
    if (logits[i]! > largest) {
      largest = logits[i]!;
      best = i;
    }
  }
  keepOnly(candidates, best);
}
