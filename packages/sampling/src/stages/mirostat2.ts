// Mirostat 2 (Basu et al. 2020, algorithm 2): cuts off the candidates whose surprise exceeds a bound that follows the
// surprise of the chosen tokens.

import { type Cut, keepFront, type Reach } from "../front.ts";
import { log2f } from "../libm.ts";
import type { ApplyStage } from "../stage.ts";
import { drawWithFeedback, type MirostatTarget, prepareFeedback } from "./mirostat-feedback.ts";

export interface Mirostat2Stage extends MirostatTarget {
  readonly kind: "mirostat2";
}

export function mirostat2(stage: Mirostat2Stage): ApplyStage {
  const feedback = prepareFeedback(stage);
  const cut: Cut = (p, n, isAll) => {
    for (let i = 0; i < n; i++) if (-log2f(p[i]!) > feedback.mu) return Math.max(i, 1);
    return isAll ? Math.max(n, 1) : undefined;
  };
  // a little below the share whose surprise is the bound
  const reach: Reach = (_, total) => Math.log(total) - feedback.mu * Math.LN2 - 0.25;
  return (candidates, { rng }) => {
    keepFront(candidates, reach, cut);
    drawWithFeedback(candidates, rng, feedback);
  };
}
