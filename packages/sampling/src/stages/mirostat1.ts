// Mirostat 1 (Basu et al. 2020): estimates the Zipf exponent of the distribution and picks the k of a top-k so that the
// surprise of the chosen tokens approaches a target.

import { type Cut, keepFront } from "../front.ts";
import { logf, powf } from "../libm.ts";
import { reachOfCount } from "../logit-sample.ts";
import type { ApplyStage } from "../stage.ts";
import { drawWithFeedback, type MirostatTarget, prepareFeedback } from "./mirostat-feedback.ts";

export interface Mirostat1Stage extends MirostatTarget {
  readonly kind: "mirostat1";
}

const M = 100; // how many of the most likely candidates the estimate uses, as in the paper

export function mirostat1(stage: Mirostat1Stage, nVocab: number): ApplyStage {
  const feedback = prepareFeedback(stage);
  const cut: Cut = (p, n, isAll) => {
    if (n < M && !isAll) return undefined;
    // least squares through the origin of log-probability drops over log-rank steps
    let cross = 0;
    let square = 0;
    for (let i = 0; i < M - 1 && i < n - 1; i++) {
      const t = logf(Math.fround((i + 2) / (i + 1)));
      const b = logf(Math.fround(p[i]! / p[i + 1]!));
      cross = Math.fround(cross + Math.fround(t * b));
      square = Math.fround(square + Math.fround(t * t));
    }
    const exponent = Math.fround(cross / square);
    const epsilon = Math.fround(exponent - 1);
    const numerator = Math.fround(epsilon * powf(2, feedback.mu));
    const denominator = Math.fround(1 - powf(Math.fround(nVocab), -epsilon));
    const k = toInt32(powf(Math.fround(numerator / denominator), Math.fround(1 / exponent)));
    return k > n && !isAll ? undefined : Math.min(Math.max(k, 1), n);
  };
  return (candidates, { rng }) => {
    keepFront(candidates, (sample) => reachOfCount(sample, 4 * M), cut);
    drawWithFeedback(candidates, rng, feedback);
  };
}

/** C's conversion of a float to int on x86-64: the fraction is cut off; NaN and anything out of range give −2^31. */
function toInt32(value: number): number {
  const integer = Math.trunc(value);
  return integer >= -(2 ** 31) && integer < 2 ** 31 ? integer : -(2 ** 31);
}
