// What the penalties share: they change the logits of ids that occur among the last tokens.

import { findCandidate } from "../candidates.ts";
import { checkInteger, isId } from "../guards.ts";
import type { ApplyStage } from "../stage.ts";

/** Which tokens a penalty is about. */
export interface PenaltyWindow {
  /** How many of the last tokens count: 0 none (the stage is off), negative all that the caller gives. */
  readonly lastN: number;
  /** Ids that are never penalised, such as the newline. */
  readonly exempt?: readonly number[] | undefined;
}

/**
 * A stage that replaces the logit of every id in the window by `penalise(logit, count)`, where the id occurs `count` ≥ 1
 * times. Ids outside the vocabulary are passed over. The cost depends on the window, not on the vocabulary, as long as the
 * candidates are in id order; candidates no longer count as sorted afterwards. An empty window changes nothing.
 */
export function prepareTokenPenalty(
  window: PenaltyWindow & { readonly kind: string },
  nVocab: number,
  penalise: (logit: number, count: number) => number,
): ApplyStage {
  const lastN = checkInteger(`${window.kind}: lastN`, window.lastN, -(2 ** 31), 2 ** 31 - 1);
  const exempt = (window.exempt ?? []).map((id) => checkInteger(`${window.kind}: exempt`, id, 0, nVocab - 1));
  const counts = new Int32Array(nVocab); // (nVocab): all zero between calls

  return (candidates, { lastTokens }) => {
    const length = lastN < 0 ? lastTokens.length : Math.min(lastN, lastTokens.length);
    if (length === 0) return;
    const start = lastTokens.length - length;
    for (let i = start; i < lastTokens.length; i++) {
      const id = lastTokens[i]!;
      if (isId(id, nVocab)) counts[id]!++;
    }
    for (const id of exempt) counts[id] = 0;

    // an id is dealt with where it occurs first; clearing its count there keeps it from being penalised again
    const { logits } = candidates;
    for (let i = start; i < lastTokens.length; i++) {
      const id = lastTokens[i]!;
      const count = isId(id, nVocab) ? counts[id]! : 0;
      if (count === 0) continue;
      counts[id] = 0;
      const index = findCandidate(candidates, id);
      // what is forbidden stays so, whatever it is multiplied by
      if (index >= 0 && logits[index]! > Number.NEGATIVE_INFINITY) logits[index] = penalise(logits[index]!, count);
    }
    candidates.sorted = false;
  };
}
