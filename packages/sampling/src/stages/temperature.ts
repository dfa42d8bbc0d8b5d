// Temperature: divides the logits. Order and probabilities stay as they are until the next softmax.

import { sortUnsettled } from "../front.ts";
import { checkNumber } from "../guards.ts";
import type { ApplyStage } from "../stage.ts";
import { keepGreedy } from "./greedy.ts";

export interface TemperatureStage {
  readonly kind: "temperature";
  /** Below 1 sharpens, above 1 flattens, 1 is off; 0 or less keeps only the most likely candidate. */
  readonly temperature: number;
}

export function temperature(stage: TemperatureStage): ApplyStage {
  const divisor = checkNumber("temperature: temperature", stage.temperature, "n > 0 (or n <= 0: greedy)");
  return (candidates) => {
    if (candidates.sortLater) sortUnsettled(candidates);
    if (divisor <= 0) return keepGreedy(candidates);
    const { logits, n } = candidates;
    for (let i = 0; i < n; i++) logits[i] = logits[i]! / divisor;
  };
}
