// Mirostat 2 (Basu et al. 2020, algorithm 2): cuts off the candidates whose surprise exceeds a bound that follows the
// surprise of the chosen tokens.

import { softmax } from "../candidates.ts";
import { log2f } from "../libm.ts";
import type { ApplyStage } from "../stage.ts";
import { drawWithFeedback, type MirostatTarget, prepareFeedback } from "./mirostat-feedback.ts";

export interface Mirostat2Stage extends MirostatTarget {
  readonly kind: "mirostat2";
}

export function mirostat2(stage: Mirostat2Stage): ApplyStage {
  const feedback = prepareFeedback(stage);
  return (candidates, { rng }) => {
    softmax(candidates);
    const { p, n } = candidates;
    let kept = 0;
    while (kept < n && !(-log2f(p[kept]!) > feedback.mu)) kept++;
    candidates.n = Math.max(kept, 1);
    drawWithFeedback(candidates, rng, feedback);
  };
}
