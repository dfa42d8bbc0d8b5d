// Top-p or nucleus sampling (Holtzman et al. 2019): keeps the shortest prefix whose probabilities reach p.

import { type Cut, keepFront } from "../front.ts";
import { checkMinKeep, checkNumber } from "../guards.ts";
import { reachOfMass } from "../logit-sample.ts";
import { addInOrder } from "../ordered-sum.ts";
import { type ApplyStage, OFF } from "../stage.ts";

export interface TopPStage {
  readonly kind: "top-p";
  /** Probability mass to reach; 1 or more is off. */
  readonly p: number;
  /** Keep at least so many; 1 if not given. */
  readonly minKeep?: number | undefined;
}

const STRIDE = 256; // candidates that are passed over together

export function topP(stage: TopPStage): ApplyStage {
  const mass = checkNumber("top-p: p", stage.p, "0 < n < 1 (or n >= 1: off)");
  const minKeep = checkMinKeep(stage);
  if (mass >= 1) return OFF;
  const cut: Cut = (p, n) => {
    let cumulative = 0;
    let start = 0; // what comes before is not enough
    for (let next = STRIDE; next <= n; next += STRIDE) {
      const sum = addInOrder(cumulative, p, start, next);
      if (!(sum < mass)) break;
      cumulative = sum;
      start = next;
    }
    for (let i = start; i < n; i++) {
      cumulative = Math.fround(cumulative + p[i]!);
      if (cumulative >= mass && i + 1 >= minKeep) return i + 1;
    }
    return undefined;
  };
  return (candidates) => keepFront(candidates, (sample, total) => reachOfMass(sample, total, mass), cut);
}
