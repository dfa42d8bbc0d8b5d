// What both variants of mirostat share: the running bound, and the draw that corrects it.

import { type Candidates, keepOnly } from "../candidates.ts";
import { softmaxUnsettled } from "../front.ts";
import { checkNumber } from "../guards.ts";
import { log2f } from "../libm.ts";
import type { Rng } from "../rng.ts";

export interface MirostatTarget {
  /** Surprise to aim for, in bits. */
  readonly tau: number;
  /** How fast the bound follows the error: 0 never, 1 at once. */
  readonly eta: number;
}

/** Belongs to one stage of one sampler and lives as long: reseeding does not reset it. */
export interface MirostatFeedback {
  readonly tau: number;
  readonly eta: number;
  /** Bound on the surprise of a candidate, in bits. */
  mu: number;
}

export function prepareFeedback(target: MirostatTarget & { readonly kind: string }): MirostatFeedback {
  const tau = checkNumber(`${target.kind}: tau`, target.tau, "n > 0");
  const eta = checkNumber(`${target.kind}: eta`, target.eta, "0 <= n <= 1");
  return { tau, eta, mu: Math.fround(2 * tau) };
}

/** Draws one of the remaining candidates, leaves only it, and moves the bound by its surprise. */
export function drawWithFeedback(candidates: Candidates, rng: Rng, feedback: MirostatFeedback): void {
  softmaxUnsettled(candidates);
  keepOnly(candidates, rng.draw(candidates.p, candidates.n));
  const error = Math.fround(-log2f(candidates.p[0]!) - feedback.tau);
  feedback.mu = Math.fround(feedback.mu - Math.fround(feedback.eta * error));
}
