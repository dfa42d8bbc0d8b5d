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
  let largest = logits[0]!;
  for (let i = 1; i < n; i++) {
    if (logits[i]! > largest) {
      largest = logits[i]!;
      best = i;
    }
  }
  keepOnly(candidates, best);
}
