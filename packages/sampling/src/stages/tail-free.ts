// Tail-free sampling (Bricken 2019): cuts where the curve of sorted probabilities has stopped bending, measured by its
// second differences. With equal probabilities all differences are 0, 0 / 0 is NaN, and nothing is cut.
// Builds of llama.cpp without SSE3 take the absolute value of an integer here and never cut; this follows the other builds.

import { type Cut, keepFront } from "../front.ts";
import { checkMinKeep, checkNumber } from "../guards.ts";
import { leastAddend } from "../ordered-sum.ts";
import { type ApplyStage, OFF } from "../stage.ts";

export interface TailFreeStage {
  readonly kind: "tail-free";
  /** Share of the total bend to keep; 1 or more is off. */
  readonly z: number;
  /** Keep at least so many; 1 if not given. */
  readonly minKeep?: number | undefined;
}

export function tailFree(stage: TailFreeStage): ApplyStage {
  const z = checkNumber("tail-free: z", stage.z, "0 < n < 1 (or n >= 1: off)");
  const minKeep = checkMinKeep(stage);
  if (z >= 1) return OFF;
  const cut: Cut = (p, n, isAll) => {
    let total = 0;
    for (let i = 0; i < n - 2; i++) total = Math.fround(total + bend(p, i));
    // a bend is at most its first share, and shares descend: those behind may be too small to be seen in the total
    if (!isAll && !(p[n - 2]! < leastAddend(total))) return undefined;
    let cumulative = 0;
    for (let i = 0; i < n - 2; i++) {
      cumulative = Math.fround(cumulative + Math.fround(bend(p, i) / total));
      if (cumulative > z && i >= minKeep) return i;
    }
    return undefined;
  };
  return (candidates) => {
    if (candidates.n > 2) keepFront(candidates, () => VANISHING, cut);
  };
}

/** Natural logarithm of shares, relative to the largest, that are too small to be seen in a sum of bends. */
const VANISHING = -17.5;

/** Absolute second difference of `p` (n) at i. */
function bend(p: Float32Array, i: number): number {
  const slope = Math.fround(p[i]! - p[i + 1]!);
  const nextSlope = Math.fround(p[i + 1]! - p[i + 2]!);
  return Math.abs(Math.fround(slope - nextSlope));
}
