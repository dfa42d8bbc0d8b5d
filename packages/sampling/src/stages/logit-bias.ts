// Adds a constant to the logits of chosen ids; −∞ forbids an id.

import { findCandidate } from "../candidates.ts";
import { checkInteger, checkNumber } from "../guards.ts";
import type { ApplyStage } from "../stage.ts";

export interface LogitBiasStage {
  readonly kind: "logit-bias";
  /** Pairs of id and bias, such as a `Map`. */
  readonly biases: Iterable<readonly [id: number, bias: number]>;
  /**
   * Also write the biased logits into the caller's buffer, as build 803 of llama.cpp does. It shows only where that buffer
   * is used again: in a session file saved after the last token, or if the same logits are sampled twice.
   */
  readonly writeBack?: boolean | undefined;
}

export function logitBias(stage: LogitBiasStage, nVocab: number): ApplyStage {
  const writeBack = stage.writeBack ?? false;
  const biases: { id: number; bias: number }[] = [];
  for (const [id, bias] of stage.biases) {
    checkInteger("logit-bias: id", id, 0, nVocab - 1);
    biases.push({ id, bias: checkNumber("logit-bias: bias", bias, "a number or -Infinity") });
  }
  return (candidates, { logits }) => {
    for (const { id, bias } of biases) {
      const index = findCandidate(candidates, id);
      if (index < 0) continue;
      candidates.logits[index] = candidates.logits[index]! + bias;
      candidates.sorted = false;
      if (writeBack) logits[id] = candidates.logits[index]!;
    }
  };
}
