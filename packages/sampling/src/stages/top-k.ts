// Top-k (Fan et al. 2018): keeps the k most likely candidates.

import { type Candidates, keepFirst } from "../candidates.ts";
import { sortUnsettled, sortWhenAsked } from "../front.ts";
import { checkInteger, checkMinKeep } from "../guards.ts";
import { selectDescending } from "../sort.ts";
import type { ApplyStage } from "../stage.ts";

export interface TopKStage {
  readonly kind: "top-k";
  /** How many to keep; 0 or less: all of them, sorted. */
  readonly k: number;
  /** Keep at least so many; 1 if not given. */
  readonly minKeep?: number | undefined;
}

export function topK(stage: TopKStage, nVocab: number): ApplyStage {
  const k = checkInteger("top-k: k", stage.k, -(2 ** 31), 2 ** 31 - 1);
  const minKeep = checkMinKeep(stage);
  const kept = Math.max(k <= 0 ? nVocab : k, minKeep);
  return (candidates) => keepTopK(candidates, kept);
}

/** Sorts the candidates and keeps the first `k`, but at least one and at most all: these are sorted when someone asks for the order. */
function keepTopK(candidates: Candidates, k: number): void {
  const { logits, ids, n } = candidates;
  const kept = Math.min(Math.max(k, 1), n);
  if (kept === n) {
    sortWhenAsked(candidates);
  } else if (candidates.sorted || candidates.sortLater) {
    sortUnsettled(candidates);
    keepFirst(candidates, kept);
  } else {
    selectDescending(logits, ids, kept, n);
    candidates.sorted = true;
    candidates.n = kept;
  }
}
