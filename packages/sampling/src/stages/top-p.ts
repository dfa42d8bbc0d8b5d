// Top-p or nucleus sampling (Holtzman et al. 2019): keeps the shortest prefix whose probabilities reach p.

import { type Cut, keepFront } from "../front.ts";
import { checkMinKeep, checkNumber } from "../guards.ts";
import { reachOfMass } from "../logit-sample.ts";
import { type ApplyStage, OFF } from "../stage.ts";

export interface TopPStage {
  readonly kind: "top-p";
  /** Probability mass to reach; 1 or more is off. */
  readonly p: number;
  /** Keep at least so many; 1 if not given. */
  readonly minKeep?: number | undefined;
}

export function topP(stage: TopPStage): ApplyStage {
  const mass = checkNumber("top-p: p", stage.p, "0 < n < 1 (or n >= 1: off)");
  const minKeep = checkMinKeep(stage);
  if (mass >= 1) return OFF;
  const cut: Cut = (p, n) => {
    let cumulative = 0;
    for (let i = 0; i < n; i++) {
      cumulative = Math.fround(cumulative + p[i]!);
      if (cumulative >= mass && i + 1 >= minKeep) return i + 1;
    }
    return undefined;
  };
  return (candidates) => keepFront(candidates, (sample) => reachOfMass(sample, mass), cut);
}
