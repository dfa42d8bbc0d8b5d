// XTC, "exclude top choices" (p-e-w, text-generation-webui pull request 6335; llama.cpp pull request 9742): now and then
// removes the candidates that are likely enough, all but the least likely of them, so that the text takes a less trodden path.

import { keepIf, softmax } from "../candidates.ts";
import { checkMinKeep, checkNumber } from "../guards.ts";
import { type ApplyStage, OFF } from "../stage.ts";

export interface XtcStage {
  readonly kind: "xtc";
  /** How often it strikes: 0 or less is off, 1 is always. */
  readonly probability: number;
  /** Probability from which on a candidate is a top choice; above 0.5 there cannot be two, so the stage is off. */
  readonly threshold: number;
  /** Do nothing if fewer would be left; 1 if not given. */
  readonly minKeep?: number | undefined;
}

/**
 * With at least two candidates, it first draws one number from the sampler's engine: chance = output / 2^32 as a binary32 below
 * 1. If chance > `probability` nothing changes. Else, of the candidates with p ≥ `threshold` only the one with the smallest p
 * stays (the last of equals), together with all below the threshold; the order stays. Unlike text-generation-webui, and like
 * llama.cpp, it does not spare newline and end of text.
 */
export function xtc(stage: XtcStage): ApplyStage {
  const probability = checkNumber("xtc: probability", stage.probability, "0 < n <= 1 (or n <= 0: off)");
  const threshold = checkNumber("xtc: threshold", stage.threshold, "0 <= n <= 0.5 (or n > 0.5: off)");
  const minKeep = checkMinKeep(stage);
  if (probability <= 0 || threshold > 0.5) return OFF;
  return (candidates, { rng }) => {
    if (candidates.n < 2) return;
    const chance = Math.min(Math.fround(rng.next() / 2 ** 32), BELOW_ONE);
    if (chance > probability) return;

    softmax(candidates);
    const { p, n } = candidates;
    let nTop = 0;
    let spared = -1; // index of the top choice that stays
    for (let i = 0; i < n; i++) {
      if (!(p[i]! >= threshold)) continue;
      nTop++;
      if (spared < 0 || p[i]! <= p[spared]!) spared = i;
    }
    if (nTop < 2 || n - nTop + 1 < minKeep) return;
    keepIf(candidates, (i) => !(p[i]! >= threshold) || i === spared);
  };
}

const BELOW_ONE = 1 - 2 ** -24; // the largest binary32 below 1
