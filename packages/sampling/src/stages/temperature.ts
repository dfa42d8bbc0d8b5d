// Temperature: divides the logits. Order and probabilities stay as they are until the next softmax.

import { largestLogit } from "../candidates.ts";
import { sortUnsettled } from "../front.ts";
import { checkNumber, finite } from "../guards.ts";
import type { ApplyStage } from "../stage.ts";
import { keepGreedy } from "./greedy.ts";

export interface TemperatureStage {
  readonly kind: "temperature";
  /** Below 1 sharpens, above 1 flattens, 1 is off; 0 or less keeps only the most likely candidate. */
  readonly temperature: number;
}

export function temperature(stage: TemperatureStage): ApplyStage {
  const divisor = finite(checkNumber("temperature: temperature", stage.temperature, "n > 0 (or n <= 0: greedy)"));
  return (candidates) => {
    if (candidates.sortLater) sortUnsettled(candidates);
    if (divisor <= 0) return keepGreedy(candidates);
    if (divisor < 1) {
      const largest = largestLogit(candidates);
      if (Math.abs(largest) === Number.POSITIVE_INFINITY) return; // none but its equals has a share
      // so cold that it could no longer be told from others
      if (Math.abs(Math.fround(largest / divisor)) === Number.POSITIVE_INFINITY) return keepGreedy(candidates);
    }
    const { logits, n } = candidates;
    for (let i = 0; i < n; i++) logits[i] = logits[i]! / divisor;
  };
}
