// Tail-free sampling (Bricken 2019): cuts where the curve of sorted probabilities has stopped bending, measured by its
// second differences. With equal probabilities all differences are 0, 0 / 0 is NaN, and nothing is cut.
// Builds of llama.cpp without SSE3 take the absolute value of an integer here and never cut; this follows the other builds.

import { softmax } from "../candidates.ts";
import { checkMinKeep, checkNumber } from "../guards.ts";
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
  return (candidates) => {
    if (candidates.n <= 2) return;
    softmax(candidates);
    const { p, n } = candidates;
    let total = 0;
    for (let i = 0; i < n - 2; i++) total = Math.fround(total + bend(p, i));
    let cumulative = 0;
    for (let i = 0; i < n - 2; i++) {
      cumulative = Math.fround(cumulative + Math.fround(bend(p, i) / total));
      if (cumulative > z && i >= minKeep) {
        candidates.n = i;
        return;
      }
    }
  };
}

/** Absolute second difference of `p` (n) at i. */
function bend(p: Float32Array, i: number): number {
  const slope = Math.fround(p[i]! - p[i + 1]!);
  const nextSlope = Math.fround(p[i + 1]! - p[i + 2]!);
  return Math.abs(Math.fround(slope - nextSlope));
}
